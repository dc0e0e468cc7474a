import pytest
import torch

from gan_lightning.metrics import Evaluator, InceptionExtractor
from tests.metrics.random_weights import inception_weights
from tests.metrics.toy import ToyExtractor


@pytest.fixture(scope="module")
def inception(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "inception.pth"
    torch.save(inception_weights(), path)
    return lambda resize: InceptionExtractor(weights_path=str(path), resize=resize)


def test_a_preset_keeps_its_name_only_with_its_resizing(inception):
    Evaluator(extractor=inception("tensorflow"), protocol="legacy-tf")
    Evaluator(extractor=inception("clean"), protocol="clean")
    Evaluator(extractor=inception("clean"), protocol="mine")
    for protocol, resize in (("legacy-tf", "clean"), ("clean", "tensorflow"), ("sngan", "clean")):
        said = f"scores named {protocol} are measured with .*evaluator.protocol=null"
        message = f"evaluator.extractor.resize = {resize}: {said}"
        with pytest.raises(ValueError, match=message):
            Evaluator(extractor=inception(resize), protocol=protocol)


@pytest.mark.parametrize(
    ("protocol", "settings"),
    [
        ("legacy-tf", {"kernel_estimator": "exact"}),
        ("clean", {"kernel_subsets": 10}),
        ("clean", {"kernel_subset_size": 100}),
        ("quick", {"kernel_estimator": "subsets"}),
    ],
)
def test_a_preset_keeps_its_name_only_with_its_estimator(protocol, settings):
    ((key, value),) = settings.items()
    with pytest.raises(ValueError, match=f"evaluator.{key} = {value}: scores named {protocol} are measured with"):
        Evaluator(extractor=ToyExtractor(), protocol=protocol, **settings)
    Evaluator(extractor=ToyExtractor(), metrics=["frechet"], protocol=protocol, **settings)


def test_exact_needs_no_subsets():
    Evaluator(extractor=ToyExtractor(), protocol="quick", kernel_estimator="exact", kernel_subsets=3)

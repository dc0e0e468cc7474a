import urllib.error
import urllib.request
from unittest import mock

import pytest
import torch
from torch.utils.data import Dataset

from gan_lightning.data.images import TensorImages
from gan_lightning.metrics import Evaluator, InceptionExtractor, MissingWeights


def random_weights():
    """Weights in torch-fidelity's format, scaled so that different images keep different features."""
    from torch_fidelity import feature_extractor_inceptionv3 as theirs

    network = theirs.FeatureExtractorInceptionV3
    with mock.patch.object(network, "load_state_dict"), mock.patch.object(theirs, "load_state_dict_from_url"):
        state = network("inception-v3-compat", ["2048"]).state_dict()
    generator = torch.Generator().manual_seed(0)
    for name, value in state.items():
        if value.ndim == 4:
            value.normal_(std=(2 / value[0].numel()) ** 0.5, generator=generator)
        elif name == "fc.weight":
            value.normal_(std=0.2, generator=generator)
    return state


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "inception.pth"
    torch.save(random_weights(), path)
    return str(path)


def pictures(n, seed, channels=3):
    """Blobs of varying brightness and contrast, uint8."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(n, channels, 5, 5, generator=generator) * torch.rand(n, 1, 1, 1, generator=generator) * 90
    coarse = noise + 40 + 40 * seed + 60 * torch.rand(n, channels, 1, 1, generator=generator)
    return torch.nn.functional.interpolate(coarse, size=(20, 20), mode="bicubic").clamp(0, 255).to(torch.uint8)


class Pictures(Dataset):
    def __init__(self, images):
        self.images = images

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        return self.images[index]


@pytest.mark.slow
def test_scores_agree_with_torch_fidelity(weights, tmp_path):
    from torch_fidelity import calculate_metrics

    generated, real = pictures(18, seed=1), pictures(16, seed=2)
    theirs = calculate_metrics(
        input1=Pictures(generated),
        input2=Pictures(real),
        cuda=False,
        isc=True,
        fid=True,
        kid=True,
        prc=True,
        feature_extractor="inception-v3-compat",
        feature_extractor_weights_path=weights,
        kid_subset_size=10,
        kid_subsets=20,
        cache=False,
        save_cpu_ram=True,
        verbose=False,
    )
    evaluator = Evaluator(
        extractor=InceptionExtractor(weights_path=weights),
        samples=len(generated),
        batch_size=8,
        metrics=["frechet", "score", "kernel", "precision", "recall"],
        kernel_subset_size=10,
        kernel_subsets=20,
        cache_dir=str(tmp_path),
    )
    evaluation = evaluator.evaluate(
        lambda indices: generated[indices].float() / 127.5 - 1,
        TensorImages(images=real, name="blobs", split="train"),
        weights="ema",
        device="cpu",
    )
    assert evaluation.value("fid18_train") == pytest.approx(theirs["frechet_inception_distance"], rel=1e-4)
    assert evaluation.value("is18") == pytest.approx(theirs["inception_score_mean"], rel=1e-4)
    assert evaluation.value("kid18_train") == pytest.approx(theirs["kernel_inception_distance_mean"], rel=1e-4)
    assert evaluation.value("precision18_train") == pytest.approx(theirs["precision"], abs=1e-6)
    assert evaluation.value("recall18_train") == pytest.approx(theirs["recall"], abs=1e-6)
    # the agreement is about something: the features differ, and the classifier is not constant
    assert theirs["frechet_inception_distance"] > 0.1
    assert theirs["inception_score_mean"] > 1.01
    assert "rank-deficient" in evaluation.notes[0]
    assert evaluation.class_fractions is None


def test_grey_images_are_repeated_to_rgb(weights):
    extractor = InceptionExtractor(weights_path=weights)
    grey = pictures(1, seed=1, channels=1)
    assert torch.equal(extractor(grey).pool, extractor(grey.repeat(1, 3, 1, 1)).pool)


def test_resizing_is_part_of_the_protocol(weights):
    usual = InceptionExtractor(weights_path=weights)
    other = InceptionExtractor(weights_path=weights, resize="antialias")
    assert usual.preprocessing != other.preprocessing
    image = pictures(1, seed=1)
    assert not torch.allclose(usual(image).pool, other(image).pool, rtol=1e-3)
    assert usual.weights_hash == other.weights_hash
    with pytest.raises(ValueError, match="resize"):
        InceptionExtractor(weights_path=weights, resize="bilinear")


def test_weights_in_the_cache_folder_are_found(weights, tmp_path, monkeypatch):
    from torch_fidelity.feature_extractor_inceptionv3 import URL_INCEPTION_V3

    target = tmp_path / URL_INCEPTION_V3.rsplit("/", 1)[-1]
    target.symlink_to(weights)
    monkeypatch.setattr(urllib.request, "urlopen", mock.Mock(side_effect=AssertionError("no download needed")))
    monkeypatch.setenv("GAN_LIGHTNING_CACHE", str(tmp_path))
    assert InceptionExtractor().weights_hash == InceptionExtractor(weights_path=weights).weights_hash


def test_missing_weights_fail_when_the_extractor_is_built(tmp_path, monkeypatch):
    from torch_fidelity.feature_extractor_inceptionv3 import URL_INCEPTION_V3

    failure = urllib.error.URLError("no network")
    monkeypatch.setattr(urllib.request, "urlopen", mock.Mock(side_effect=failure))
    with pytest.raises(MissingWeights) as caught:
        InceptionExtractor(cache_dir=str(tmp_path))
    message = str(caught.value)
    assert URL_INCEPTION_V3 in message
    assert str(tmp_path / "weights-inception-2015-12-05-6726825d.pth") in message
    assert "weights_path" in message
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(MissingWeights, match="weights_path: no file"):
        InceptionExtractor(weights_path=str(tmp_path / "none.pth"))


def test_a_corrupt_download_is_not_kept(tmp_path, monkeypatch):
    import io

    monkeypatch.setattr(urllib.request, "urlopen", lambda *args, **kwargs: io.BytesIO(b"an error page"))
    with pytest.raises(MissingWeights, match="sha256"):
        InceptionExtractor(cache_dir=str(tmp_path))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", ["pickle", "other network", "text"])
def test_a_file_with_something_else_is_refused_and_not_executed(tmp_path, content):
    path = tmp_path / "weights.pth"
    if content == "pickle":
        torch.save({"a": mock.sentinel.something}, path)
    elif content == "other network":
        torch.save(torch.nn.Linear(2, 2).state_dict(), path)
    else:
        path.write_text("hello")
    with pytest.raises(ValueError, match="does not hold"):
        InceptionExtractor(weights_path=str(path))

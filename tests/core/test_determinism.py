"""Whatever precision training chose, and through whichever of torch's interfaces, an evaluation computes in float32."""

import pytest
import torch
from torch.backends import cudnn

from gan_lightning.core.determinism import full_float32
from gan_lightning.metrics import Evaluator
from gan_lightning.metrics.extractor import FeatureExtractor
from tests.metrics.toy import ToyExtractor, toy_real, toy_sample

CPU = torch.device("cpu")


def operations():
    mkldnn = torch.backends.mkldnn
    return (torch.backends.cuda.matmul, cudnn.conv, cudnn.rnn, mkldnn.matmul, mkldnn.conv, mkldnn.rnn)


def precisions():
    return [operation.fp32_precision for operation in operations()]


def older():
    return torch.get_float32_matmul_precision(), torch.backends.cuda.matmul.allow_tf32, cudnn.allow_tf32


def older_tf32():
    torch.set_float32_matmul_precision("medium")
    cudnn.allow_tf32 = True


def newer_tf32_of_matrices():
    torch.backends.cuda.matmul.fp32_precision = "tf32"


def newer_tf32_of_convolutions():
    cudnn.conv.fp32_precision = "tf32"
    torch.backends.mkldnn.conv.fp32_precision = "bf16"


def newer_tf32_of_everything():
    torch.backends.fp32_precision = "tf32"


WAYS = [older_tf32, newer_tf32_of_matrices, newer_tf32_of_convolutions, newer_tf32_of_everything]


@pytest.fixture(autouse=True)
def _initial_precisions():
    assert older() == ("highest", False, True)
    before = precisions()
    yield
    torch.backends.fp32_precision = "none"
    torch.set_float32_matmul_precision("highest")
    cudnn.allow_tf32 = True
    for operation, precision in zip(operations(), before, strict=True):
        operation.fp32_precision = precision


@pytest.mark.parametrize("allow", WAYS)
def test_the_extractor_computes_in_full_float32_and_gives_back_what_was(allow):
    seen = []

    class Watched(ToyExtractor):
        def extract(self, images):
            seen.append((precisions(), older()))
            assert not torch.is_autocast_enabled("cpu")
            return super().extract(images)

    allow()
    chosen = precisions()
    assert {"tf32", "bf16"} & set(chosen)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        Watched()(torch.zeros(1, 1, 4, 4, dtype=torch.uint8))
        assert torch.is_autocast_enabled("cpu")
    assert seen == [(["ieee"] * 6, ("highest", False, False))]
    assert precisions() == chosen


@pytest.mark.parametrize("allow", WAYS)
def test_generating_for_an_evaluation_does_too(allow, tmp_path):
    def sample(indices):
        assert precisions() == ["ieee"] * 6
        return toy_sample(indices)

    allow()
    evaluator = Evaluator(extractor=ToyExtractor(), samples=20, metrics=["frechet"], cache_dir=str(tmp_path))
    evaluator.evaluate(sample, toy_real(), weights="ema", device="cpu")


def test_the_older_interface_reads_as_before_also_after_a_failure():
    def fail():
        with full_float32(CPU), full_float32(CPU):
            assert older() == ("highest", False, False)
            raise KeyError

    older_tf32()
    with pytest.raises(KeyError):
        fail()
    assert older() == ("medium", True, True)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("allow", WAYS)
def test_features_on_a_gpu_are_the_same_to_the_bit_where_training_uses_tf32(allow):
    class Convolved(FeatureExtractor):
        name, feature_dim, n_classes, preprocessing, channels = "convolved", 10, 0, "none", 3

        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.net = torch.nn.Sequential(torch.nn.Conv2d(3, 64, 3), torch.nn.Flatten(), torch.nn.Linear(12544, 10))

        def extract(self, images):
            pool = self.net(images / 255)
            return pool, pool[:, :0]

    extractor = Convolved().requires_grad_(False).cuda()
    images = torch.randint(0, 256, (32, 3, 16, 16), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    expected = extractor(images.cuda()).pool
    allow()
    assert torch.equal(extractor(images.cuda()).pool, expected)
    # on a card that has TF32, the test is about something
    torch.backends.fp32_precision = "tf32"
    rounded = extractor.extract(images.cuda())[0]
    assert torch.cuda.get_device_capability() < (8, 0) or not torch.equal(rounded, expected)

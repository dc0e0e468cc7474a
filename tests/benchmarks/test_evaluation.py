"""Cost of an evaluation, side by side in one process with what a person would use instead.

CPU time of one thread is compared, in turn and by medians, since machines are noisy; no figure decides a test, each is
printed beside its target and stored with pytest-benchmark's. Run with ``make bench``. Inception-v3 has random weights;
``GAN_LIGHTNING_BENCH_IMAGES`` (default 32) is the number of generated and of real images that it sees.
"""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from gan_lightning.data.images import TensorImages
from gan_lightning.metrics import DigitsExtractor, Evaluator, FeatureExtractor, InceptionExtractor
from tests.benchmarks.processor import in_turn
from tests.metrics.random_weights import inception_weights

IMAGES = int(os.environ.get("GAN_LIGHTNING_BENCH_IMAGES", "32"))
METRICS = ["frechet", "score", "kernel", "precision", "recall"]

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def inception(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("weights") / "inception.pth"
    torch.save(inception_weights(), path)
    return str(path)


def noise(n: int, channels: int, side: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (n, channels, side, side), dtype=torch.uint8, generator=generator)


def evaluator(extractor: FeatureExtractor, folder: Path, samples: int) -> Evaluator:
    return Evaluator(
        extractor=extractor,
        samples=samples,
        batch_size=128,
        metrics=METRICS,
        score_splits=2,
        kernel_subsets=100,
        kernel_subset_size=min(1000, samples),
        cache_dir=str(folder),
    )


class FeaturesOnly(torch.nn.Module):
    """An extractor as torchmetrics takes it."""

    def __init__(self, extractor: FeatureExtractor, *, logits: bool) -> None:
        super().__init__()
        self.extractor = extractor
        self.logits = logits
        self.num_features = extractor.n_classes if logits else extractor.feature_dim

    def forward(self, images: Tensor) -> Tensor:
        found = self.extractor(images)
        return found.logits if self.logits else found.pool


def separate(extractor: FeatureExtractor, generated: Tensor, real: Tensor) -> float:
    """Score with torchmetrics' FID, KID and IS, each with its own passes, and return the first."""
    from torchmetrics.image.fid import FrechetInceptionDistance
    from torchmetrics.image.inception import InceptionScore
    from torchmetrics.image.kid import KernelInceptionDistance

    features, logits = FeaturesOnly(extractor, logits=False), FeaturesOnly(extractor, logits=True)
    size = min(1000, len(generated))
    fid = FrechetInceptionDistance(feature=features)
    kid = KernelInceptionDistance(feature=features, subsets=100, subset_size=size)
    score = InceptionScore(feature=logits, splits=2)
    found = []
    for metric in (fid, kid):
        for images, is_real in ((generated, False), (real, True)):
            for batch in images.split(128):
                metric.update(batch, real=is_real)
        found.append(metric.compute())
    for batch in generated.split(128):
        score.update(batch)
    score.compute()
    return float(found[0])


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["inception", "digits"])
def test_throughput_and_the_cost_of_three_metrics(
    benchmark: Any, inception: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    extractor: FeatureExtractor
    if kind == "inception":
        extractor, count, channels, side = InceptionExtractor(weights_path=inception), IMAGES, 3, 32
    else:
        extractor, count, channels, side = DigitsExtractor(), 8192, 1, 16
    generated, real = noise(count, channels, side, 1), noise(count, channels, side, 2)
    images = TensorImages(images=real, name="noise", split="train")
    folders = (tmp_path / str(number) for number in itertools.count())
    values: dict[str, float] = {}

    def evaluate(folder: Path) -> None:
        result = evaluator(extractor, folder, count).evaluate(
            lambda indices: generated[indices], images, weights="ema", device="cpu"
        )
        values["ours"] = result.scores[0].value

    def bare() -> None:
        with torch.no_grad():
            for batch in generated.split(128):
                extractor(batch)

    def collected() -> None:
        only = Evaluator(extractor=extractor, samples=count, batch_size=128, metrics=["score"], score_splits=2)
        only.evaluate(lambda indices: generated[indices], images, weights="ema", device="cpu")

    def torchmetrics_three() -> None:
        values["torchmetrics"] = separate(extractor, generated, real)

    def torch_fidelity() -> None:
        values["torch_fidelity"] = fidelity(inception, generated, real)

    works = {
        "bare_s": bare,
        "pass_s": collected,
        "first_s": lambda: evaluate(next(folders)),
        "cached_s": lambda: evaluate(tmp_path / "kept"),
        "torchmetrics_s": torchmetrics_three,
    }
    if kind == "inception":
        works["torch_fidelity_s"] = torch_fidelity
    extractor(generated[:32])
    evaluate(tmp_path / "kept")
    found = benchmark.pedantic(lambda: in_turn(works, rounds=1 if kind == "inception" else 5), rounds=1)
    benchmark.extra_info.update(found)
    lines = [f"{kind}, {count} + {count} images, CPU seconds: {', '.join(f'{k} {v:.2f}' for k, v in found.items())}"]
    share = found["bare_s"] / found["pass_s"]
    lines.append(f"{count / found['pass_s']:.1f} images/s, {share:.3f} of the bare forward (target 0.95)")
    for name in (name for name in works if name.startswith("torch")):
        once, cached = found[name] / found["first_s"], found[name] / found["cached_s"]
        lines.append(f"{name}: {once:.2f} times our FID+IS+KID+PR, {cached:.2f} with real ones cached (target 2.5)")
    with capsys.disabled():
        print("", *lines, sep="\n")
    for value in values.values():
        assert value == pytest.approx(values["ours"], rel=1e-3)


def fidelity(weights: str, generated: Tensor, real: Tensor) -> float:
    """Score with torch-fidelity's calculate_metrics, and return its FID."""
    from torch.utils.data import Dataset
    from torch_fidelity import calculate_metrics

    class Rows(Dataset):
        def __init__(self, images: Tensor) -> None:
            self.images = images

        def __len__(self) -> int:
            return len(self.images)

        def __getitem__(self, index: int) -> Tensor:
            return self.images[index]

    found = calculate_metrics(
        input1=Rows(generated),
        input2=Rows(real),
        cuda=False,
        isc=True,
        isc_splits=2,
        fid=True,
        kid=True,
        prc=True,
        kid_subset_size=min(1000, len(generated)),
        feature_extractor="inception-v3-compat",
        feature_extractor_weights_path=weights,
        cache=False,
        save_cpu_ram=True,
        verbose=False,
        batch_size=128,
    )
    return float(found["frechet_inception_distance"])

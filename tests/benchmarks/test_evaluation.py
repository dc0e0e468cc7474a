"""Cost of an evaluation, side by side in one process with what a person would use instead.

CPU time of one thread is compared, since machines are noisy. Run with ``make bench``; the figures are printed and
stored with pytest-benchmark's. Inception-v3 has random weights. ``GAN_LIGHTNING_BENCH_IMAGES`` (default 64) is the
number of generated and of real images, ``GAN_LIGHTNING_BENCH_POINTS`` (default 6000) that of the features whose
neighbours are looked for; 50000 takes half an hour of one core.
"""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from gan_lightning.data.images import TensorImages
from gan_lightning.metrics import DigitsExtractor, Evaluator, FeatureExtractor, InceptionExtractor
from gan_lightning.metrics.frechet import Moments, frechet_distance
from gan_lightning.metrics.precision_recall import neighbourhood
from tests.metrics.random_weights import inception_weights

IMAGES = int(os.environ.get("GAN_LIGHTNING_BENCH_IMAGES", "64"))
POINTS = int(os.environ.get("GAN_LIGHTNING_BENCH_POINTS", "6000"))
METRICS = ["frechet", "score", "kernel", "precision", "recall"]


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def inception(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("weights") / "inception.pth"
    torch.save(inception_weights(), path)
    return str(path)


def cpu_s(work: Callable[[], Any]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


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


def separate(extractor: FeatureExtractor, generated: Tensor, real: Tensor) -> None:
    """Score with torchmetrics' FID, KID and IS, each with its own passes."""
    from torchmetrics.image.fid import FrechetInceptionDistance
    from torchmetrics.image.inception import InceptionScore
    from torchmetrics.image.kid import KernelInceptionDistance

    features, logits = FeaturesOnly(extractor, logits=False), FeaturesOnly(extractor, logits=True)
    size = min(1000, len(generated))
    fid = FrechetInceptionDistance(feature=features)
    kid = KernelInceptionDistance(feature=features, subsets=100, subset_size=size)
    score = InceptionScore(feature=logits, splits=2)
    for metric in (fid, kid):
        for images, is_real in ((generated, False), (real, True)):
            for batch in images.split(128):
                metric.update(batch, real=is_real)
        metric.compute()
    for batch in generated.split(128):
        score.update(batch)
    score.compute()


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
    measured = evaluator(extractor, tmp_path, count)

    def evaluate() -> None:
        measured.evaluate(lambda indices: generated[indices], images, weights="ema", device="cpu")

    def bare() -> None:
        with torch.no_grad():
            for batch in generated.split(128):
                extractor(batch)

    def collected() -> None:
        only = Evaluator(extractor=extractor, samples=count, batch_size=128, metrics=["score"], score_splits=2)
        only.evaluate(lambda indices: generated[indices], images, weights="ema", device="cpu")

    extractor(generated[:32])
    found = benchmark.pedantic(
        lambda: {
            "bare_s": cpu_s(bare),
            "pass_s": cpu_s(collected),
            "first_s": cpu_s(evaluate),
            "cached_s": cpu_s(evaluate),
            "separate_s": cpu_s(lambda: separate(extractor, generated, real)),
        },
        rounds=1,
    )
    if kind == "inception":
        found["torch_fidelity_s"] = cpu_s(lambda: fidelity(inception, generated, real))
    benchmark.extra_info.update(found)
    with capsys.disabled():
        print(
            f"\n{kind}, {count} + {count} images, CPU seconds: " + ", ".join(f"{k} {v:.2f}" for k, v in found.items())
        )
        print(
            f"{count / found['pass_s']:.1f} images/s, {found['bare_s'] / found['pass_s']:.3f} of the bare forward; "
            f"torchmetrics' three take {found['separate_s'] / found['first_s']:.2f} times our FID+IS+KID+PR, "
            f"{found['separate_s'] / found['cached_s']:.2f} times with cached real statistics"
        )
    assert found["bare_s"] > 0.9 * found["pass_s"]


def fidelity(weights: str, generated: Tensor, real: Tensor) -> None:
    """Score with torch-fidelity's calculate_metrics."""
    from torch.utils.data import Dataset
    from torch_fidelity import calculate_metrics

    class Rows(Dataset):
        def __init__(self, images: Tensor) -> None:
            self.images = images

        def __len__(self) -> int:
            return len(self.images)

        def __getitem__(self, index: int) -> Tensor:
            return self.images[index]

    calculate_metrics(
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


@pytest.mark.slow
def test_frechet_distance_of_2048_dimensions(benchmark: Any, capsys: pytest.CaptureFixture[str]) -> None:
    import numpy as np
    import scipy.linalg

    generator = torch.Generator().manual_seed(0)

    def moments(n: int) -> Moments:
        x = torch.randn(n, 2048, generator=generator, dtype=torch.float64) * torch.linspace(0.1, 2, 2048)
        return Moments.of(x @ torch.randn(2048, 2048, generator=generator, dtype=torch.float64) / 2048**0.5)

    first, second = moments(4000), moments(5000)
    values: dict[str, float] = {}

    def ours() -> None:
        values["ours"] = frechet_distance(first, second)

    def with_sqrtm() -> None:
        s1, s2 = first.covariance.numpy(), second.covariance.numpy()
        root = scipy.linalg.sqrtm(s1 @ s2).real
        gap = (first.mean - second.mean).square().sum().item()
        values["sqrtm"] = gap + np.trace(s1) + np.trace(s2) - 2 * np.trace(root)

    found = benchmark.pedantic(lambda: {"ours_s": cpu_s(ours), "sqrtm_s": cpu_s(with_sqrtm)}, rounds=1)
    benchmark.extra_info.update(found)
    with capsys.disabled():
        print(f"\nFrechet distance: {found['ours_s']:.2f} s, with sqrtm {found['sqrtm_s']:.2f} s, values {values}")
    assert values["ours"] == pytest.approx(values["sqrtm"], rel=1e-8)
    assert found["sqrtm_s"] > 5 * found["ours_s"]


@pytest.mark.slow
def test_memory_of_neighbours(benchmark: Any, capsys: pytest.CaptureFixture[str]) -> None:
    generated, real = (torch.randn(POINTS, 2048, generator=torch.Generator().manual_seed(s)) for s in (1, 2))
    before_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    took_s = benchmark.pedantic(lambda: cpu_s(lambda: neighbourhood(generated, real, nearest=5)), rounds=1)
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    whole_mib = POINTS**2 * 4 / 2**20
    benchmark.extra_info.update({"peak_mib": peak_mib, "added_mib": peak_mib - before_mib, "cpu_s": took_s})
    with capsys.disabled():
        print(
            f"\nneighbours of {POINTS} x {POINTS} features of 2048: {took_s:.0f} s of a core, peak {peak_mib:.0f} MiB, "
            f"{peak_mib - before_mib:.0f} MiB more than before; one float32 matrix of all pairs has {whole_mib:.0f} MiB"
        )
    assert peak_mib - before_mib < 600

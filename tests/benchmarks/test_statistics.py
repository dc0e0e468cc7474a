"""Cost of the statistics that need much time or memory: CPU time of one thread, printed beside its target.

``GAN_LIGHTNING_BENCH_POINTS`` (default 6000) is the number of features on either side whose neighbors are looked for;
50000 takes a quarter of an hour of one core.
"""

from __future__ import annotations

import os
import resource
from typing import Any

import pytest
import torch
from torch import Tensor

from gan_lightning.metrics.frechet import frechet_estimate
from gan_lightning.metrics.neighborhood import neighborhood
from gan_lightning.metrics.transport import Moments, frechet_distance
from tests.benchmarks.processor import cpu_s, in_turn

POINTS = int(os.environ.get("GAN_LIGHTNING_BENCH_POINTS", "6000"))

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.slow
def test_frechet_distance_of_2048_dimensions(benchmark: Any, capsys: pytest.CaptureFixture[str]) -> None:
    import numpy as np
    import scipy.linalg

    generator = torch.Generator().manual_seed(0)

    def features(n: int) -> Tensor:
        x = torch.randn(n, 2048, generator=generator, dtype=torch.float64) * torch.linspace(0.1, 2, 2048)
        return x @ torch.randn(2048, 2048, generator=generator, dtype=torch.float64) / 2048**0.5

    generated, real = features(4000), features(5000)
    first, second = Moments.of(generated), Moments.of(real)
    values: dict[str, float] = {}

    def ours() -> None:
        values["ours"] = frechet_distance(first, second)

    def with_error() -> None:
        values["with_error"] = frechet_estimate(generated, first, second, reference=real).mean

    def with_sqrtm() -> None:
        s1, s2 = first.covariance.numpy(), second.covariance.numpy()
        root = scipy.linalg.sqrtm(s1 @ s2).real
        gap = (first.mean - second.mean).square().sum().item()
        values["sqrtm"] = gap + np.trace(s1) + np.trace(s2) - 2 * np.trace(root)

    works = {"ours_s": ours, "with_error_s": with_error, "sqrtm_s": with_sqrtm}
    found = benchmark.pedantic(lambda: in_turn(works, rounds=1), rounds=1)
    benchmark.extra_info.update(found)
    with capsys.disabled():
        print(
            f"\nFrechet distance: {found['ours_s']:.2f} s, with its standard error {found['with_error_s']:.2f} s, "
            f"with sqrtm {found['sqrtm_s']:.2f} s, "
            f"{found['sqrtm_s'] / found['ours_s']:.1f} times as long (5); values {values}"
        )
    assert values["ours"] == pytest.approx(values["sqrtm"], rel=1e-8)
    assert values["with_error"] == pytest.approx(values["sqrtm"], rel=1e-8)


@pytest.mark.slow
def test_memory_of_neighbors(benchmark: Any, capsys: pytest.CaptureFixture[str]) -> None:
    generated, real = (torch.randn(POINTS, 2048, generator=torch.Generator().manual_seed(s)) for s in (1, 2))
    before_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    took_s = benchmark.pedantic(lambda: cpu_s(lambda: neighborhood(generated, real, nearest=5)), rounds=1)
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    whole_mib = POINTS**2 * 4 / 2**20
    benchmark.extra_info.update({"peak_mib": peak_mib, "added_mib": peak_mib - before_mib, "cpu_s": took_s})
    with capsys.disabled():
        print(
            f"\nneighbours of {POINTS} x {POINTS} features of 2048: {took_s:.0f} s of a core, peak {peak_mib:.0f} MiB, "
            f"{peak_mib - before_mib:.0f} MiB more than before; one float32 matrix of all pairs has {whole_mib:.0f} MiB"
        )
    assert peak_mib - before_mib < 600

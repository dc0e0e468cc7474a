"""The Frechet distance that infinitely many generated samples would have."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from gan_lightning.metrics.frechet import influences
from gan_lightning.metrics.metric import DRAWING_SEED, Estimate, Evidence, Metric, Needs, at_least
from gan_lightning.metrics.transport import Moments, any_factor, distance_given, few_samples_factor, transport

BLOCK = 4096
LEAST_SHARE = 0.1
"""The smallest set, as a share of all samples: 5,000 of 50,000 in the paper."""


def frechet_infinity(features: Tensor, reference: Moments, *, points: int = 15, seed: int = DRAWING_SEED) -> Estimate:
    """Return FID-infinity: the distance extrapolated to infinitely many generated samples.

    At N samples the distance is too high by about c / N, and c depends on the generator. So the distance of growing
    sets is fitted by least squares as a line in 1 / N, and its value at 0 is reported (Chong & Forsyth 2020,
    arXiv:1911.07023, section 3). Sets are ``points`` growing parts of one shuffle, from a tenth of the samples to
    all of them; the authors draw each set independently. Real samples are taken as they are.

    The standard error is that of the infinitesimal jackknife: the result is linear in the distances of the sets, and
    these are, to first order, in the influences of their samples.

    Args:
        features: ``(N, D)`` of the generated samples; computed where they are.
        reference: moments of the real ones.
        points: number of sets.
        seed: seed of the shuffle; no global random state is read or changed.

    Raises:
        ValueError: with fewer than two points, or fewer than two samples in a set.
    """
    n = len(features)
    if points < 2 or n * LEAST_SHARE < 2:
        raise ValueError(
            f"points must be at least 2 and there must be at least {2 / LEAST_SHARE:.0f} samples, got {points} and {n}"
        )
    sizes = np.unique(np.linspace(n * LEAST_SHARE, n, points).round().astype(int))
    order = torch.from_numpy(np.random.RandomState(seed).permutation(n)).to(features.device)
    moments = Moments.empty(features.shape[1], device=features.device)
    reference = Moments(reference.count, reference.mean.to(features.device), reference.scatter.to(features.device))
    distances, solved, reference_factor = [], None, None
    for start, end in zip([0, *sizes[:-1]], sizes, strict=True):
        for rows in order[start:end].split(BLOCK):
            moments = moments.merge(Moments.of(features[rows]))
        factor = few_samples_factor(features[order[:end]], moments.mean)
        if factor is not None and reference_factor is None:
            reference_factor = any_factor(reference.covariance)
        solved = transport(
            moments.covariance,
            reference.covariance,
            with_map=bool(end == n),
            factor_1=factor,
            factor_2=None if factor is None else reference_factor,
        )
        distances.append(distance_given(solved.trace, moments, reference))
    assert solved is not None
    weights = np.linalg.pinv(np.stack([np.ones(len(sizes)), 1 / sizes], 1))[0]
    # weight of each sample, in the order of the shuffle: it is in every set that is larger than its place
    shares = np.repeat(np.cumsum((weights / sizes)[::-1])[::-1], np.diff(sizes, prepend=0))
    found = influences(features, moments, reference, solved)[order.cpu()]
    error = (torch.from_numpy(shares) * found).norm().item()
    return Estimate(float(weights @ np.array(distances)), None, error)


class FrechetInfinity(Metric):
    """The Frechet distance at infinitely many generated samples (Chong & Forsyth 2020, arXiv:1911.07023).

    Args:
        infinity_points: number of set sizes that it is extrapolated from.

    Raises:
        ValueError: for fewer than two.
    """

    name = "frechet_infinity"
    key, inception_key = "fd_infinity", "fid_infinity"
    higher_is_better = False
    needs = Needs(features=True, real="moments")
    least_generated, least_real = round(2 / LEAST_SHARE), 2

    def __init__(self, *, infinity_points: int = 15) -> None:
        self.infinity_points = at_least(2, "infinity_points", infinity_points)

    def estimate(self, evidence: Evidence) -> Estimate:
        """Extrapolate from growing parts of the samples."""
        assert evidence.reference is not None
        return frechet_infinity(evidence.features, evidence.reference.moments, points=self.infinity_points)

    def facts(self) -> dict[str, Any]:
        """Return how the sets were chosen."""
        return {"points": self.infinity_points, "least_share": LEAST_SHARE, "shuffle_seed": DRAWING_SEED}

"""The Frechet distance (FID on Inception-v3), with its standard error from the same features."""

from __future__ import annotations

import torch
from torch import Tensor

from gan_lightning.metrics.extract_features import FeatureSet
from gan_lightning.metrics.metric import Estimate, Evidence, Metric, Needs
from gan_lightning.metrics.transport import (
    Moments,
    Transport,
    distance_given,
    few_samples_factor,
    frechet_distance,
    transport,
)

BLOCK = 4096
"""Rows that are held in float64 at once."""

SPLITS, WIDE, SPLITS_IF_WIDE = 16, 512, 4
"""Number of random splits, and of those with more than ``WIDE`` features, where each takes seconds."""


def influences(features: Tensor, first: Moments, second: Moments, solved: Transport) -> Tensor:
    """Return the influence of each sample on the Frechet distance of its set to another.

    ``2 (m_1 - m_2) . c + N / (N - 1) c . (I - A) c`` with ``c = x - m_1`` and A the linear map that carries the first
    Gaussian to the second: the derivative of the distance along the sample (Efron 1982, chapter 6), less its mean.

    Args:
        features: ``(N, D)``, the samples of ``first``.
        first: their moments.
        second: moments of the set that they are compared with.
        solved: ``transport`` between the two, with its map.

    Returns:
        float64 ``(N,)`` with mean 0, on the CPU.
    """
    assert solved.map_factor is not None  # the caller asked for it
    mean = first.mean.to(features.device)
    towards = 2 * (mean - second.mean.to(features.device))
    factor = solved.map_factor.to(features.device)
    parts = []
    for rows in features.split(BLOCK):
        centered = rows.double() - mean
        moved = centered.square().sum(1) - (centered @ factor).square().sum(1)
        parts.append(centered @ towards + moved * (first.count / (first.count - 1)))
    found = torch.cat(parts).cpu()
    return found - found.mean()


def frechet_estimate(features: Tensor, first: Moments, second: Moments, *, reference: Tensor | None = None) -> Estimate:
    """Return the Frechet distance and its standard error over draws of the first set; the second is fixed.

    The error is that of the infinitesimal jackknife, ``sqrt(sum_i influence_i^2) / N`` (Efron 1982): what a bootstrap
    of the samples converges to, without its replicates and without the bias that drawing twice gives them.

    Args:
        features: ``(N, D)``, the samples of ``first``; computed where they are.
        first: their moments.
        second: moments of the set that they are compared with.
        reference: ``(M, D)``, its samples if they are at hand: where they are few, that is quicker.

    Raises:
        ValueError: if a side has fewer than two samples.
    """
    device = features.device
    solved = transport(
        first.covariance.to(device),
        second.covariance.to(device),
        with_map=True,
        factor_1=few_samples_factor(features, first.mean.to(device)),
        factor_2=few_samples_factor(reference, second.mean.to(device)),
    )
    found = influences(features, first, second, solved)
    return Estimate(distance_given(solved.trace, first, second), None, found.norm().item() / len(features))


def frechet_of_random_parts(real: FeatureSet, first: int) -> Tensor:
    """Return the Frechet distance of a random part to the rest, once per split: float64 ``(splits,)``, on the CPU.

    Args:
        real: features ``(N, D)`` and their moments, on one device.
        first: samples of the part, at least 2 and at most N - 2.
    """
    features = real.features
    assert features is not None
    count, dimension = features.shape
    found = []
    for seed in range(SPLITS if dimension <= WIDE else SPLITS_IF_WIDE):
        rows = torch.randperm(count, generator=torch.Generator().manual_seed(seed))[:first].to(features.device)
        part = Moments.empty(dimension, device=features.device)
        for block in rows.split(BLOCK):
            part = part.merge(Moments.of(features[block]))
        found.append(frechet_distance(part, real.moments.without(part)))
    return torch.tensor(found, dtype=torch.float64)


class Frechet(Metric):
    """The Frechet distance between the features of generated and real images (Heusel 2017, arXiv:1706.08500)."""

    name = "frechet"
    key, inception_key = "fd", "fid"
    higher_is_better = False
    needs = Needs(features=True, real="moments")
    least_generated = least_real = 2
    random_parts = staticmethod(frechet_of_random_parts)

    def estimate(self, evidence: Evidence) -> Estimate:
        """Compare all features at once."""
        assert evidence.reference is not None
        reference = evidence.reference
        return frechet_estimate(
            evidence.features, evidence.generated.moments, reference.moments, reference=reference.features
        )

    def notes(self, evidence: Evidence) -> list[str]:
        """Warn of fewer images than features."""
        dimension = evidence.extractor.feature_dim
        counts = ((evidence.generated.moments.count, "generated"), (len(evidence.real), "real"))
        few = [f"{n} {kind}" for n, kind in counts if n <= dimension]
        if not few:
            return []
        return [
            f"with {' and '.join(few)} images the covariance of {dimension} features is rank-deficient: "
            "the Frechet distance is biased upward, compare it only at equal numbers of samples"
        ]

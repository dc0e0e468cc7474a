"""Fidelity, coverage and memorization by nearest neighbors, all from one look at the pairs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor

from gan_lightning.metrics.metric import Estimate, share
from gan_lightning.metrics.neighbors import Blocks, squared_distances, squared_radii


class PrecisionRecall(NamedTuple):
    """Precision and recall, both in [0, 1]."""

    precision: float
    recall: float


class DensityCoverage(NamedTuple):
    """Density, at least 0 and possibly above 1, and coverage, in [0, 1]."""

    density: float
    coverage: float


@dataclass(frozen=True, slots=True)
class Neighborhood:
    """What the balls around real and generated samples tell.

    A standard error is that of the mean over the samples that are judged, at given balls. What was not asked for is
    None.

    Attributes:
        precision: share of generated samples in a ball around a real one.
        recall: share of real samples in a ball around a generated one.
        density: mean number of open balls around real samples that a generated one lies in, over k.
        coverage: share of open balls around real samples with a generated one in them.
        authenticity: share of generated samples that are not copies: farther from their nearest real sample than that
            one is from its own nearest.
        nearest: int64 ``(M, n)``, real samples nearest to each generated one, nearest first.
        closeness: float64 ``(M,)``, distance to the nearest real sample, over that one's distance to its own nearest:
            below 1 for what authenticity calls a copy.
    """

    precision: Estimate
    recall: Estimate | None = None
    density: Estimate | None = None
    coverage: Estimate | None = None
    authenticity: Estimate | None = None
    nearest: Tensor | None = None
    closeness: Tensor | None = None


def neighborhood(
    generated: Tensor,
    real: Tensor,
    *,
    k_precision: int = 3,
    k_density: int = 5,
    nearest: int = 1,
    recall: bool = True,
    density: bool = True,
    real_radii: Tensor | None = None,
) -> Neighborhood:
    """Compare two sets of features by their nearest neighbors.

    Improved precision and recall (Kynkaanniemi 2019, arXiv:1904.06991, equations 1 and 2), density and coverage
    (Naeem 2020, arXiv:2002.09797, equations 3 and 5; open balls, as in the authors' code), and authenticity (Alaa
    2022, arXiv:2102.08921, section 3.3), from one matrix of distances between the sets and half of one within each,
    in blocks.

    Args:
        generated: ``(M, D)``.
        real: ``(N, D)``.
        k_precision: which neighbor gives the radius of precision and recall.
        k_density: which gives that of density and coverage.
        nearest: how many nearest real samples are told of each generated one; at most N; 0: no authenticity.
        recall: whether recall is wanted, which alone looks at pairs of generated samples.
        density: whether density and coverage are wanted.
        real_radii: ``squared_radii`` of ``real`` for at least the largest k, if they are known already.

    Raises:
        ValueError: if a side has too few samples.
    """
    m, n = len(generated), len(real)
    if real_radii is None:
        real_radii = squared_radii(real, max(k_precision, k_density))
    precise, dense, first = real_radii[:, k_precision - 1], real_radii[:, k_density - 1], real_radii[:, 0]
    generated_radii = squared_radii(generated, k_precision)[:, -1] if recall else None
    device = real.device
    counts = torch.zeros(m, dtype=torch.int64, device=device)
    inside, recalled, covered = (torch.zeros(size, dtype=torch.bool, device=device) for size in (m, n, n))
    best = torch.full((m, nearest), torch.inf, dtype=torch.float64, device=device)
    best_rows = torch.zeros((m, nearest), dtype=torch.int64, device=device)
    real_blocks = Blocks(real)
    memory, beyond = real_blocks.workspace(), real_blocks.workspace()
    for of_generated in Blocks(generated):
        for of_real in real_blocks:
            columns, rows = of_generated.place, of_real.place
            found = squared_distances(of_generated, of_real, memory=memory)
            outside = beyond[: found.numel()].view_as(found)
            # the smallest of the differences: several times faster than comparing all and asking whether any is true
            inside[columns] |= torch.sub(found, precise[rows], out=outside).amin(1) <= 0
            if generated_radii is not None:
                recalled[rows] |= torch.sub(found, generated_radii[columns][:, None], out=outside).amin(0) <= 0
            if density:
                hit = found < dense[rows]
                counts[columns] += hit.sum(1)
                covered[rows] |= hit.any(0)
            if nearest:
                closest = found.topk(min(nearest, found.shape[1]), dim=1, largest=False)
                candidates = torch.cat([best[columns], closest.values], 1)
                origins = torch.cat([best_rows[columns], closest.indices + rows.start], 1)
                kept = candidates.topk(nearest, dim=1, largest=False)
                best[columns] = kept.values
                best_rows[columns] = origins.gather(1, kept.indices)
    told = Neighborhood(precision=share(int(inside.sum()), m))
    if recall:
        told = replace(told, recall=share(int(recalled.sum()), n))
    if density:
        each = counts.double() / k_density
        error = each.std(correction=0).item() / m**0.5
        told = replace(told, density=Estimate(each.mean().item(), None, error), coverage=share(int(covered.sum()), n))
    if nearest:
        near, own = best[:, 0], first[best_rows[:, 0]]
        # two equal real samples are no distance apart: whoever is not equal to them is infinitely far
        closeness = torch.where(near == own, 1.0, (near / own).sqrt()).cpu()
        told = replace(
            told, authenticity=share(int((near > own).sum()), m), nearest=best_rows.cpu(), closeness=closeness
        )
    return told


def precision_recall(generated: Tensor, real: Tensor, *, k: int = 3) -> PrecisionRecall:
    """Compute improved precision and recall alone; see ``neighborhood``.

    Args:
        generated: ``(M, D)``.
        real: ``(N, D)``.
        k: which neighbor.

    Raises:
        ValueError: if a side has ``k`` samples or fewer.
    """
    found = neighborhood(generated, real, k_precision=k, k_density=k, nearest=0, density=False)
    assert found.recall is not None
    return PrecisionRecall(precision=found.precision.mean, recall=found.recall.mean)


def density_coverage(generated: Tensor, real: Tensor, *, k: int = 5) -> DensityCoverage:
    """Compute density and coverage alone; see ``neighborhood``.

    Args:
        generated: ``(M, D)``.
        real: ``(N, D)``.
        k: which neighbor gives the radius.

    Raises:
        ValueError: if there are ``k`` real samples or fewer.
    """
    found = neighborhood(generated, real, k_precision=k, k_density=k, nearest=0, recall=False)
    assert found.density is not None
    assert found.coverage is not None
    return DensityCoverage(density=found.density.mean, coverage=found.coverage.mean)

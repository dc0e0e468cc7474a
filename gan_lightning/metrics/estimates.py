"""Estimates of every metric from what was collected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from gan_lightning.data.images import EvaluationImages
from gan_lightning.metrics.class_agreement import class_accuracy, code_purity
from gan_lightning.metrics.collection import Collection
from gan_lightning.metrics.estimate import DRAWING_SEED, Estimate
from gan_lightning.metrics.frechet_error import frechet_estimate
from gan_lightning.metrics.frechet_infinity import frechet_infinity
from gan_lightning.metrics.inception_score import classifier_score
from gan_lightning.metrics.intra_class import intra_class_frechet
from gan_lightning.metrics.kernel_distance import kernel_distance, kernel_sums_within, kernel_within_real, mmd2_estimate
from gan_lightning.metrics.lpips import LPIPS
from gan_lightning.metrics.neighbours import squared_radii
from gan_lightning.metrics.perceptual import lpips_diversity, path_length
from gan_lightning.metrics.precision_recall import neighbourhood
from gan_lightning.metrics.scores import Closest
from gan_lightning.metrics.settings import Settings
from gan_lightning.metrics.statistics import Derived

NEIGHBOURS = ("precision", "recall", "density", "coverage", "authenticity")
CLOSEST_NEIGHBOURS = 5
"""Nearest real samples that are told of a suspected copy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All that scores are computed from; on rank 0.

    Attributes:
        generated: what was collected of the generated images.
        reference: what was collected of the real ones; None if no metric needs it.
        real: the real images.
        labels: classes that were asked of the generator, int64 ``(M,)``, or None.
        path: perceptual distances along steps in latent space ``(P,)``, or None.
        codes: classes or categorical codes that were asked of the generator, int64 ``(M,)``, or None.
        derived: what is known of the real images beside ``reference``.
    """

    generated: Collection
    reference: Collection | None
    real: EvaluationImages
    labels: Tensor | None = None
    path: Tensor | None = None
    codes: Tensor | None = None
    derived: Derived = field(default_factory=Derived)


@dataclass(slots=True)
class Found:
    """What was computed.

    Attributes:
        estimates: by metric.
        class_distances: the Frechet distance within each class, if it was asked for.
        closest: the suspected copies, if authenticity was asked for.
    """

    estimates: dict[str, Estimate] = field(default_factory=dict)
    class_distances: list[float] | None = None
    closest: list[Closest] = field(default_factory=list)


def compute(
    metrics: Sequence[str],
    evidence: Evidence,
    *,
    settings: Settings,
    similarity: LPIPS | None,
    device: torch.device,
) -> Found:
    """Compute what can be computed of ``metrics``.

    Args:
        metrics: their names; what they need is there.
        evidence: what was collected.
        settings: of the estimators.
        similarity: the LPIPS network, or None.
        device: where large matrices are computed.
    """
    found, generated = Found(), evidence.generated
    fill = found.estimates
    if "score" in metrics and generated.logits is not None:
        fill["score"] = classifier_score(generated.logits, splits=settings.score_splits)
    if "class_accuracy" in metrics and generated.logits is not None and evidence.labels is not None:
        fill["class_accuracy"] = class_accuracy(generated.logits, evidence.labels)
    if "code_purity" in metrics and generated.logits is not None and evidence.codes is not None:
        fill["code_purity"] = code_purity(generated.logits, evidence.codes)
    if "path_length" in metrics and evidence.path is not None:
        fill["path_length"] = path_length(evidence.path, epsilon=settings.path_epsilon)
    if "lpips_diversity" in metrics and generated.images is not None and similarity is not None:
        fill["lpips_diversity"] = lpips_diversity(generated.images, similarity, device=device)
    reference = evidence.reference
    if reference is None or generated.features is None:
        return found
    fake = generated.features.to(device)
    if "frechet" in metrics:
        fill["frechet"] = frechet_estimate(fake, generated.moments, reference.moments, reference=reference.features)
    if "frechet_infinity" in metrics:
        fill["frechet_infinity"] = frechet_infinity(fake, reference.moments, points=settings.infinity_points)
    if reference.features is None:
        return found
    real = reference.features.to(device)
    if "intra_frechet" in metrics and evidence.labels is not None and evidence.real.labels is not None:
        fill["intra_frechet"], found.class_distances = intra_class_frechet(
            fake, evidence.labels, real, evidence.real.labels
        )
    if "kernel" in metrics:
        fill["kernel"] = _kernel(fake, real, settings, evidence.derived)
    if any(metric in NEIGHBOURS for metric in metrics):
        _neighbours(set(metrics), fake, real, settings, evidence.derived, found)
    return found


def _kernel(fake: Tensor, real: Tensor, settings: Settings, derived: Derived) -> Estimate:
    if settings.kernel_estimator == "exact":
        sums = derived.get("kernel-sums", lambda: kernel_sums_within(real))
        return mmd2_estimate(fake, real, within_real=sums.to(real.device))
    subsets, size = settings.kernel_subsets, settings.kernel_subset_size
    within = derived.get(
        f"kernel-{len(fake)}-{subsets}x{size}-seed{DRAWING_SEED}",
        lambda: kernel_within_real(len(fake), real, subsets=subsets, subset_size=size),
    )
    return kernel_distance(fake, real, subsets=subsets, subset_size=size, within_real=within)


def _neighbours(
    wanted: set[str], fake: Tensor, real: Tensor, settings: Settings, derived: Derived, found: Found
) -> None:
    told = min(CLOSEST_NEIGHBOURS, len(real)) if "authenticity" in wanted else 0
    # what is not asked for must not fail for want of samples
    k_precision = settings.precision_neighbours if wanted & {"precision", "recall"} else 1
    k_density = settings.density_neighbours if wanted & {"density", "coverage"} else 1
    largest = max(k_precision, k_density)
    near = neighbourhood(
        fake,
        real,
        k_precision=k_precision,
        k_density=k_density,
        nearest=told,
        recall="recall" in wanted,
        density=bool(wanted & {"density", "coverage"}),
        real_radii=derived.get(f"radii-{largest}", lambda: squared_radii(real, largest)).to(real.device),
    )
    for metric, estimate in (
        ("precision", near.precision),
        ("recall", near.recall),
        ("density", near.density),
        ("coverage", near.coverage),
        ("authenticity", near.authenticity),
    ):
        if metric in wanted and estimate is not None:
            found.estimates[metric] = estimate
    if near.closeness is not None and near.nearest is not None:
        found.closest = _closest(near.closeness, near.nearest, settings.closest_shown)


def _closest(closeness: Tensor, nearest: Tensor, count: int) -> list[Closest]:
    order = closeness.sort(stable=True).indices[:count].tolist()
    return [Closest(i, nearest[i].tolist(), closeness[i].item()) for i in order]

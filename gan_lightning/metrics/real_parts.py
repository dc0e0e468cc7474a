"""How far two parts of the real images lie from each other: the scale of a distance, and what is far beyond it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial, reduce

import torch
from torch import Tensor

from gan_lightning.data.images import EvaluationImages
from gan_lightning.metrics.extract_features import FeatureSet
from gan_lightning.metrics.metric import Metric
from gan_lightning.metrics.scores import Score
from gan_lightning.metrics.statistics import Derived, References
from gan_lightning.metrics.transport import Moments
from gan_lightning.metrics.world import World

FAR = 10
"""Times the distance between real parts beyond which samples are called far from real; its inverse means copies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RealParts:
    """The score that a random part of the real images has against the rest of them.

    Attributes:
        first: images of the part, which stands in place of the generated ones.
        second: images of the rest.
        mean: over random splits.
        std: standard deviation over random splits.
    """

    first: int
    second: int
    mean: float
    std: float


def compare_parts(
    sets: Sequence[EvaluationImages],
    *,
    metrics: Sequence[Metric],
    samples: int,
    references: References,
    device: torch.device,
) -> dict[str, RealParts]:
    """Compare parts of the real images by every metric that has such a scale; under its name. All ranks must call it.

    The first part has as many images as there are generated ones, so that its counts are about those of the score;
    where that would leave fewer for the second, both are halves. Features of single images are those that
    ``references`` keeps; where it keeps none, there is nothing. What is found is kept beside the first statistics.

    Args:
        sets: what generated samples are scored against, and perhaps further real images of the same kind.
        metrics: the evaluator's metrics.
        samples: number of generated images.
        references: the evaluator's references.
        device: where extractors run.
    """
    total = sum(map(len, sets))
    first = min(samples, total // 2)
    if first < 2 or not references.with_features:
        return {}
    world, found = World.current(device), {}
    for metric in metrics:
        # the score of fewer samples has other counts than the rest of the table
        if metric.random_parts is None or metric.samples(samples) != samples:
            continue
        extractor = references.extractor if metric.extractor is None else metric.extractor
        own = replace(references, extractor=extractor.to(device))
        gathered = [own.get(images, device, world) for images in sets]
        name = f"parts-{first}-{own.file(sets[-1]).stem[:16]}"
        compute = partial(_values, metric.random_parts, gathered, first, device)
        values = world.on_first(partial(Derived(own.file(sets[0])).get, name, compute))
        found[metric.name] = RealParts(
            first=first, second=total - first, mean=values.mean().item(), std=values.std().item()
        )
    return found


def _values(
    random_parts: Callable[[FeatureSet, int], Tensor], sets: Sequence[FeatureSet], first: int, device: torch.device
) -> Tensor:
    """Put the sets together and compare their parts, on rank 0."""
    device = torch.device("cpu") if device.type == "mps" else device  # Apple's GPUs have no float64
    moments = reduce(Moments.merge, (found.moments for found in sets))
    moments = Moments(moments.count, moments.mean.to(device), moments.scatter.to(device))
    features = torch.cat([found.features.to(device) for found in sets if found.features is not None])
    return random_parts(FeatureSet(moments=moments, features=features), first)


def far_or_copied(scores: Sequence[Score], parts: Mapping[str, RealParts]) -> str | None:
    """Say that samples are far from real, or nearer than real images are, by the first score, which "best" means.

    Independent images in any number are at least a quarter as far from the real ones as two halves of these are from
    each other, since the bias of the distance falls with one over the counts: much less means copies.

    Where the distance between real parts is within its own spread of zero, it gives no scale: nothing is said.

    Args:
        scores: scores of the samples.
        parts: by the names of metrics.

    Returns:
        a sentence, or None if the samples are neither.
    """
    real = parts.get(scores[0].protocol["metric"]) if scores else None
    if real is None or real.mean <= real.std:
        return None
    if FAR * scores[0].value < real.mean:
        return (
            f"the samples are nearer to the real images than these are to one another: {scores[0].key} = "
            f"{scores[0].value:.4g} is less than a tenth of the {real.mean:.4g} of real images ({real.first} against "
            f"{real.second}); they are the same images, or copies that a generator has learnt by heart"
        )
    if scores[0].value <= FAR * real.mean:
        return None
    return (
        f"the samples are far from real: {scores[0].key} = {scores[0].value:.4g} is more than {FAR} times the "
        f"{real.mean:.4g} of real images ({real.first} against {real.second}); look at pictures of them and at the "
        "warnings about the training's health; training for longer may help"
    )

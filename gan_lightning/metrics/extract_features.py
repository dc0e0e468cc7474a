"""One pass over images that gathers what all metrics need."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from gan_lightning.core.machine import memory_bytes
from gan_lightning.core.pixels import NonFiniteSamples, to_uint8
from gan_lightning.metrics.extractor import FeatureExtractor
from gan_lightning.metrics.transport import Moments
from gan_lightning.metrics.world import World


@dataclass(frozen=True, slots=True)
class FeatureSet:
    """Features of a set of images, over all ranks, in the order of the images, on the CPU.

    Attributes:
        moments: moments of the features; on every rank.
        features: float32 ``(N, D)``, if they were asked for; on rank 0 only.
        logits: float32 ``(N, K)``, if they were asked for; on rank 0 only.
        images: uint8 ``(n, C, H, W)``, as many of the first as were asked for; on rank 0 only.
    """

    moments: Moments
    features: Tensor | None = None
    logits: Tensor | None = None
    images: Tensor | None = None


def extract_features(
    batches: Iterable[Tensor],
    *,
    extractor: FeatureExtractor,
    total: int,
    device: torch.device,
    world: World,
    keep_features: bool,
    keep_logits: bool,
    keep_images: int = 0,
) -> FeatureSet:
    """Run the extractor over this rank's batches and bring the ranks' results together.

    Args:
        batches: this rank's images, in [-1, 1] or uint8, ``(n, C, H, W)``.
        extractor: on ``device``.
        total: number of images over all ranks, dealt out as ``rank::size``.
        device: where the extractor runs.
        world: the ranks.
        keep_features: whether single features are needed.
        keep_logits: whether logits are needed.
        keep_images: how many of the first images are needed themselves.

    Raises:
        NonFiniteSamples: on every rank, if any rank met NaN or infinite pixels.
    """
    # Apple's GPUs have no float64
    moments = Moments.empty(extractor.feature_dim, device="cpu" if device.type == "mps" else device)
    pools, logits = [torch.empty(0, extractor.feature_dim)], [torch.empty(0, extractor.n_classes)]
    pictures: list[Tensor] = []
    wanted = len(range(world.rank, min(keep_images, total), world.size))
    problem = ""
    try:
        for batch in batches:
            images = to_uint8(batch.to(device))
            found = extractor(images)
            moments = moments.merge(Moments.of(found.pool.to(moments.mean.device)))
            if keep_features:
                pools.append(found.pool.cpu())
            if keep_logits:
                logits.append(found.logits.cpu())
            if wanted > 0:
                pictures.append(images[:wanted].cpu())
                wanted -= len(pictures[-1])
    except NonFiniteSamples as error:  # the batch's maker may raise it too
        # the other ranks wait in a collective operation: tell them before raising
        problem = str(error)
    failed_ranks = int(world.sum(torch.tensor([int(bool(problem))])))
    if failed_ranks:
        raise NonFiniteSamples(problem or f"pixel values on {failed_ranks} other ranks are NaN or infinite")
    return FeatureSet(
        moments=world.merge(moments),
        features=world.gather_interleaved(torch.cat(pools), total) if keep_features else None,
        logits=world.gather_interleaved(torch.cat(logits), total) if keep_logits else None,
        images=gather_images(pictures, min(keep_images, total), world) if keep_images else None,
    )


def check_memory(samples: int, *, floats: int) -> None:
    """Refuse more samples than this machine could hold what is kept of them, before any is made.

    Args:
        samples: their number.
        floats: float32 values that are kept of each, beside its index.

    Raises:
        ValueError: saying how much memory there is.
    """
    needed = samples * (8 + 4 * floats)
    there = memory_bytes()
    if needed > there:
        raise ValueError(
            f"evaluator.samples = {samples}: keeping {floats} features and logits of each takes "
            f"{needed / 1e9:.0f} GB, but there are {there / 1e9:.0f} GB of memory"
        )


def gather_images(pictures: list[Tensor], total: int, world: World) -> Tensor | None:
    """Put the shares of all ranks, ``total`` images, back in order, on rank 0."""
    mine = torch.cat(pictures) if pictures else torch.empty(0, dtype=torch.uint8)
    # a rank without an image does not know their shape
    shape = world.maximum(torch.tensor([0, 0, 0] if not pictures else mine.shape[1:])).tolist()
    rows = world.gather_interleaved(
        mine.reshape(len(mine), -1) if pictures else mine.reshape(0, math.prod(shape)), total
    )
    return None if rows is None else rows.reshape(-1, *shape)

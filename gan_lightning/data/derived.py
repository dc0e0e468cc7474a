"""Pairs that are made on the fly: the source image is computed from the target image."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, Unpack

import torch
import torch.nn.functional as F
from torch import Tensor

from gan_lightning.data.base import ImageDataModule
from gan_lightning.data.batch import Batch
from gan_lightning.data.domains import TranslationImages, TranslationModule, TwoDomains
from gan_lightning.data.images import EvaluationImages
from gan_lightning.data.loader import to_unit_range

Derivation = Literal["grey", "edges"]
_LUMA = (0.299, 0.587, 0.114)
EDGE_GAIN = 4.0
"""A brightness step of a quarter of the range within two pixels is drawn in black."""


def grey(images: Tensor) -> Tensor:
    """Return the luma of ITU-R BT.601, 0.299 R + 0.587 G + 0.114 B.

    Args:
        images: float ``(N, 1 or 3, H, W)`` in [-1, 1].

    Returns:
        ``(N, 1, H, W)`` in [-1, 1].
    """
    if images.shape[1] == 1:
        return images
    weights = images.new_tensor(_LUMA).view(1, 3, 1, 1)
    return (images * weights).sum(dim=1, keepdim=True)


def edges(images: Tensor) -> Tensor:
    """Return dark lines on white where the luma changes: 1 - 2 min(1, g |grad|), with Sobel's gradient per pixel.

    Args:
        images: float ``(N, 1 or 3, H, W)`` in [-1, 1].

    Returns:
        ``(N, 1, H, W)`` in [-1, 1].
    """
    padded = F.pad(grey(images), (1, 1, 1, 1), mode="replicate")
    smooth, slope = images.new_tensor([1.0, 2.0, 1.0]) / 4, images.new_tensor([-1.0, 0.0, 1.0]) / 2
    across = torch.outer(smooth, slope)
    kernels = torch.stack([across, across.T]).unsqueeze(1)
    strength = F.conv2d(padded, kernels).square().sum(dim=1, keepdim=True).sqrt()
    return 1 - 2 * (EDGE_GAIN * strength).clamp(max=1)


DERIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {"grey": grey, "edges": edges}


@dataclass(frozen=True)
class DerivedLoader:
    """Adds the source image to every batch of a loader, on the loader's device.

    Args:
        batches: batches of the target images.
        derive: images in [-1, 1] to their source images.
    """

    batches: Iterable[Batch]
    derive: Callable[[Tensor], Tensor]

    def __iter__(self) -> Iterator[Batch]:
        for batch in self.batches:
            yield Batch(batch.images, batch.labels, self.derive(batch.images))


class DerivedImages(EvaluationImages):
    """Source images for an evaluation, computed from the target images.

    Args:
        targets: the target images.
        kind: kind of the derivation.
    """

    def __init__(self, targets: EvaluationImages, kind: Derivation) -> None:
        self.name = f"{targets.name} ({kind})"
        self.split = targets.split
        self.labels = targets.labels
        self.class_names = targets.class_names
        self.fingerprint = hashlib.sha256(f"{targets.fingerprint} {kind} {EDGE_GAIN}".encode()).hexdigest()
        self._targets = targets
        self._derive = DERIVATIONS[kind]

    def __len__(self) -> int:
        return len(self._targets)

    def batches(self, batch_size: int, *, rank: int = 0, world_size: int = 1) -> Iterator[Tensor]:
        """Yield this rank's images; see ``EvaluationImages.batches``."""
        for images in self._targets.batches(batch_size, rank=rank, world_size=world_size):
            yield self._bytes(images)

    def take(self, rows: list[int]) -> Tensor:
        """Return some of the images."""
        return self._bytes(self._targets.take(rows))

    def _bytes(self, images: Tensor) -> Tensor:
        from gan_lightning.core.pixels import to_uint8  # metrics imports this room

        return to_uint8(self._derive(to_unit_range(images)))


class DerivedPairsDataModule(TranslationModule):
    """Pairs out of any image data set: its images are the targets, and the sources are computed from them.

    Args:
        images: the data set.
        derive: "grey" (colorization) or "edges" (edges to photograph).
        source_channels: 1.
        pairs: see ``TranslationModule``; as of ``images``.

    Raises:
        ValueError: for another ``derive``, or if ``images`` has other sizes.
    """

    def __init__(  # type: ignore[misc]  # source_channels has another default here
        self,
        *,
        images: ImageDataModule,
        derive: Derivation = "grey",
        source_channels: int = 1,
        **pairs: Unpack[TwoDomains],
    ) -> None:
        if derive not in DERIVATIONS:
            raise ValueError(f"data.derive must be one of {', '.join(DERIVATIONS)}, got {derive!r}")
        if source_channels != 1:
            raise ValueError(f"data.source_channels must be 1, since {derive} images are gray, got {source_channels}")
        super().__init__(images.dataset, True, source_channels=source_channels, **pairs)
        self.check_inner("images", images, self.channels)
        self.images = images
        self.derive: Derivation = derive

    @property
    def heldout_split(self) -> str | None:  # type: ignore[override]
        """Name of the split that training never sees, or None."""
        return self.images.heldout_split

    @property
    def images_per_epoch(self) -> int:
        """Number of training pairs."""
        return self.images.images_per_epoch

    def fingerprints(self) -> list[str]:
        """Return the fingerprints of the data set."""
        return self.images.fingerprints()

    def endless_loader(self) -> DerivedLoader:
        """Return an endless loader over pairs."""
        self.images.trainer = self.trainer
        return DerivedLoader(self.images.endless_loader(), DERIVATIONS[self.derive])

    def evaluation_images(self, split: str) -> TranslationImages:
        """Return the pairs of ``split``."""
        targets = self.images.evaluation_images(split)
        return TranslationImages(targets, DerivedImages(targets, self.derive), paired=True)

"""What a data module yields and a training step receives."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Batch:
    """One batch of real samples.

    Attributes:
        images: float32 ``(N, C, H, W)`` in [-1, 1], or points ``(N, D)``.
        labels: int64 ``(N,)`` class indices, or None.
        source: float32 ``(N, C', H, W)`` in [-1, 1], the input picture of a translation model, or None.
    """

    images: Tensor
    labels: Tensor | None = None
    source: Tensor | None = None

    def __len__(self) -> int:
        return self.images.shape[0]

    def to(self, *args: Any, **kwargs: Any) -> Batch:
        """Move every tensor, as ``Tensor.to`` does; Lightning calls this to transfer the batch."""
        labels = None if self.labels is None else self.labels.to(*args, **kwargs)
        source = None if self.source is None else self.source.to(*args, **kwargs)
        return Batch(self.images.to(*args, **kwargs), labels, source)

    def tensors(self) -> tuple[Tensor, Tensor | None, Tensor | None]:
        """Return all fields, in order."""
        return self.images, self.labels, self.source

    def chunk(self, parts: int) -> list[Batch]:
        """Split into ``parts`` micro-batches of equal size.

        Raises:
            ValueError: if the batch does not divide into ``parts``.
        """
        if parts == 1:
            return [self]
        if len(self) % parts:
            raise ValueError(f"a batch of {len(self)} does not divide into {parts} micro-batches")
        pieces = [[None] * parts if t is None else t.chunk(parts) for t in self.tensors()]
        return [Batch(*fields) for fields in zip(*pieces, strict=True)]

    def first(self, count: int) -> Batch:
        """Return the first ``count`` samples; all, if there are no more."""
        return Batch(*(None if t is None else t[:count] for t in self.tensors()))  # type: ignore[arg-type]

    def tile(self, times: int) -> Batch:
        """Repeat the whole batch ``times`` times over."""
        if times == 1:
            return self
        return Batch(*(None if t is None else torch.cat([t] * times) for t in self.tensors()))  # type: ignore[arg-type]


def as_batch(value: Any) -> Batch:
    """Turn what a user's own loader yields into a ``Batch``.

    Accepts a ``Batch``, a tensor of images, an ``(images, labels)`` pair, or a mapping with the fields of ``Batch``.

    Raises:
        ValueError: for anything else.
    """
    if isinstance(value, Batch):
        return value
    if isinstance(value, Tensor):
        return Batch(value)
    fields = None
    if isinstance(value, Mapping) and "images" in value and set(value) <= {"images", "labels", "source"}:
        fields = [value["images"], value.get("labels"), value.get("source")]
    elif isinstance(value, (tuple, list)) and len(value) in (1, 2):
        fields = [*value, None, None][:3]
    if fields is not None and isinstance(fields[0], Tensor) and all(f is None or isinstance(f, Tensor) for f in fields):
        images, labels, source = fields
        if labels is None or (labels.ndim == 1 and labels.dtype in (torch.int64, torch.int32)):
            return Batch(images, labels if labels is None else labels.long(), source)
    raise ValueError(
        "a batch must be a tensor of images, a pair (images, integer labels), a mapping with 'images', "
        f"or a gan_lightning.data.Batch; got {type(value).__name__}"
    )


TOLERANCE = 1e-3
"""How far pixels may lie outside [-1, 1], as rounding leaves them."""


def check_batch(
    batch: Batch,
    *,
    shape: tuple[int, ...],
    dtype: torch.dtype = torch.float32,
    classes: int | None = None,
    first: bool = True,
) -> None:
    """Refuse a batch of a loader that is not what a model can learn from.

    An accelerator would wait for its numbers to be read: those of a later batch are read on the CPU only, and elsewhere
    the loss tells.

    Images in [0, 1], as ``torchvision.transforms.ToTensor`` leaves them, are possible, but the usual mistake: a
    warning of the first batch names it.

    Args:
        batch: what the loader yielded.
        shape: shape of one sample that the model makes.
        dtype: dtype of the model's weights.
        classes: number of classes that the model knows, or None.
        first: whether it is the loader's first one, as messages then say.

    Raises:
        ValueError: in one sentence, for samples or sources of another type or shape, not finite or, for images, outside
            [-1, 1], and for labels that are not one class a sample.
    """
    which = "the first batch" if first else "a later batch"
    read = first or batch.images.device.type == "cpu"
    _check_samples(f"{which}: images", batch.images, dtype, first=first, read=read)
    if batch.images.shape[1:] != shape:
        raise ValueError(
            f"{which}: its samples must have shape {shape}, as the generator makes them, "
            f"got {tuple(batch.images.shape[1:])}"
        )
    if batch.source is not None:
        _check_samples(f"{which}: source", batch.source, dtype, first=first, read=read)
        if len(batch.source) != len(batch) or batch.source.ndim != batch.images.ndim:
            raise ValueError(
                f"{which}: source must have one sample for each of images {tuple(batch.images.shape)}, "
                f"got {tuple(batch.source.shape)}"
            )
    if batch.labels is not None:
        if len(batch.labels) != len(batch):
            raise ValueError(f"{which}: it has {len(batch)} images, but {len(batch.labels)} labels")
        if classes is None or not read:
            return
        least, most = torch.stack(batch.labels.aminmax()).tolist()
        if not 0 <= least <= most < classes:
            raise ValueError(f"{which}: labels must lie in 0..{classes - 1}, got {least} to {most}")


def _check_samples(field: str, samples: Tensor, dtype: torch.dtype, *, first: bool, read: bool) -> None:
    """Refuse a wrong type, no samples, numbers that are not finite, and pixels outside [-1, 1]; warn of [0, 1] once."""
    if samples.dtype != dtype:
        integers = not samples.is_floating_point()
        meant = "; gan_lightning.data.loader.to_unit_range maps 0..255 to [-1, 1]" if integers else ""
        raise ValueError(f"{field} must be {dtype}, got {samples.dtype}{meant}")
    if not samples.numel():
        raise ValueError(f"{field} has no samples, got shape {tuple(samples.shape)}")
    if not read:
        return
    least, most = torch.stack(samples.aminmax()).tolist()  # once, for a device to wait once; NaN is in either
    if not math.isfinite(least) or not math.isfinite(most):
        raise ValueError(f"{field} has values that are not finite")
    if samples.ndim < 4:
        return
    if least < -1 - TOLERANCE or most > 1 + TOLERANCE:
        raise ValueError(f"{field} must lie in [-1, 1], got {least:.4g} to {most:.4g}")
    if first and 0 <= least < most:
        log.warning(
            "%s lies in [%.3g, %.3g]; if pixels are meant to reach from 0 to 1, map x to 2 x - 1", field, least, most
        )

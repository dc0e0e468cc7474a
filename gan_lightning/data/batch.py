"""What a data module yields and a training step receives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


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
        """All fields, in order."""
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

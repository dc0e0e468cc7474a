"""The classes that samples are asked of, by index or by name."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from gan_lightning.data.layout import listed

Labels = int | str | Sequence[int | str] | None
"""Classes asked for: the index or the name of one, several, "all" of them, or None for the model's own rule."""


def chosen_classes(labels: Labels, *, classes: int | None, names: Sequence[str] | None, model: str) -> list[int] | None:
    """Return the indices of the classes asked for; None where none are.

    Args:
        labels: see ``Labels``.
        classes: how many the model has, or None.
        names: what they are called, or None.
        model: name of the model, for messages.

    Raises:
        ValueError: if the model has no classes, or not these.
    """
    if labels is None:
        return None
    if classes is None:
        raise ValueError(f"labels = {labels}: this model ({model}) takes no labels")
    if labels == "all":
        return list(range(classes))
    asked = [labels] if isinstance(labels, int | str) else list(labels)
    known = {name: index for index, name in enumerate(names or ())}
    chosen = [known.get(label, -1) if isinstance(label, str) else int(label) for label in asked]
    if not chosen or not all(0 <= index < classes for index in chosen):
        called = f", called {listed(names)}" if names else ""
        raise ValueError(f"labels = {asked}: this model's classes are 0 to {classes - 1}{called}")
    return chosen


def class_by_class(classes: Sequence[int], count: int) -> Tensor:
    """Return the labels of ``count`` samples, equally many of each class in their order: int64 ``(count,)``.

    Raises:
        ValueError: if the classes do not divide the number.
    """
    if count % len(classes):
        raise ValueError(f"n = {count}: must be a multiple of the number of classes, {len(classes)}")
    return torch.tensor(classes).repeat_interleave(count // len(classes))

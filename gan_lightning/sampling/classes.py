"""Which classes samples are drawn of, and in what order they lie."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gan_lightning.models.classes import Labels, class_by_class
from gan_lightning.models.sampling import Sampling

DEFAULT_COUNT = 64
DEFAULT_COUNT_PER_CLASS = 8
MAX_COLUMNS = 32


def check_count(n: int) -> int:
    """Return a number of samples.

    Raises:
        ValueError: if it is below 1.
    """
    if n < 1:
        raise ValueError(f"mode.n = {n}: must be at least 1")
    return n


@dataclass(frozen=True)
class Plan:
    """What is drawn: ``count`` samples, class by class where classes were asked for.

    Attributes:
        count: number of samples.
        labels: int64 ``(count,)``, or None.
        columns: columns of a picture of all of them.
    """

    count: int
    labels: Tensor | None
    columns: int


def plan(model: Sampling, *, n: int | None, labels: Labels) -> Plan:
    """Decide what is drawn.

    Args:
        model: which is asked.
        n: number of samples over all classes; None: 64, or 8 of each class.
        labels: see ``Labels``.

    Raises:
        ValueError: for classes that the model does not have, or a number that they do not divide.
    """
    classes = model.chosen_classes(labels)
    if classes is None:
        count = DEFAULT_COUNT if n is None else n
        return Plan(count, None, columns=math.ceil(math.sqrt(count)))
    count = DEFAULT_COUNT_PER_CLASS * len(classes) if n is None else n
    chosen = class_by_class(classes, count)
    per_class = count // len(classes)
    lines = math.ceil(per_class / MAX_COLUMNS)  # of a class, which are equally long as far as possible
    columns = math.ceil(per_class / lines)
    return Plan(count, chosen, columns=columns)


def in_turn(model: Sampling, labels: Labels, count: int) -> Tensor | None:
    """Return the class of each of ``count`` samples, int64 ``(count,)``: the chosen ones, one after the other.

    None, if no classes are asked for.
    """
    classes = model.chosen_classes(labels)
    return None if classes is None else torch.tensor([classes[i % len(classes)] for i in range(count)])


def in_rows(images: Tensor, *, rows: Sequence[int], columns: int) -> Tensor:
    """Fill up groups of images with tiles of the picture's gray ground, so that each group starts a new row.

    Args:
        images: uint8 ``(N, C, H, W)``.
        rows: number of images in each group, N in all.
        columns: images per row.

    Returns:
        uint8 ``(N', C, H, W)``, N' a multiple of ``columns``.
    """
    ground = images.new_full((1, *images.shape[1:]), 127)
    parts: list[Tensor] = []
    for group in images.split(list(rows)):
        parts += [group, ground.expand(-len(group) % columns, *images.shape[1:])]
    return torch.cat(parts)

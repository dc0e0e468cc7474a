"""A fixed part of a training set: a fraction of its images, or some of its classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from gan_lightning.core.seeding import generator_for
from gan_lightning.data.errors import DataError
from gan_lightning.data.layout import composed, listed
from gan_lightning.data.source import ImageSource

_SUBSET = 3  # a stream of the subset's seed


@dataclass(frozen=True)
class Subset:
    """Which images a run trains on.

    Args:
        fraction: share of the images, in (0, 1]. Smaller fractions are parts of larger ones of the same seed.
        only_classes: names or indices of the classes to keep; they are numbered in this order. None: all.
        seed: seed of the choice; it is not the run's, so that runs of several seeds share their images.

    Raises:
        ValueError: for a fraction outside (0, 1], or no class, or one that is named twice.
    """

    fraction: float = 1.0
    only_classes: Sequence[str | int] | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.fraction <= 1:
            raise ValueError(f"data.fraction must lie in (0, 1], got {self.fraction}")
        if self.only_classes is not None and not len(set(self.only_classes)) == len(self.only_classes) > 0:
            raise ValueError(f"data.only_classes must name classes, each once, got {list(self.only_classes)}")

    @property
    def label(self) -> str:
        """What to add to the data set's name, so that scores of different subsets are not taken for one another."""
        parts = [] if self.only_classes is None else [f"classes {'+'.join(map(str, self.only_classes))}"]
        if self.fraction < 1:
            parts.append(f"{self.fraction:g} of seed {self.seed}")
        return f" ({', '.join(parts)})" if parts else ""

    def of_classes(self, source: ImageSource) -> ImageSource:
        """Keep the chosen classes.

        Raises:
            DataError: if the images have no labels, or none of them is of the class.
        """
        if self.only_classes is None:
            return source
        labels, names = source.labels, source.class_names
        if labels is None or names is None:
            raise DataError("data.only_classes needs images with classes; set data.classes")
        chosen = class_indices(self.only_classes, names)
        renumbered = torch.full((len(names),), -1)
        renumbered[torch.tensor(chosen)] = torch.arange(len(chosen))
        new = renumbered[labels]
        rows = (new >= 0).nonzero().squeeze(1)
        return source.select(rows, labels=new[rows], class_names=[names[index] for index in chosen])

    def of_images(self, source: ImageSource) -> ImageSource:
        """Keep the chosen fraction, in the former order; at least one image."""
        if self.fraction == 1:
            return source
        shuffled = torch.randperm(len(source), generator=generator_for(self.seed, _SUBSET))
        rows = shuffled[: max(1, round(self.fraction * len(source)))].sort().values
        return source.only(rows)


def class_indices(wanted: Sequence[str | int], names: Sequence[str]) -> list[int]:
    """Return the index of each class, given by name or, where no class has that name, by index.

    Raises:
        DataError: for a class that is not there, or that is named twice.
    """
    found: list[int] = []
    for entry in wanted:
        if (name := composed(str(entry))) in names:
            found.append(list(names).index(name))
        elif isinstance(entry, int) and not isinstance(entry, bool) and 0 <= entry < len(names):
            found.append(entry)
        else:
            raise DataError(f"data.only_classes: there is no class {entry!r}; there are {listed(list(names))}")
        if found[-1] in found[:-1]:
            raise DataError(
                f"data.only_classes: {entry!r} is the class {names[found[-1]]!r}, which is there already; "
                f"got {list(wanted)} of the classes {listed(list(names))}"
            )
    return found

"""The position of a run, as data modules see it, which know no models."""

from __future__ import annotations

from typing import Protocol, runtime_checkable


@runtime_checkable
class CountsImages(Protocol):
    """Something that counts the real images of a run.

    Attributes:
        images_seen: real images shown to the discriminator so far, summed over ranks.
        images_loaded: real images that the loader has handed over so far, likewise.
        budget_images: images after which the run ends, whatever an epoch is; None: the Trainer counts epochs.
    """

    images_seen: int
    images_loaded: int
    budget_images: int | None

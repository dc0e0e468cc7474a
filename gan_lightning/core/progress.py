"""The one unit of progress, as both rooms that need it see it: data modules read it, models count it."""

from __future__ import annotations


class CountsImages:
    """Something that counts real images.

    Attributes:
        images_seen: real images shown to the discriminator so far, summed over ranks.
        budget_images: training stops once so many were seen; None: no budget.
    """

    images_seen: int = 0
    budget_images: int | None = None

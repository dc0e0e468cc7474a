"""When something that repeats at an interval of images is due."""

from __future__ import annotations


class Cadence:
    """Fires once for every multiple of ``every_kimg`` that the run passes.

    Asked on every batch, it needs no state that a resume would have to restore: whether it fires depends on where the
    run stood before and stands after a batch. Asked less often, ``asked_at`` belongs into the checkpoint.

    Attributes:
        asked_at: images seen when it was asked last.

    Args:
        every_kimg: thousands of images between two firings; None: never.
        key: configuration key, for the error message.

    Raises:
        ValueError: unless ``every_kimg`` is positive or None.
    """

    def __init__(self, every_kimg: float | None, *, key: str) -> None:
        if every_kimg is not None and every_kimg <= 0:
            raise ValueError(f"{key}.every_kimg must be positive or null, got {every_kimg}")
        # 2.007 * 1000 is more than 2007, which would fire one batch late
        self.every = None if every_kimg is None else round(every_kimg * 1000, 6)
        self.asked_at = 0

    def start(self, images_seen: int) -> None:
        """Begin at ``images_seen``, without firing for what lies before."""
        self.asked_at = images_seen

    def passed(self, images_seen: int) -> bool:
        """Say whether a multiple was passed since the last call."""
        before, self.asked_at = self.asked_at, images_seen
        return self.every is not None and images_seen // self.every > before // self.every

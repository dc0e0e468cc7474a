"""The one horizontal axis of every chart, images seen, and the clock beside it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any


def images_axis(metrics: Mapping[str, Any], step: int | None, latest: int) -> int:
    """Return the number of images seen that a row of metrics belongs to.

    The row's own ``"images_seen"`` wins. Rows that Lightning or a foreign callback logs carry a number of
    batches as their step instead; that is never above the images seen so far, so the larger of the two
    keeps the axis in images and lets it never run backwards.

    Args:
        metrics: the row.
        step: what the caller passed as step, images or batches.
        latest: the last known number of images seen.
    """
    if "images_seen" in metrics:
        return int(metrics["images_seen"])
    return latest if step is None else max(int(step), latest)


class WallClock:
    """Seconds of training, continued over the interruptions of a run.

    Args:
        already_s: seconds that earlier parts of the run took.
    """

    def __init__(self, *, already_s: float = 0.0) -> None:
        self.resume_from(already_s)

    def resume_from(self, already_s: float) -> None:
        """Count on from ``already_s`` seconds, starting now."""
        self._zero = time.monotonic() - already_s

    def elapsed_s(self) -> float:
        """Return the seconds since the run's start, without the time during which it did not run."""
        return time.monotonic() - self._zero

"""How fast training goes and how long it still takes, and how a line says so."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping


class Throughput:
    """Images per second over a sliding window.

    Args:
        window_seconds: length of the window.
    """

    def __init__(self, *, window_seconds: float = 30.0) -> None:
        self.window_seconds = window_seconds
        self._points: deque[tuple[float, int]] = deque()

    def add(self, now_s: float, images_seen: int) -> None:
        """Enter a reading; at least one older than the window is kept, so that the window is always covered."""
        self._points.append((now_s, images_seen))
        while len(self._points) > 2 and self._points[1][0] <= now_s - self.window_seconds:
            self._points.popleft()

    def images_per_second(self) -> float | None:
        """Return the mean rate over the window; None before two readings at different times."""
        if len(self._points) < 2:
            return None
        (start, before), (now, after) = self._points[0], self._points[-1]
        return (after - before) / (now - start) if now > start else None


def format_seconds(seconds: float) -> str:
    """Format a time as hours, minutes and seconds, for example ``1:02:03``."""
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def describe_progress(images_seen: int, budget_images: int | None, images_per_second: float | None) -> str:
    """Return ``12.8/128.0 kimg  10.0%  1280 images/s  0:01:30 left``, for example, as far as it is known."""
    if budget_images is None:
        parts = [f"{images_seen / 1000:.1f} kimg"]
    else:
        parts = [f"{images_seen / 1000:.1f}/{budget_images / 1000:.1f} kimg"]
        parts.append(f"{100 * images_seen / budget_images:.1f}%")
    if images_per_second is not None:
        parts.append(f"{images_per_second:.4g} images/s")
        if budget_images is not None and images_per_second > 0:
            left = max(0, budget_images - images_seen)
            parts.append(f"{format_seconds(left / images_per_second)} left")
    return "  ".join(parts)


def describe_values(values: Mapping[str, float]) -> str:
    """Return the values as text, for example ``d/loss 0.6931  g/loss 1.2``."""
    return "  ".join(f"{name} {value:.4g}" for name, value in values.items())

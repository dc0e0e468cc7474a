"""Checks of the sizes that network constructors are given."""

from __future__ import annotations

from collections.abc import Sequence


def check_positive(**sizes: int) -> None:
    """Refuse sizes below 1.

    Raises:
        ValueError: naming the first argument that is not a positive integer.
    """
    for name, value in sizes.items():
        if value < 1:
            raise ValueError(f"{name} must be a positive integer, got {value}")


def check_power_of_two(resolution: int, *, minimum: int) -> int:
    """Return log2 of a resolution.

    Raises:
        ValueError: unless ``resolution`` is a power of two of at least ``minimum``.
    """
    if resolution < minimum or resolution & (resolution - 1):
        raise ValueError(f"resolution must be a power of two of at least {minimum}, got {resolution}")
    return resolution.bit_length() - 1


def check_multiple(resolution: int, *, of: int, because: str) -> int:
    """Return how often ``of`` goes into a resolution.

    Raises:
        ValueError: unless ``resolution`` is a positive multiple of ``of``; the message says ``because``.
    """
    if resolution < of or resolution % of:
        raise ValueError(f"resolution must be a positive multiple of {of} ({because}), got {resolution}")
    return resolution // of


def check_widths(widths: Sequence[int], *, name: str = "widths") -> tuple[int, ...]:
    """Return layer widths as a tuple.

    Raises:
        ValueError: if there is none, or one is below 1.
    """
    if len(widths) == 0 or min(widths) < 1:
        raise ValueError(f"{name} must be a non-empty list of positive integers, got {list(widths)}")
    return tuple(int(width) for width in widths)


def check_probability(**probabilities: float) -> None:
    """Refuse dropout probabilities outside [0, 1).

    Raises:
        ValueError: naming the first argument outside the range.
    """
    for name, value in probabilities.items():
        if not 0 <= value < 1:
            raise ValueError(f"{name} must lie in [0, 1), got {value}")

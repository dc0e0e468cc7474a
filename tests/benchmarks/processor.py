"""How long work takes: CPU time, which other programs disturb less than the time of day."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import Any


def cpu_s(work: Callable[[], Any]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def in_turn(works: dict[str, Callable[[], Any]], *, rounds: int) -> dict[str, float]:
    """Median CPU seconds of each, measured one after the other in every round."""
    taken: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            taken[name].append(cpu_s(work))
    return {name: median(seconds) for name, seconds in taken.items()}

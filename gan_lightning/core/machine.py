"""How much memory there is."""

from __future__ import annotations

import os
from pathlib import Path

_GROUP_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


def memory_bytes(group_limits: tuple[Path, ...] = _GROUP_LIMITS) -> int:
    """Return the machine's memory in bytes, or what its control group may use of it, if that is less.

    Args:
        group_limits: files that may hold the group's limit; a cluster's job or a container has one.
    """
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for file in group_limits:
        try:
            total = min(total, int(file.read_text()))
        except (OSError, ValueError):  # no such file, or "max"
            continue
    return total


def usable_cpus() -> int:
    """Return on how many cores this process may run."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

"""What a training job asks SLURM for, read off its configuration."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

CPUS_WITHOUT_WORKERS = 2
MOST_WORKERS = 8
"""As many processes as ``data.loading.workers=null`` starts at most."""


def tasks_per_node(devices: Any) -> int:
    """Return the number of processes per node: one for each device.

    Args:
        devices: ``trainer.devices``, a number or a list of device numbers.

    Raises:
        ValueError: for anything that only a look at the machine can tell, such as "auto" or -1.
    """
    if isinstance(devices, str) and re.fullmatch(r"\d+", devices):
        devices = int(devices)
    if isinstance(devices, Sequence) and not isinstance(devices, str) and len(devices) > 0:
        return len(devices)
    if isinstance(devices, int) and not isinstance(devices, bool) and devices > 0:
        return devices
    raise ValueError(f"trainer.devices = {devices!r}: a SLURM job must ask for a number of devices, trainer.devices=4")


def gpus_per_node(accelerator: str, devices: Any) -> int | None:
    """Return the number of GPUs per node; None if the trainer is not set to use any.

    Args:
        accelerator: ``trainer.accelerator``.
        devices: ``trainer.devices``.

    Raises:
        ValueError: see ``tasks_per_node``.
    """
    return tasks_per_node(devices) if accelerator in ("gpu", "cuda") else None


def cpus_per_task(loading: Mapping[str, Any] | None) -> int:
    """Return the number of cores per process: one for training, and one for each process that reads images.

    Args:
        loading: ``data.loading``; None for data that lies in memory.
    """
    if loading is None:
        return CPUS_WITHOUT_WORKERS
    workers = loading.get("workers")
    return 1 + (MOST_WORKERS if workers is None else max(1, workers))


def minutes(max_time: Any, default: int, margin: int = 10) -> int:
    """Return the time limit in minutes: the trainer's with a margin to start up and to evaluate, or a default.

    Args:
        max_time: ``trainer.max_time``, ``"DD:HH:MM:SS"`` or a mapping of days, hours, minutes and seconds; or None.
        default: minutes when it is None.
        margin: minutes added to ``max_time``.

    Raises:
        ValueError: for any other form.
    """
    if max_time is None:
        return default
    names = ("days", "hours", "minutes", "seconds")
    if isinstance(max_time, str) and re.fullmatch(r"\d+:\d+:\d+:\d+", max_time):
        parts = dict(zip(names, map(int, max_time.split(":")), strict=True))
    elif isinstance(max_time, Mapping) and set(max_time) <= set(names):
        parts = {name: max_time.get(name, 0) for name in names}
    else:
        raise ValueError(f"trainer.max_time = {max_time!r}: must be DD:HH:MM:SS or a mapping of {', '.join(names)}")
    seconds = parts["seconds"] + 60 * (parts["minutes"] + 60 * (parts["hours"] + 24 * parts["days"]))
    return margin + math.ceil(seconds / 60)

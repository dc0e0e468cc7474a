"""The death of W&B's background process, as by the hand of a kernel that runs out of memory."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path


def kill_wandb() -> None:
    """Kill every ``wandb-core`` that this process has started, and wait until the connection is found lost."""
    killed = [pid for pid in _children() if _status(pid)["Name"] == "wandb-core"]
    assert killed
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 20
    while any(_status(pid)["State"][0] not in "ZX" for pid in killed) and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.3)  # until W&B's thread has read the end of the connection


def _children() -> list[int]:
    numbers = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [pid for pid in numbers if _status(pid).get("PPid") == str(os.getpid())]


def _status(pid: int) -> dict[str, str]:
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return {"Name": "", "State": "X"}
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}

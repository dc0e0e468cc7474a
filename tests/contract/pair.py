"""Two processes that train together, forked from this one, which has imported everything already."""

from __future__ import annotations

import multiprocessing
import os
import traceback
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.plugins.environments import LightningEnvironment
from lightning.pytorch.strategies import DDPStrategy
from torch import distributed

RANKS = 2


class Given(LightningEnvironment):
    """Processes that exist already and know one another."""

    @property
    def creates_processes_externally(self) -> bool:
        return True

    def local_rank(self) -> int:
        return distributed.get_rank()


def trainer_arguments() -> dict[str, Any]:
    """What makes a Trainer of a forked process train with the other one."""
    strategy = DDPStrategy(find_unused_parameters=True, process_group_backend="gloo", cluster_environment=Given())
    return {"strategy": strategy, "devices": RANKS}


def _be(rank: int, work: Callable[[int, Path], None], folder: Path, waiting_s: float) -> None:
    torch.set_num_threads(1)
    try:
        distributed.init_process_group(
            "gloo",
            init_method=f"file://{folder}/meet",
            rank=rank,
            world_size=RANKS,
            timeout=timedelta(seconds=waiting_s),
        )
        work(rank, folder)
    except BaseException:  # nothing of pytest may go on in a fork of it
        (folder / f"{rank}.error").write_text(traceback.format_exc())
        os._exit(1)
    os._exit(0)


def together(
    work: Callable[[int, Path], None], folder: Path, *, timeout_s: float = 900, waiting_s: float = 300
) -> None:
    """Call ``work(rank, folder)`` in two processes, and fail with the first one's traceback if any of them does.

    A process that waits longer than ``waiting_s`` for the other one fails.
    """
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_be, args=(rank, work, folder, waiting_s)) for rank in range(RANKS)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(timeout_s)
        if process.is_alive():
            process.kill()
    errors = sorted(folder.glob("*.error"), key=lambda path: path.stat().st_mtime)
    assert not errors, errors[0].read_text()
    assert [process.exitcode for process in processes] == [0] * RANKS

"""Callbacks for jobs inside SLURM; configs name them as ``hooks.X``."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from lightning import Callback, LightningModule, Trainer


class Diary(Callback):
    """Notes every step on rank 0, and is slow as long as SLURM has not restarted the job, so that it can be hit.

    Args:
        slow_s: seconds that a step of the job's first life lasts.
    """

    def __init__(self, *, slow_s: float) -> None:
        super().__init__()
        self.slow_s = slow_s

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if trainer.is_global_zero:
            with (Path(trainer.default_root_dir) / "steps").open("a") as file:
                file.write(f"{pl_module.images_seen}\n")
        if "SLURM_JOB_ID" in os.environ and os.environ.get("SLURM_RESTART_COUNT", "0") == "0":
            time.sleep(self.slow_s)


class Breaks(Callback):
    """Raises in the third step.

    Args:
        slow_s: nothing; the diary's argument, so that a sweep can put one in the other's place.
    """

    def __init__(self, *, slow_s: float) -> None:
        super().__init__()

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if batch_idx == 2:
            raise RuntimeError("broken on purpose")

"""Callbacks for jobs inside SLURM; configs name them as ``hooks.X``."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

from lightning import Callback, LightningModule, Trainer
from lightning.pytorch.loggers.logger import Logger
from lightning.pytorch.utilities import rank_zero_only

from gan_lightning.core import slurm


class Diary(Callback):
    """Notes every step on rank 0, and is slow until SLURM has restarted the job so often, so that it can be hit.

    Args:
        slow_s: seconds that a step lasts while it is slow.
        restarts: how often SLURM restarts the job before it is quick.
    """

    def __init__(self, *, slow_s: float, restarts: int = 1) -> None:
        super().__init__()
        self.slow_s = slow_s
        self.restarts = restarts

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if trainer.is_global_zero:
            with (Path(trainer.default_root_dir) / "steps").open("a") as file:
                file.write(f"{pl_module.images_seen}\n")
        if slurm.job_id() is not None and slurm.restarts() < self.restarts:
            time.sleep(self.slow_s)


class DiesEarly(Callback):
    """Kills process 1 of a job before the processes have met.

    Args:
        slow_s: nothing, see ``Breaks``.
    """

    def __init__(self, *, slow_s: float) -> None:
        super().__init__()
        if slurm.task_rank() == 1:
            Path(f"died_{slurm.job_id()}").write_text(str(time.time()))
            os.kill(os.getpid(), signal.SIGKILL)


class SlowLogger(Logger):
    """Gives process 1 a moment, before the processes have met, in which process 0 notices every signal."""

    name = "slow"
    version = ""

    @rank_zero_only
    def log_hyperparams(self, *args: Any, **kwargs: Any) -> None:
        Path(f"ready_{slurm.job_id()}").touch()
        time.sleep(40)

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        """Log nothing."""


class DiesLate(Callback):
    """Kills process 1 of a job once process 0 is in ``SlowLogger``.

    Args:
        slow_s: nothing, see ``Breaks``.
    """

    def __init__(self, *, slow_s: float) -> None:
        super().__init__()
        if slurm.task_rank() == 1:
            while not Path(f"ready_{slurm.job_id()}").exists():
                time.sleep(0.1)
            DiesEarly(slow_s=slow_s)


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

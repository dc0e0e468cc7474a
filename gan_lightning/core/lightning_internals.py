"""What this package takes from Lightning's undocumented parts, each use with its reason.

No other module does. A test in ``tests/core/test_lightning_internals.py`` fails when Lightning changes one of them.
Lightning is imported where it is used, so that this module costs nothing.
"""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lightning import LightningModule, Trainer
    from lightning.pytorch.loggers import TensorBoardLogger, WandbLogger
    from lightning.pytorch.strategies import DDPStrategy
    from torch.optim import Optimizer


def dump_checkpoint(trainer: Trainer) -> dict[str, Any]:
    """Return the state of a run as ``trainer.save_checkpoint`` would write it.

    That method writes, too, and leaves the other processes in its barrier when the disk of process 0 is full.
    """
    return trainer._checkpoint_connector.dump_checkpoint(weights_only=False)


def attached_trainer(module: LightningModule) -> Trainer | None:
    """Return the Trainer that a module is attached to, or None, where ``module.trainer`` raises."""
    return module._trainer


@dataclass(frozen=True)
class DDPSettings:
    """What a ``DDPStrategy`` was built with and does not expose."""

    start_method: str
    find_unused_parameters: bool
    static_graph: bool
    averaging_period: int | None


def ddp_settings(strategy: DDPStrategy) -> DDPSettings:
    """Return the settings of a strategy that decide whether several players can be trained under it."""
    return DDPSettings(
        start_method=strategy._start_method,
        find_unused_parameters=bool(strategy._ddp_kwargs.get("find_unused_parameters", False)),
        static_graph=bool(strategy._ddp_kwargs.get("static_graph", False)),
        averaging_period=strategy._model_averaging_period,
    )


def unscales_itself(optimizer: Optimizer) -> bool:
    """Say whether an optimizer unscales gradients in its step, so that Lightning does not before clipping.

    Lightning has only a private function for that.
    """
    from lightning.fabric.plugins.precision.amp import _optimizer_handles_unscaling

    return _optimizer_handles_unscaling(optimizer)


def started_processes(trainer: Trainer) -> Callable[[], list[subprocess.Popen]] | None:
    """Return what lists the processes that this one has started for ``trainer``; None if something else starts them.

    Lightning's launcher for scripts is private, and so is the strategy's reference to it.
    """
    from lightning.pytorch.strategies.launchers import _SubprocessScriptLauncher

    launcher = getattr(trainer.strategy, "launcher", None)
    return (lambda: launcher.procs) if isinstance(launcher, _SubprocessScriptLauncher) else None


def stop_child_observers() -> None:
    """Keep Lightning's threads from killing this process when a child of it fails, before it could say why.

    There is no option that keeps Lightning from starting them. A thread that has no processes to watch ends when it
    looks next; its own flag for that is overwritten each time that it has looked.
    """
    from lightning.fabric.strategies.launchers.subprocess_script import _ChildProcessObserver

    for thread in threading.enumerate():
        if isinstance(thread, _ChildProcessObserver):
            thread._child_processes = []  # not emptied: the launcher has the same list


def close_event_file(logger: TensorBoardLogger) -> None:
    """Write what a logger has in memory and close its file, if it has one; the next event begins another.

    Asking for ``logger.experiment`` would make one, and ``logger.finalize`` closes it for good.
    """
    if logger._experiment is not None:
        logger._experiment.close()
        logger._experiment = None


def wandb_arguments(logger: WandbLogger) -> dict[str, Any]:
    """Return the arguments that a logger will call ``wandb.init`` with; changes take effect until it does.

    Lightning fixes them when the logger is built, before the run's name and group are known.
    """
    return logger._wandb_init

"""A job of a sweep in the sweep's own process, or in processes of its own where it needs several."""

from __future__ import annotations

import gc
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from gan_lightning.core.signals import STOPS, WARNINGS, replace_handlers
from gan_lightning.launch.job import attempt, due, leave_files
from gan_lightning.launch.process_watchdog import describe
from gan_lightning.runs.results import Outcome, note_start, read_outcome
from gan_lightning.runs.status import Status

if TYPE_CHECKING:
    from lightning import Trainer

STOPPED: tuple[Status, ...] = ("interrupted", "preempted")


def run_job(cfg: DictConfig) -> float:
    """Run a job, unless an earlier start of the sweep brought it to an end; return its objective.

    Nothing that goes wrong in a job is raised: the next one is to have its turn.

    Raises:
        SystemExit: if the process was asked to leave.
    """
    folder = Path(cfg.output_dir)
    outcome = attempt(lambda: train_job(cfg, folder), folder)
    gc.collect()  # the job's tensors, before the next job needs the memory
    if outcome.status in STOPPED:
        raise SystemExit(outcome.exit_code)
    return outcome.value


def train_job(cfg: DictConfig, folder: Path) -> Outcome:
    """Check, build and train a job here, or in a process of its own if it needs several; see ``run_job``."""
    from gan_lightning.launch.run import run
    from gan_lightning.launch.start import checked, start_checked

    config = due(folder, checked(cfg))
    if isinstance(config, Outcome):
        return config
    begun = start_checked(config, composed=cfg)
    if not needs_processes(begun.parts.trainer):
        return run(begun)
    with begun.held:
        leave_files(folder, config, composed=cfg, hydra=HydraConfig.get())
    del begun  # its model, before the other processes build theirs
    return attempt_apart(folder)


def needs_processes(trainer: Trainer) -> bool:
    """Say whether Lightning would start processes for the job, which it does by repeating the command line."""
    environment = getattr(trainer.strategy, "cluster_environment", None)
    return trainer.world_size > 1 and environment is not None and not environment.creates_processes_externally


def attempt_apart(folder: Path) -> Outcome:
    """Train the configuration in a folder in a process that is not a sweep, and may therefore start others."""
    process = subprocess.Popen([sys.executable, "-m", "gan_lightning.cli.job", str(folder)])
    with passing_on_signals(process):
        code = process.wait()
    outcome = read_outcome(folder)
    if outcome is None or not outcome.over or outcome.exit_code != code:  # it was killed, or died while it imported
        outcome = Outcome("failed", message=f"the job's process ended with {describe(code)}")
        note_start(folder, outcome)
    return outcome


@contextmanager
def passing_on_signals(process: subprocess.Popen[Any]) -> Iterator[None]:
    """Send what asks this process to leave to another one, which saves its state and leaves first."""

    def pass_on(number: int, frame: FrameType | None) -> None:
        process.send_signal(number)

    former = replace_handlers((*STOPS, *WARNINGS), pass_on)
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)

"""A job of a sweep in the sweep's own process, or in processes of its own where it needs several."""

from __future__ import annotations

import gc
import logging
import signal
import subprocess
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from omegaconf import DictConfig

from gan_lightning.config import ConfigError, check_config
from gan_lightning.core.errors import InputError
from gan_lightning.core.signals import STOPS, WARNINGS, replace_handlers
from gan_lightning.launch.job import attempt, resolved, settled, write_config
from gan_lightning.launch.process_watchdog import describe
from gan_lightning.runs.results import Outcome, note_start, read_outcome
from gan_lightning.runs.status import Status

log = logging.getLogger(__name__)

STOPPED: tuple[Status, ...] = ("interrupted", "preempted")


def run_job(cfg: DictConfig) -> float:
    """Run a job, unless an earlier start of the sweep brought it to an end; return its objective.

    Nothing that goes wrong in a job is raised: the next one is to have its turn.

    Raises:
        SystemExit: if the process was asked to leave.
    """
    folder = Path(cfg.output_dir)
    try:
        check_config(cfg)
        config = resolved(cfg)
        if (outcome := settled(folder, config)) is not None:
            log.info("%s already: %s", outcome.status, folder)
            return outcome.value
        outcome = attempt_apart(config, folder) if needs_processes(cfg) else attempt(config, folder)
    except (ConfigError, InputError) as error:  # an optimiser's choice, which no check could see before
        print(error, file=sys.stderr)
        outcome = Outcome("refused", message=str(error))
        note_start(folder, outcome)
    except Exception as error:  # a library's complaint about the devices, for instance
        traceback.print_exc()
        outcome = Outcome("failed", message=f"{type(error).__name__}: {error}")
        note_start(folder, outcome)
    gc.collect()  # the job's tensors, before the next job needs the memory
    if outcome.status in STOPPED:
        raise SystemExit(outcome.exit_code)
    return outcome.value


def needs_processes(cfg: DictConfig) -> bool:
    """Whether Lightning would start processes for the job, which it does by repeating the command line."""
    from gan_lightning.config import build
    from gan_lightning.launch.quiet import quiet_libraries

    quiet_libraries()
    trainer = build(cfg.trainer, trust=True, key="trainer")(logger=False, enable_checkpointing=False)
    environment = getattr(trainer.strategy, "cluster_environment", None)
    return trainer.world_size > 1 and environment is not None and not environment.creates_processes_externally


def attempt_apart(config: dict[str, Any], folder: Path) -> Outcome:
    """Do what ``attempt`` does in a process that is not a sweep, and may therefore start others like itself."""
    write_config(folder, config)
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

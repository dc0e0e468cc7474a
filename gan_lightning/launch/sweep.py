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
from gan_lightning.launch.job import Ending, attempt, note, read_ending, resolved, settled, write_config

log = logging.getLogger(__name__)

STOPPED = ("interrupted", "preempted")


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
        if (ending := settled(folder, config)) is not None:
            log.info("%s already: %s", ending.state, folder)
            return ending.objective
        ending = attempt_apart(config, folder) if needs_processes(cfg) else attempt(config, folder)
    except (ConfigError, InputError) as error:  # an optimiser's choice, which no check could see before
        print(error, file=sys.stderr)
        ending = Ending("refused", message=str(error))
        note(folder, ending)
    except Exception as error:  # a library's complaint about the devices, for instance
        traceback.print_exc()
        ending = Ending("failed", message=f"{type(error).__name__}: {error}")
        note(folder, ending)
    gc.collect()  # the job's tensors, before the next job needs the memory
    if ending.state in STOPPED:
        raise SystemExit(ending.code)
    return ending.objective


def needs_processes(cfg: DictConfig) -> bool:
    """Whether Lightning would start processes for the job, which it does by repeating the command line."""
    from gan_lightning.config import build
    from gan_lightning.launch.quiet import quiet_libraries

    quiet_libraries()
    trainer = build(cfg.trainer, trust=True, key="trainer")(logger=False, enable_checkpointing=False)
    environment = getattr(trainer.strategy, "cluster_environment", None)
    return trainer.world_size > 1 and environment is not None and not environment.creates_processes_externally


def attempt_apart(config: dict[str, Any], folder: Path) -> Ending:
    """Do what ``attempt`` does in a process that is not a sweep, and may therefore start others like itself."""
    write_config(folder, config)
    note(folder, Ending("running"))
    process = subprocess.Popen([sys.executable, "-m", "gan_lightning.cli.job", str(folder)])
    with passing_on_signals(process):
        code = process.wait()
    ending = read_ending(folder)
    if ending is None or ending.state == "running":  # it was killed
        ending = Ending("failed", message=f"the job's process ended with code {code}")
        note(folder, ending)
    return ending


@contextmanager
def passing_on_signals(process: subprocess.Popen[Any]) -> Iterator[None]:
    """Send what asks this process to leave to another one, which saves its state and leaves first."""

    def pass_on(number: int, frame: FrameType | None) -> None:
        process.send_signal(number)

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)
    former = {number: signal.signal(number, pass_on) for number in numbers}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)

"""Commands in forks of this process, which has imported everything already: they can be killed."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import traceback
from collections.abc import Callable, Mapping
from multiprocessing.process import BaseProcess
from pathlib import Path

import torch

from gan_lightning.cli import train


def die() -> None:
    """End this process as a power cut would."""
    os.kill(os.getpid(), signal.SIGKILL)


def _exit_code(sabotage: Callable[[], None] | None) -> int:
    try:
        if sabotage is not None:
            sabotage()
        train.main()
    except SystemExit as ending:
        return ending.code if isinstance(ending.code, int) else int(ending.code is not None)
    except BaseException:  # nothing of pytest may go on in a fork of it
        traceback.print_exc()
        return 1
    return 0


def _be_the_command(
    argv: list[str], cwd: Path, environment: Mapping[str, str], sabotage: Callable[[], None] | None
) -> None:
    torch.set_num_threads(1)
    os.environ.update(environment)
    os.chdir(cwd)
    output = (cwd / "output").open("a")
    os.dup2(output.fileno(), 1)
    os.dup2(output.fileno(), 2)
    sys.stdout, sys.stderr = os.fdopen(1, "w", closefd=False), os.fdopen(2, "w", closefd=False)
    sys.argv = ["gan-train", *argv]
    code = None
    while True:  # a storm of interrupts goes on when the command is over
        try:
            if code is None:
                code = 130  # of any Python program that is interrupted at its very end
                signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})  # what is above is none of the command's
                code = _exit_code(sabotage)
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # what is below is none of the command's
            break
        except KeyboardInterrupt:
            continue
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def start(
    argv: list[str], *, cwd: Path, environment: Mapping[str, str], sabotage: Callable[[], None] | None = None
) -> BaseProcess:
    """Start ``gan-train`` after ``sabotage`` was called in its process; its output goes to ``cwd/output``."""
    process = multiprocessing.get_context("fork").Process(
        target=_be_the_command, args=(argv, cwd, environment, sabotage)
    )
    (cwd / "output").touch()  # the process may be killed before it could
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # a fork of this thread begins with its mask
    try:
        process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    return process


def finish(process: BaseProcess, *, timeout_s: float = 120) -> int:
    """Wait for a process and return its exit code, minus the signal if it was killed."""
    process.join(timeout_s)
    if process.is_alive():
        process.kill()
        raise AssertionError(f"still running after {timeout_s} s")
    assert process.exitcode is not None
    return process.exitcode

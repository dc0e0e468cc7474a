"""The package's commands, each in a fork of this process, which has imported what they import."""

from __future__ import annotations

import contextlib
import functools
import importlib
import os
import signal
import socket
import sys
import tempfile
import time
import tomllib
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

ROOT = Path(__file__).parents[2]
TIMEOUT_S = 300
COMMANDS = ("gan-train", "gan-sample", "gan-evaluate")


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


class CommandFailed(RuntimeError):
    """A command that ended with another code than it should have."""


@dataclass(frozen=True)
class Fork:
    """A process that was started, and what it prints."""

    process: int
    out: IO[str]
    err: IO[str]

    def wait(self, timeout_s: float = TIMEOUT_S) -> Ended:
        """Wait for the end; the code is minus the signal if one killed it, as this does after some time."""
        code, until = None, time.monotonic() + timeout_s
        while code is None:
            done, status = os.waitpid(self.process, os.WNOHANG)
            if done:
                code = os.waitstatus_to_exitcode(status)
            elif time.monotonic() > until:
                os.kill(self.process, signal.SIGKILL)
            else:
                time.sleep(0.01)
        texts = []
        for stream in (self.out, self.err):
            with stream:
                stream.seek(0)
                texts.append(stream.read())
        return Ended(code, *texts)


def run(
    command: str,
    *argv: str,
    cwd: Path,
    code: int | None = 0,
    timeout_s: float = TIMEOUT_S,
    variables: Mapping[str, str] | None = None,
    afresh: str | None = None,
) -> Ended:
    """Call a command with one thread, in a fork.

    Args:
        command: as on the console, ``gan-train`` for instance.
        argv: its arguments.
        cwd: where it runs; the folder of the caches is beside it.
        code: the exit code that is expected; None: any.
        timeout_s: when it is killed.
        variables: of its environment.
        afresh: a library that is imported anew, since it reads the environment when it is imported.

    Raises:
        CommandFailed: with the end of its output, if it ends with another code.
    """
    _import_ahead()

    def call() -> None:
        for name in [name for name in sys.modules if name.partition(".")[0] == afresh]:
            del sys.modules[name]
        _call(command, argv)

    return _expect(code, [command, *argv], _fork(call, cwd, variables).wait(timeout_s))


def run_on_two_processes(command: str, *argv: str, cwd: Path) -> None:
    """Call a command in two forks that know of each other as if Lightning had started them; see ``run``."""
    _import_ahead()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    meeting = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "NODE_RANK": "0", "WORLD_SIZE": "2"}
    second = [*argv, "hydra.output_subdir=null", "hydra.job.name=train_second"]
    forks = [
        _fork(functools.partial(_call, command, words), cwd, {**meeting, "LOCAL_RANK": str(rank)})
        for rank, words in enumerate([argv, second])
    ]
    for ended in [fork.wait() for fork in forks]:
        _expect(0, [command, *argv], ended)


def python(function: Callable[[], object], *, cwd: Path) -> None:
    """Call a function as a command is called; see ``run``."""
    _import_ahead()
    _expect(0, ["a function"], _fork(function, cwd).wait())


def _expect(code: int | None, line: list[str], ended: Ended) -> Ended:
    if code is not None and ended.code != code:
        text = (ended.out + ended.err)[-3000:]
        raise CommandFailed(f"{' '.join(line)}\nended with {ended.code} instead of {code}:\n{text}")
    return ended


def _entry_point(command: str) -> tuple[str, str]:
    """Return module and function of a console command, as ``pyproject.toml`` has them now."""
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    module, _, function = scripts[command].partition(":")
    return module, function


def _call(command: str, argv: tuple[str, ...] | list[str]) -> None:
    module, function = _entry_point(command)
    sys.argv = [command, *argv]
    getattr(importlib.import_module(module), function)()


@functools.cache
def _import_ahead() -> None:
    """Import here what a training imports, so that no fork has to: it takes more time than a short run.

    What that is, a first fork tells.
    """
    sys.path.insert(0, str(ROOT))
    import gan_lightning  # (before Lightning: it repairs torchvision where that is needed)

    if ROOT not in Path(gan_lightning.__file__).parents:
        raise RuntimeError(f"{gan_lightning.__file__} is not the package of {ROOT}: set PYTHONPATH={ROOT}")
    for command in COMMANDS:
        importlib.import_module(_entry_point(command)[0])
    words = ["model=dcgan", "model.generator.width=4", "model.discriminator.width=4", "data=digits", "batch_size=8"]
    words += ["budget.kimg=null", "budget.images=16", "evaluator=digits", "evaluator.samples=50"]
    words += ["logger=none", "trainer=cpu", "hydra.run.dir=run"]
    with tempfile.TemporaryDirectory() as base:
        folder, listed = Path(base) / "first", Path(base) / "modules"
        folder.mkdir()

        def first() -> None:
            _call("gan-train", words)
            listed.write_text("\n".join(sys.modules))

        _expect(0, words, _fork(first, folder).wait())
        for name in listed.read_text().split():
            if name.partition(".")[0] not in ("__main__", "__mp_main__"):
                with contextlib.suppress(Exception):  # an alias; forks import themselves what is missing here
                    importlib.import_module(name)


def _fork(function: Callable[[], object], cwd: Path, variables: Mapping[str, str] | None = None) -> Fork:
    """Call a function in a fork of this process."""
    sys.stdout.flush()
    sys.stderr.flush()
    out, err = (tempfile.TemporaryFile("w+") for _ in range(2))  # noqa: SIM115  (read and closed by ``Fork.wait``)
    process = os.fork()
    if process == 0:
        code = 1
        try:
            os.dup2(out.fileno(), 1)
            os.dup2(err.fileno(), 2)
            sys.stdout, sys.stderr = os.fdopen(1, "w", closefd=False), os.fdopen(2, "w", closefd=False)
            _prepare(cwd, variables or {})
            function()
            code = 0
        except SystemExit as ending:
            code = ending.code if isinstance(ending.code, int) else int(ending.code is not None)
        except BaseException:  # nothing of the caller may go on in a fork of it
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    return Fork(process, out, err)


def _prepare(cwd: Path, variables: Mapping[str, str]) -> None:
    """Be a fresh process in a folder, which trains with one thread and is never online."""
    import torch
    from threadpoolctl import threadpool_limits

    torch.set_num_threads(1)
    threadpool_limits(1)
    for name in ("LOCAL_RANK", "RANK", "WORLD_SIZE"):
        os.environ.pop(name, None)
    fixed = {"GAN_LIGHTNING_CACHE": str(cwd.parent / "cache"), "WANDB_MODE": "offline", "OMP_NUM_THREADS": "1"}
    os.environ.update(fixed | dict(variables))
    os.chdir(cwd)

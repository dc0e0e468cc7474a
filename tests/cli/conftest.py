"""The commands as a user starts them: in this process where that is the same thing, else in one of their own."""

from __future__ import annotations

import contextlib
import importlib
import io
import logging
import os
import subprocess
import sys
import unittest.mock
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TINY = [
    "experiment=demo",
    "batch_size=16",
    "model.generator.width=8",
    "model.discriminator.width=8",
    "evaluator.samples=100",
    "callbacks.samples.rows=2",
    "trainer.log_every_n_steps=10",
    "trainer.accelerator=cpu",
]
"""A run of a second."""

UNSCORED = [*(override for override in TINY if not override.startswith("evaluator.")), "evaluator=none"]


@dataclass
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        return self.out + self.err


class Commands:
    """Runs commands with a cache of their own, and never online."""

    def __init__(self, home: Path) -> None:
        self.environment = {
            "GAN_LIGHTNING_CACHE": str(home / "cache"),
            "WANDB_MODE": "offline",
            "OMP_NUM_THREADS": "1",
        }

    def __call__(self, command: str, *argv: str, cwd: Path) -> Ended:
        """Call the entry point of ``gan-<command>`` in this process."""
        main = importlib.import_module(f"gan_lightning.cli.{command}").main
        out, err = io.StringIO(), io.StringIO()
        former_argv, former_cwd, code = sys.argv, Path.cwd(), 0
        with environment(self.environment), root_logging(), mode_of_the_line(), contextlib.chdir(cwd):
            sys.argv = [f"gan-{command}", *argv]
            try:
                with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                    main()
            except SystemExit as ending:
                code = ending.code if isinstance(ending.code, int) else int(ending.code is not None)
            finally:
                sys.argv = former_argv
        assert Path.cwd() == former_cwd
        return Ended(code, out.getvalue(), err.getvalue())

    def start(self, command: str, *argv: str, cwd: Path) -> subprocess.Popen[str]:
        """Start ``python -m gan_lightning.cli.<command>``, output into the file ``output`` of ``cwd``."""
        line = [sys.executable, "-m", f"gan_lightning.cli.{command}", *argv]
        variables = {**os.environ, **self.environment, "PYTHONPATH": str(ROOT)}
        with (cwd / "output").open("w") as output:
            return subprocess.Popen(line, cwd=cwd, env=variables, stdout=output, stderr=subprocess.STDOUT, text=True)


@contextlib.contextmanager
def environment(values: Mapping[str, str]) -> Iterator[None]:
    """Variables of the environment for a while; what the block changes in others is undone too."""
    former = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(former)


@contextlib.contextmanager
def mode_of_the_line() -> Iterator[None]:
    """Take ``-m`` alone for a sweep: Hydra composes a config twice to read ``hydra.mode`` from it, which is never set.

    It takes a sixth of a short run. Commands in processes of their own do it.
    """
    with unittest.mock.patch("hydra._internal.hydra.Hydra.get_mode", return_value=None):
        yield


@contextlib.contextmanager
def root_logging() -> Iterator[None]:
    """Undo what Hydra does to logging, whose handlers hold the redirected streams and a file of the run."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)


def listing(folder: Path) -> list[str]:
    """Everything below a folder, with the sizes of files."""
    return sorted(
        f"{path.relative_to(folder)} {path.stat().st_size if path.is_file() else 'folder'}"
        for path in folder.rglob("*")
    )


def read_wandb(folder: Path) -> list[dict]:
    """All records of the offline W&B runs of a run's folder."""
    import json

    paths = sorted(folder.glob("wandb/offline-run-*/run-*.wandb"))
    records: list[dict] = []
    for path in paths:
        line = [sys.executable, "-m", "wandb", "leet", "inspect", "--json", str(path)]
        records += [json.loads(row) for row in subprocess.check_output(line, text=True).splitlines()]
    return records


def of_kind(records: Sequence[dict], kind: str) -> list[dict]:
    return [record[kind] for record in records if record["type"] == kind]


@pytest.fixture(scope="session")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Commands:
    return Commands(tmp_path_factory.mktemp("home"))

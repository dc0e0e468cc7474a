"""A run whose processes do not all live ends, and says why."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from lightning.pytorch.plugins.environments import LightningEnvironment
from lightning.pytorch.strategies.launchers import _SubprocessScriptLauncher

from gan_lightning.launch import process_watchdog as companions
from gan_lightning.runs.results import read_results
from tests.cli.conftest import UNSCORED, Commands
from tests.conftest import takes_long


def launcher(children: list[subprocess.Popen]) -> _SubprocessScriptLauncher:
    made = _SubprocessScriptLauncher(LightningEnvironment(), len(children) + 1, 1)
    made.procs = children
    return made


def watching(folder: Path, *, child: bool) -> None:
    """Be process 0 of a run with one other process, or that one, and hang as in a collective operation."""
    sys.stderr = (folder / "error").open("w")
    companions.GRACE_SECONDS = 0.1
    children = [] if child else [subprocess.Popen(["sleep", "60"])]
    if not child:
        (folder / "child").write_text(str(children[0].pid))
    watch = companions.Companions()
    watch.on_death = lambda reason: (folder / "reason").write_text(reason)
    strategy = SimpleNamespace(launcher=launcher(children), cluster_environment=LightningEnvironment())
    watch.begin(SimpleNamespace(strategy=strategy, local_rank=int(child), world_size=2))
    (folder / "ready").touch()
    time.sleep(60)


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < deadline, path
        time.sleep(0.02)


def test_the_first_process_ends_when_another_is_killed(tmp_path):
    first = multiprocessing.get_context("fork").Process(target=watching, args=(tmp_path,), kwargs={"child": False})
    first.start()
    wait_for(tmp_path / "ready")
    os.kill(int((tmp_path / "child").read_text()), signal.SIGKILL)
    first.join(60)
    assert first.exitcode == 1
    reason = (tmp_path / "reason").read_text()
    assert "process 1 of this run" in reason
    assert "SIGKILL" in reason
    assert reason in (tmp_path / "error").read_text()


def first_of_two(folder: Path) -> None:
    os.environ[companions.FIRST] = str(os.getpid())
    multiprocessing.get_context("fork").Process(target=watching, args=(folder,), kwargs={"child": True}).start()
    time.sleep(60)


def test_another_process_ends_when_the_first_is_killed(tmp_path):
    first = multiprocessing.get_context("fork").Process(target=first_of_two, args=(tmp_path,))
    first.start()
    wait_for(tmp_path / "ready")
    first.kill()
    first.join()
    wait_for(tmp_path / "reason")
    assert "process 0 of this run" in (tmp_path / "reason").read_text()


def test_how_a_process_ended_is_said_in_words():
    assert companions.describe(3) == "exit code 3"
    assert companions.describe(-9) == "SIGKILL"
    assert companions.describe(-250) == "signal 250"


@pytest.fixture
def commands(tmp_path_factory):
    return Commands(tmp_path_factory.mktemp("home"))


@takes_long  # the tests above kill bare processes
@pytest.mark.slow
def test_a_run_on_two_processes_ends_within_a_minute_of_the_death_of_one(commands, tmp_path):
    line = [*UNSCORED, "hydra.run.dir=run", "budget.kimg=1000", "trainer=ddp", "trainer.devices=2", "logger=none"]
    process = commands.start("train", *line, cwd=tmp_path)
    output = tmp_path / "output"
    try:
        wait_for_rows(tmp_path / "run" / "metrics.jsonl", process, output)
        (other,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        os.kill(int(other), signal.SIGKILL)
        assert process.wait(timeout=60) == 1, output.read_text()
    finally:
        process.kill()
    assert f"process 1 of this run (PID {other}) ended with SIGKILL" in output.read_text()
    assert read_results(tmp_path / "run" / "results.json")["status"] == "failed"


def wait_for_rows(path: Path, process: subprocess.Popen, output: Path) -> None:
    deadline = time.monotonic() + 300  # two processes that import everything, on a machine that may be busy
    while not path.exists() or not path.read_text():
        assert process.poll() is None, output.read_text()
        assert time.monotonic() < deadline, output.read_text()
        time.sleep(0.2)

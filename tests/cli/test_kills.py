"""A run that is killed, wherever it stands, and resumed is the run that was not killed, to the bit."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import pytest
import torch

from gan_lightning.callbacks import RunCheckpoint
from gan_lightning.loggers import JSONLLogger
from gan_lightning.metrics import Evaluator
from gan_lightning.models import AdversarialModule
from gan_lightning.runs import checkpoints as checkpoint
from gan_lightning.runs.metrics_file import read_metrics
from gan_lightning.runs.record import RunRecord
from gan_lightning.runs.results import read_outcome, read_results
from tests.cli import forks
from tests.cli.conftest import TINY
from tests.cli.test_train import assert_equal
from tests.conftest import LONG, takes_long

LINE = [
    *TINY,
    "hydra.run.dir=run",
    "resume=auto",
    "logger=none",
    "budget.kimg=null",
    "callbacks.evaluation.every_kimg=0.16",
    "callbacks.samples.every_kimg=0.16",
    "trainer.log_every_n_steps=4",
]
OF_THE_MACHINE = ("wall_time_s", "images_per_second", "peak_memory_mib")
SHORT = [*LINE, "budget.images=960", "callbacks.checkpoint.every_kimg=0.16"]


def at_call(number: int, owner: Any, name: str, act: Callable[..., None]) -> Callable[[], None]:
    """Return a sabotage: the ``number``-th call of ``owner.name`` calls ``act`` with its arguments first."""

    def sabotage() -> None:
        original, calls = getattr(owner, name), [0]

        def counting(*args: Any, **kwargs: Any) -> Any:
            calls[0] += 1
            if calls[0] == number:
                act(*args, **kwargs)
            return original(*args, **kwargs)

        setattr(owner, name, counting)

    return sabotage


def kill(*args: Any, **kwargs: Any) -> None:
    forks.die()


def write_half(content: Any, file: BinaryIO) -> None:
    torch_save(content, file)
    file.flush()
    os.truncate(file.name, os.path.getsize(file.name) // 2)
    forks.die()


torch_save = torch.save


def tear_a_row(logger: JSONLLogger, metrics: Any, step: int | None = None) -> None:
    file = logger._file or logger._open()
    file.write(b'{"images_seen": 12')
    forks.die()


def kill_between_two_renames() -> None:
    """A sabotage: the former latest checkpoint has moved away, the new one is not there yet."""
    original = checkpoint._put_in_place

    def torn(temporary: Path, path: Path, keep: Path | None) -> None:
        if keep is not None and path.exists():
            os.replace(path, keep)
            forks.die()
        original(temporary, path, keep)

    checkpoint._put_in_place = torn


MOMENTS: dict[str, Callable[[], None]] = {
    "before the first save": at_call(5, AdversarialModule, "generator_objective", kill),
    "writing the first checkpoint": at_call(1, torch, "save", write_half),
    "between the players' turns": at_call(27, AdversarialModule, "generator_objective", kill),
    "between two renames": kill_between_two_renames,
    "in the second evaluation": at_call(2, Evaluator, "_generate", kill),
    "after the scores, before the checkpoint": at_call(2, RunCheckpoint, "save_latest", kill),
    "writing the best checkpoint": at_call(1, torch, "save", write_half),
    "writing a row": at_call(3, JSONLLogger, "log_metrics", tear_a_row),
    "writing the results": at_call(3, RunRecord, "_write", kill),
}
"""Where the runs that follow one another in one folder are killed."""


def assert_same_run(first: Path, second: Path) -> None:
    """Compare the end states of two runs to the bit, and their records but for times."""
    for name in ("latest", "best"):
        one, two = (checkpoint.read_checkpoint(run / "checkpoints" / f"{name}.ckpt") for run in (first, second))
        for part in ("state_dict", "optimizer_states", "callbacks"):
            assert_equal(one[part], two[part], f"{name}.{part}")
        assert one["gan_lightning"]["images_seen"] == two["gan_lightning"]["images_seen"]
    rows = [
        [
            {key: value for key, value in row.items() if key not in OF_THE_MACHINE}
            for row in read_metrics(run / "metrics.jsonl")
        ]
        for run in (first, second)
    ]
    assert rows[0] == rows[1]
    results = [read_results(run / "results.json") for run in (first, second)]
    for key in ("status", "images_seen", "evaluations", "scores", "artefacts"):
        assert results[0][key] == results[1][key], key
    assert sorted(path.name for path in (first / "samples").iterdir()) == sorted(
        path.name for path in (second / "samples").iterdir()
    )
    assert [path for path in (first / "checkpoints").iterdir() if "partial" in path.name] == []


@pytest.fixture(scope="module")
def whole(commands, tmp_path_factory):
    """The run that nobody killed."""
    base = tmp_path_factory.mktemp("whole")
    ended = commands("train", *SHORT, cwd=base)
    assert ended.code == 0, ended.text
    return base / "run"


@pytest.mark.parametrize("moments", [list(MOMENTS)[1::4], pytest.param(list(MOMENTS), marks=LONG)], ids=["some", "all"])
def test_a_run_killed_at_every_kind_of_moment(commands, whole, tmp_path, moments):
    for moment in moments:
        sabotage = MOMENTS[moment]
        process = forks.start(SHORT, cwd=tmp_path, environment=commands.environment, sabotage=sabotage)
        assert forks.finish(process) == -signal.SIGKILL, f"{moment}: {(tmp_path / 'output').read_text()[-3000:]}"
    process = forks.start(SHORT, cwd=tmp_path, environment=commands.environment)
    assert forks.finish(process) == 0, (tmp_path / "output").read_text()[-3000:]
    assert_same_run(tmp_path / "run", whole)


@takes_long  # tests/cli/test_sweep.py has a relative whose jobs are interrupted
def test_a_sweep_that_is_killed_keeps_what_is_done_and_goes_on(commands, whole, tmp_path):
    line = ["-m", *SHORT, "seed=1,0", "hydra.sweep.dir=sweep", "hydra.sweep.subdir=${hydra.job.num}"]
    sabotage = at_call(960 // 16 + 27, AdversarialModule, "training_step", kill)
    process = forks.start(line, cwd=tmp_path, environment=commands.environment, sabotage=sabotage)
    assert forks.finish(process) == -signal.SIGKILL, (tmp_path / "output").read_text()[-3000:]
    first, second = (tmp_path / "sweep" / name for name in "01")
    assert [read_outcome(folder).status for folder in (first, second)] == ["finished", "running"]
    done = (first / "results.json").read_bytes()

    process = forks.start(line, cwd=tmp_path, environment=commands.environment)
    assert forks.finish(process) == 0, (tmp_path / "output").read_text()[-3000:]
    output = (tmp_path / "output").read_text()
    assert "finished already" in output
    assert "resuming from" in output
    assert (first / "results.json").read_bytes() == done
    assert_same_run(second, whole)

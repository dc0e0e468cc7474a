"""A search with Optuna that is killed and started again by the same command is one search."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState

from gan_lightning.models import AdversarialModule
from gan_lightning.runs.lock import exclusive
from gan_lightning.runs.results import read_outcome
from tests.cli import forks
from tests.cli.conftest import TINY, listing
from tests.cli.test_kills import at_call, kill
from tests.conftest import LONG

TRIALS, IMAGES = 3, 96
SEARCH = ["-m", "+sweep=search_digits", *TINY, "budget.kimg=null", f"budget.images={IMAGES}", "logger=none"]
SEARCH += ["model.regularizers.r1.weight=0.1"]  # two keys are left to be searched over
SEARCH += ["hydra.sweep.dir=search", f"hydra.sweeper.n_trials={TRIALS}", "callbacks.checkpoint.every_kimg=0.016"]
STEPS = IMAGES // 16

MOMENTS: dict[str, Callable[[], None]] = {
    "in the second trial's training": at_call(STEPS + 3, AdversarialModule, "training_step", kill),
    "before that trial, tried again, has all its parameters": at_call(2, optuna.trial.Trial, "_suggest", kill),
    "when it has finished and the study is not told": at_call(2, optuna.study.Study, "tell", kill),
}
"""The last one counts from the study being told that a trial was cut off."""


def trials(folder: Path) -> list[optuna.trial.FrozenTrial]:
    storage = f"sqlite:///{folder}/search/study.db"
    return optuna.load_study(study_name="search_digits", storage=storage).trials


def in_state(found: list[optuna.trial.FrozenTrial], state: TrialState) -> list[optuna.trial.FrozenTrial]:
    return [trial for trial in found if trial.state is state]


@pytest.mark.parametrize("moments", [list(MOMENTS)[:1], pytest.param(list(MOMENTS), marks=LONG)], ids=["one", "all"])
def test_a_killed_search_goes_on_and_no_trial_is_lost_or_doubled(commands, tmp_path, moments):
    kept: list[optuna.trial.FrozenTrial] = []
    for moment in moments:
        sabotage = MOMENTS[moment]
        process = forks.start(SEARCH, cwd=tmp_path, environment=commands.environment, sabotage=sabotage)
        assert forks.finish(process) == -signal.SIGKILL, f"{moment}: {(tmp_path / 'output').read_text()[-3000:]}"
        found = trials(tmp_path)
        assert in_state(found, TrialState.COMPLETE)[: len(kept)] == kept, moment
        assert len(in_state(found, TrialState.RUNNING)) == 1, moment
        kept = in_state(found, TrialState.COMPLETE)
    assert len(kept) == 1

    process = forks.start(SEARCH, cwd=tmp_path, environment=commands.environment)
    assert forks.finish(process) == 0, (tmp_path / "output").read_text()[-3000:]
    output = (tmp_path / "output").read_text()
    assert f"{TRIALS - 1} of {TRIALS} trials are left" in output
    assert "resuming from" in output
    assert ("finished already" in output) == (len(moments) == len(MOMENTS))  # the last moment leaves such a trial

    found = trials(tmp_path)
    complete, failed = in_state(found, TrialState.COMPLETE), in_state(found, TrialState.FAIL)
    assert (len(complete), len(failed), len(found)) == (TRIALS, len(moments), TRIALS + len(moments))
    assert complete[:1] == kept
    assert len({tuple(trial.params.values()) for trial in complete}) == TRIALS
    assert all(trial.params.items() <= complete[1].params.items() for trial in failed)

    outcomes = [read_outcome(path.parent) for path in (tmp_path / "search").glob("*/results.json")]
    assert [outcome.status for outcome in outcomes] == ["finished"] * TRIALS
    assert sorted(outcome.objective for outcome in outcomes) == sorted(trial.value for trial in complete)


def test_a_second_search_at_the_same_time_is_refused(commands, tmp_path):
    with exclusive(tmp_path / "search"):
        before = listing(tmp_path)
        ended = commands("train", *SEARCH, cwd=tmp_path)
        assert ended.code == 2, ended.text
        assert "hydra.sweep.dir = search: another process searches in this folder" in ended.err
        assert listing(tmp_path) == before


def test_a_search_that_is_complete_runs_nothing(commands, tmp_path):
    study = optuna.create_study(
        study_name="search_digits", storage=f"sqlite:///{tmp_path}/study.db", direction="minimize"
    )
    for value in range(TRIALS):
        study.tell(study.ask(), float(value))
    (tmp_path / "search").mkdir()
    (tmp_path / "study.db").rename(tmp_path / "search" / "study.db")
    ended = commands("train", *SEARCH, f"hydra.sweeper.n_trials={TRIALS - 1}", cwd=tmp_path)
    assert ended.code == 0, ended.text
    assert len(trials(tmp_path)) == TRIALS
    assert list((tmp_path / "search").glob("*/results.json")) == []


def test_a_space_whose_ends_are_refused_starts_nothing(commands, tmp_path):
    spaces = ["model.generator_optimizer.lr=interval(-1, 1e-3)", "model.generator.nothing=range(1, 3)"]
    ended = commands("train", *SEARCH, *spaces, cwd=tmp_path)
    assert ended.code == 2, ended.text
    assert "model.generator.nothing" in ended.err
    ended = commands("train", *SEARCH, *spaces[:1], cwd=tmp_path)
    assert ended.code == 2, ended.text
    assert "Invalid learning rate: -1" in ended.err
    assert listing(tmp_path) == []

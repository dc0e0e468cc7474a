"""A run is called finished if its budget was reached and nothing went wrong, and for no other reason."""

from __future__ import annotations

import signal
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lightning.pytorch.callbacks import Timer

from gan_lightning.callbacks import Interruption, RunCheckpoint, TrainingHealth
from gan_lightning.core.signals import Stopped
from gan_lightning.launch.ending import outcome_of_exception, outcome_of_fit, what_stopped
from gan_lightning.runs.status import MEANINGS


def trainer(**changed):
    facts = {"fast_dev_run": False, "max_steps": -1, "global_step": 7, "callbacks": [], "max_epochs": -1}
    return SimpleNamespace(**{**facts, "current_epoch": 0, "should_stop": False, **changed})


@given(
    seen=st.integers(0, 100),
    budget=st.integers(1, 100),
    diverged=st.booleans(),
    problem=st.sampled_from([None, "the disk is full"]),
    stopped=st.sampled_from([None, signal.SIGINT, signal.SIGTERM, signal.SIGUSR1]),
    should_stop=st.booleans(),
    empty_epochs=st.integers(0, 2),
)
def test_a_run_is_finished_if_and_only_if_it_reached_its_budget(
    seen, budget, diverged, problem, stopped, should_stop, empty_epochs
):
    checkpoints, interruption = RunCheckpoint(output_dir="run"), Interruption()
    checkpoints.problem, interruption.stopped = problem, stopped
    parts = SimpleNamespace(
        model=SimpleNamespace(images_seen=seen, budget_images=budget, diverged=diverged, empty_epochs=empty_epochs),
        trainer=trainer(should_stop=should_stop),
        callback=lambda kind: {RunCheckpoint: checkpoints, Interruption: interruption, TrainingHealth: None}[kind],
    )
    outcome = outcome_of_fit(parts)
    in_order = not diverged and problem is None and stopped is None
    assert (outcome.status == "finished") == (in_order and seen >= budget)
    assert (outcome.status == "stopped") == (in_order and seen < budget)
    assert outcome.over
    assert outcome.status in MEANINGS
    if problem is not None and not diverged:
        assert str(outcome.message).endswith("the disk is full")


class Spent(Timer):
    """A timer whose time is over to the second."""

    def time_remaining(self, stage="train"):
        return 0.0


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"fast_dev_run": 3}, "trainer.fast_dev_run was reached"),
        ({"max_steps": 7}, "trainer.max_steps = 7 was reached, which counts the steps of all optimizers"),
        ({"max_steps": 8, "should_stop": True}, "a callback set trainer.should_stop"),
        ({"callbacks": [Spent(duration="00:00:00:00")], "should_stop": True}, "trainer.max_time was reached"),
        ({"max_epochs": 2, "current_epoch": 2}, "trainer.max_epochs = 2 was reached"),
        ({}, "the data ended"),
    ],
)
def test_what_stopped_a_run_is_named(facts, reason):
    assert what_stopped(trainer(**facts)) == reason


@pytest.mark.parametrize(
    ("number", "processes", "launcher", "status"),
    [
        (signal.SIGTERM, 2, True, "failed"),
        (signal.SIGTERM, 2, False, "preempted"),
        (signal.SIGTERM, 1, True, "preempted"),
        (signal.SIGHUP, 2, True, "preempted"),
        (signal.SIGINT, 2, True, "interrupted"),
    ],
)
def test_a_run_that_may_have_lost_a_process_is_not_called_preempted(number, processes, launcher, status):
    environment = SimpleNamespace(creates_processes_externally=launcher)
    strategy = SimpleNamespace(cluster_environment=environment)
    outcome = outcome_of_exception(Stopped(number), trainer(world_size=processes, strategy=strategy))
    assert outcome.status == status
    assert (outcome.message is not None) == (status == "failed")


def test_a_part_that_leaves_the_process_has_failed_whatever_its_code():
    outcome = outcome_of_exception(SystemExit(0), trainer())
    assert outcome.status == "failed"
    assert outcome.message == "a part of the run wanted to leave the process: SystemExit: 0"

"""How a job that was warned goes on, or ends with a reason, with stand-ins for submitit's handler of its signal."""

from __future__ import annotations

import subprocess

import pytest
from submitit.core.utils import UncompletedJobError

from gan_lightning.cli.job import Ending, note, read_ending
from gan_lightning.cluster import slurm, submission


@pytest.fixture
def folder(tmp_path):
    """The folder of a job that has saved its state and was promised a requeue."""
    note(tmp_path, Ending("preempted", requeue=True))
    return tmp_path


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (UncompletedJobError("Job not requeued because: timed-out too many times."), "max_num_timeout is used up"),
        (subprocess.CalledProcessError(1, ["scontrol", "requeue", "7"]), "SLURM does not requeue it"),
        (FileNotFoundError("scontrol"), "SLURM does not requeue it"),
        (subprocess.TimeoutExpired("scontrol", 60), "SLURM does not requeue it"),
    ],
)
def test_a_job_that_is_not_requeued_says_why_and_how_it_goes_on(folder, error, reason):
    def resubmit(number, frame):
        raise error

    assert not submission.given_up(folder)
    submission.go_on_in_another_job(folder, resubmit)
    ending = read_ending(folder)
    assert ending.state == "preempted"
    assert reason in ending.message
    assert "the same command goes on with it" in ending.message
    assert submission.given_up(folder)


def test_a_requeue_ends_the_process_and_promises_nothing_else(folder):
    def resubmit(number, frame):
        assert number == submission.preemption_signal()
        raise SystemExit(255)

    with pytest.raises(SystemExit):
        submission.go_on_in_another_job(folder, resubmit)
    assert not submission.given_up(folder)


def test_the_other_processes_wait_for_their_end_unless_there_will_be_no_requeue(folder, monkeypatch):
    slept = []

    def sleep(seconds):
        slept.append(seconds)
        if len(slept) == 3:
            note(folder, Ending("preempted", message="the launcher's patience is used up"))

    monkeypatch.setattr(slurm.time, "sleep", sleep)
    slurm.await_the_end(refused=lambda: submission.given_up(folder))
    assert len(slept) == 3


def test_a_job_that_has_not_noted_its_end_yet_has_not_given_up(tmp_path):
    assert not submission.given_up(tmp_path)
    note(tmp_path, Ending("running"))
    assert not submission.given_up(tmp_path)

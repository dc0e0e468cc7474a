"""How a job that was warned goes on, or ends with a reason, with stand-ins for submitit's handler of its signal."""

from __future__ import annotations

import os
import signal
import subprocess

import pytest
from submitit.core.utils import UncompletedJobError

from gan_lightning.core import slurm
from gan_lightning.core.errors import InputError
from gan_lightning.core.signals import WARNINGS
from gan_lightning.launch import slurm_submission as submission
from gan_lightning.runs.folder import RunFolder
from gan_lightning.runs.record import RunRecord
from gan_lightning.runs.results import Outcome, note, read_outcome


@pytest.fixture
def folder(tmp_path):
    """The folder of a job that has saved its state and was promised a requeue."""
    record = RunRecord(tmp_path)
    record.start({"precision": "32-true"})
    record.finish(Outcome("preempted", requeue=True), images_seen=64)
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
    outcome = read_outcome(folder)
    assert outcome.status == "preempted"
    assert reason in outcome.message
    assert "the same command resumes it" in outcome.message
    assert submission.given_up(folder)


def test_a_warning_behind_the_end_does_not_undo_it(folder):
    def resubmit(number, frame):
        raise UncompletedJobError("Job not requeued because: timed-out too many times.")

    note(folder, "finished")
    submission.go_on_in_another_job(folder, resubmit)
    assert read_outcome(folder).status == "finished"


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
            note(folder, "preempted", message="the launcher's patience is used up")

    monkeypatch.setattr(slurm.time, "sleep", sleep)
    slurm.await_the_end(refused=lambda: submission.given_up(folder))
    assert len(slept) == 3


def test_a_job_that_has_not_noted_its_end_yet_has_not_given_up(tmp_path):
    assert not submission.given_up(tmp_path)
    note(tmp_path, "running")
    assert not submission.given_up(tmp_path)


def test_a_job_that_times_out_too_often_before_it_trains_says_so(folder, monkeypatch):
    def resubmit(number, frame):
        raise UncompletedJobError("Job not requeued because: timed-out too many times.")

    def import_for_long(path):
        os.kill(os.getpid(), submission.preemption_signal())

    number = submission.preemption_signal()
    former = {each: signal.signal(each, resubmit) for each in {number, *WARNINGS}}
    monkeypatch.setattr(submission, "train_folder", import_for_long)
    try:
        with pytest.raises(SystemExit, match="143"):
            submission.FolderTask()(str(folder))
    finally:
        for each, handler in former.items():
            signal.signal(each, handler)
    assert "max_num_timeout is used up" in read_outcome(folder).message


REQUEST = submission.Request(
    nodes=1, tasks_per_node=1, cpus_per_task=1, gpus_per_node=None, mem_gb=None, timeout_min=5, signal_delay_s=60,
    name="test", array_parallelism=2, partition="gpuu", account=None, qos=None, constraint=None, exclude=None,
)  # fmt: skip


def programs(folder, monkeypatch, sbatch):
    """Put SLURM's programs on the path."""
    for name, text in (("srun", "exit 0"), ("sbatch", sbatch)):
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def submit(folder):
    folders = [folder / "0", folder / "1"]
    for each in folders:
        each.mkdir()
    return folders, lambda: submission.submit(
        folders, REQUEST, submitit_folder=f"{folder}/.submitit/%j", max_num_timeout=3
    )


def test_what_slurm_does_not_take_is_refused_in_its_words(tmp_path, monkeypatch):
    words = "sbatch: error: invalid partition specified: gpuu"
    programs(
        tmp_path, monkeypatch, f"echo '{words}' >&2; echo 'sbatch: error: Batch job submission failed' >&2; exit 1"
    )
    folders, call = submit(tmp_path)
    RunRecord(folders[1]).start({})
    note(folders[1], "finished")
    with pytest.raises(InputError, match="not take the job: invalid partition specified: gpuu; Batch job submission"):
        call()
    assert {read_outcome(folder).status for folder in folders} == {"refused"}
    assert "gpuu" in read_outcome(folders[1]).message
    assert RunFolder(folders[1]).results.read_text().count('"finished"') == 1  # of an earlier sweep with less budget
    assert [submission.submitted(folder) for folder in folders] == [None, None]


def test_a_submission_asks_for_what_the_request_says_and_notes_its_jobs(tmp_path, monkeypatch):
    programs(tmp_path, monkeypatch, f'cp "$1" {tmp_path}/script; echo Submitted batch job 17')
    folders, call = submit(tmp_path)
    assert call() == ["17_0", "17_1"]
    assert [submission.submitted(folder) for folder in folders] == ["17_0", "17_1"]
    RunFolder(folders[0]).slurm_job.write_bytes(b"")  # after a power cut
    RunFolder(folders[1]).slurm_job.write_bytes(b"\xff\xfe")
    assert [submission.submitted(folder) for folder in folders] == [None, None]
    assert {read_outcome(folder).status for folder in folders} == {"queued"}
    script = (tmp_path / "script").read_text()
    for option in (
        "partition=gpuu",
        "time=5",
        "signal=USR2@60",
        "array=0-1%2",
        "ntasks-per-node=1",
        "open-mode=append",
    ):
        assert f"#SBATCH --{option}" in script

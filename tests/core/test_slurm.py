"""What SLURM says and is asked, against stand-ins for its programs."""

from __future__ import annotations

import pytest

from gan_lightning.core import slurm


@pytest.fixture
def program(tmp_path, monkeypatch):
    """Put a shell script first on the path."""

    def put(name, text):
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    return put


def test_the_present_job():
    assert slurm.job_id({}) is None
    assert slurm.job_id({"SLURM_JOB_ID": "7"}) == "7"
    array = {"SLURM_JOB_ID": "9", "SLURM_ARRAY_JOB_ID": "7", "SLURM_ARRAY_TASK_ID": "2"}
    assert slurm.job_id(array) == "7_2"


def test_restarts_and_ranks_count_inside_of_jobs_only():
    assert slurm.restarts({"SLURM_RESTART_COUNT": "3"}) == 0
    assert slurm.restarts({"SLURM_RESTART_COUNT": "3", "SLURM_JOB_ID": "7"}) == 3
    assert slurm.restarts({"SLURM_JOB_ID": "7"}) == 0
    assert slurm.task_rank({"SLURM_PROCID": "1"}) == 0
    assert slurm.task_rank({"SLURM_PROCID": "1", "SLURM_JOB_ID": "7"}) == 1


def test_the_queue_is_asked_once_for_an_array(program, tmp_path):
    program("squeue", f'echo "$@" >> {tmp_path}/asked; echo "7_0|RUNNING"; echo "7_1|PENDING"; echo "8|COMPLETING"')
    assert slurm.alive(["7_0", "7_1", "7_2", "8"]) == {"7_0": "RUNNING", "7_1": "PENDING", "8": "COMPLETING"}
    asked = (tmp_path / "asked").read_text().splitlines()
    assert [line.split("--jobs ")[1].split()[0] for line in asked] == ["7", "8"]


def test_a_job_that_slurm_has_forgotten_is_over(program):
    program("squeue", "echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1")
    assert slurm.alive(["7"]) == {}


def test_a_queue_that_does_not_answer_is_not_an_empty_one(program):
    program("squeue", "echo 'Unable to contact slurm controller' >&2; exit 1")
    with pytest.raises(OSError, match="Unable to contact"):
        slurm.alive(["7"])


def test_requeue_says_whether_it_was_granted(program, tmp_path, monkeypatch):
    program("scontrol", f'echo "$@" > {tmp_path}/asked')
    assert slurm.requeue("7_2")
    assert (tmp_path / "asked").read_text() == "requeue 7_2\n"
    program("scontrol", "echo 'Requested operation is presently disabled' >&2; exit 1")
    assert not slurm.requeue("7")
    monkeypatch.setenv("PATH", "/nowhere")
    assert not slurm.requeue("7")


def test_how_a_job_ended_if_slurm_still_knows(program, monkeypatch):
    program("scontrol", "echo JobId=7 JobState=OUT_OF_MEMORY Reason=None")
    assert slurm.last_state("7") == "OUT_OF_MEMORY"
    program("scontrol", "echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1")
    assert slurm.last_state("7") is None
    monkeypatch.setenv("PATH", "/nowhere")
    assert slurm.last_state("7") is None


@pytest.mark.parametrize(
    ("code", "failed", "rank", "expected", "waits"),
    [
        pytest.param(1, True, 0, 1, False, id="process 0 fails"),
        pytest.param(1, True, 1, 1, True, id="another one fails, and waits for process 0 to say why"),
        pytest.param(143, False, 0, 143, False, id="process 0 tells how the run ended"),
        pytest.param(143, False, 1, 0, False, id="nobody is killed because another one has left already"),
        pytest.param(0, False, 1, 0, False, id="all is well"),
    ],
)
def test_exit_codes_of_processes_that_srun_started(monkeypatch, code, failed, rank, expected, waits):
    slept: list[float] = []
    monkeypatch.setattr(slurm.time, "sleep", slept.append)
    assert slurm.exit_code(code, failed=failed, rank=rank) == expected
    assert bool(slept) == waits

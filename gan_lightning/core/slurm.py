"""What SLURM tells a process, and the two things that are asked of it: which jobs are alive, and to queue one again."""

from __future__ import annotations

import logging
import os
import subprocess
import time
from collections.abc import Callable, Collection, Mapping

log = logging.getLogger(__name__)

COMMAND_TIMEOUT_S = 60
LEAVING_S = 120
"""How long the processes of a requeued job wait for SLURM to end them; it takes a second or two."""

FAILING_S = 20
"""How long a process whose run has failed stays for process 0, where a failure of its own follows within seconds."""


def job_id(environment: Mapping[str, str] = os.environ) -> str | None:
    """Return the present job as SLURM's commands name it, ``17`` or ``17_3`` in an array; None outside of jobs."""
    if "SLURM_JOB_ID" not in environment:
        return None
    if "SLURM_ARRAY_TASK_ID" in environment:
        return f"{environment['SLURM_ARRAY_JOB_ID']}_{environment['SLURM_ARRAY_TASK_ID']}"
    return environment["SLURM_JOB_ID"]


def restarts(environment: Mapping[str, str] = os.environ) -> int:
    """Return how often SLURM has restarted the present job."""
    return int(environment.get("SLURM_RESTART_COUNT", "0")) if "SLURM_JOB_ID" in environment else 0


def task_rank(environment: Mapping[str, str] = os.environ) -> int:
    """Return this process's number among those that ``srun`` started; 0 without SLURM."""
    return int(environment.get("SLURM_PROCID", "0")) if "SLURM_JOB_ID" in environment else 0


def alive(jobs: Collection[str]) -> dict[str, str]:
    """Return the state (``PENDING``, ``RUNNING``, ...) of each of ``jobs`` that is not over yet.

    The queue is asked and not the accounting, which many clusters do not have.

    Raises:
        OSError: if the queue cannot be asked.
    """
    states: dict[str, str] = {}
    for family in sorted({job.partition("_")[0] for job in jobs}):
        command = ["squeue", "--noheader", "--array", "--jobs", family, "--format", "%i|%T"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=COMMAND_TIMEOUT_S, check=False)
        except subprocess.TimeoutExpired as error:
            raise OSError(f"{' '.join(command)}: no answer") from error
        if done.returncode and "Invalid job id" not in done.stderr:  # a job that has been over for a while
            raise OSError(f"{' '.join(command)}: {done.stderr.strip()}")
        for line in done.stdout.split():
            job, _, state = line.partition("|")
            states[job] = state
    return {job: states[job] for job in jobs if job in states}


def last_state(job: str) -> str | None:
    """Return how a job ended (``TIMEOUT``, ``OUT_OF_MEMORY``, ...), None if SLURM has forgotten it already."""
    try:
        done = subprocess.run(
            ["scontrol", "--oneliner", "show", "job", job],
            capture_output=True,
            text=True,
            timeout=COMMAND_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return next((word.partition("=")[2] for word in done.stdout.split() if word.startswith("JobState=")), None)


def requeue(job: str) -> bool:
    """Put a job back into the queue, which ends its processes; say whether SLURM agreed."""
    try:
        done = subprocess.run(
            ["scontrol", "requeue", job], capture_output=True, text=True, timeout=COMMAND_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        log.error("job %s could not be requeued: %s", job, error)
        return False
    if done.returncode:
        log.error("SLURM does not requeue job %s: %s", job, done.stderr.strip())
    return done.returncode == 0


def exit_code(code: int, *, failed: bool, rank: int) -> int:
    """Return the code that a process which ``srun`` started should end with; may wait before it does.

    ``srun --kill-on-bad-exit`` ends all processes as soon as one leaves with another code than 0. So where a run
    ended normally only process 0 returns its code, when it has closed everything. A process that failed by itself gives
    process 0 the time to notice and to record it first.

    Args:
        code: exit code of the run, as this process sees it.
        failed: whether an error ended it.
        rank: this process's number.
    """
    if rank == 0 or code == 0:
        return code
    if failed:
        time.sleep(FAILING_S)
        return code
    return 0


def await_the_end(refused: Callable[[], bool] = lambda: False) -> None:
    """Wait for SLURM to end this process: one that left by itself could take its job with it before the requeue.

    Args:
        refused: whether the job will not be requeued, as far as is known by now; then there is nothing to wait for.
    """
    deadline = time.monotonic() + LEAVING_S
    while time.monotonic() < deadline and not refused():
        time.sleep(1)

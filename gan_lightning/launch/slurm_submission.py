"""The part of a sweep's job that runs inside SLURM, and what hands it over; both go through submitit."""

from __future__ import annotations

import logging
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from gan_lightning.core import slurm
from gan_lightning.core.atomic import write_atomic
from gan_lightning.core.errors import InputError
from gan_lightning.core.side_files import SideFileError, read_text
from gan_lightning.core.signals import ignore_warnings
from gan_lightning.launch.job import train_folder
from gan_lightning.runs.folder import RunFolder
from gan_lightning.runs.results import Outcome, note, note_start, read_outcome
from gan_lightning.runs.status import MEANINGS

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Request:
    """What ``sbatch`` is asked for; names and units are submitit's, see ``conf/hydra/launcher/slurm.yaml``."""

    nodes: int
    tasks_per_node: int
    cpus_per_task: int
    gpus_per_node: int | None
    mem_gb: float | None
    timeout_min: int
    signal_delay_s: int
    name: str
    array_parallelism: int
    partition: str | None
    account: str | None
    qos: str | None
    constraint: str | None
    exclude: str | None
    setup: Sequence[str] = field(default_factory=list)
    additional_parameters: Mapping[str, Any] = field(default_factory=dict)

    def parameters(self) -> dict[str, Any]:
        """Return the parameters of submitit's ``AutoExecutor``."""
        common = {"nodes", "tasks_per_node", "cpus_per_task", "gpus_per_node", "mem_gb", "timeout_min", "name"}
        given = {key: value for key, value in asdict(self).items() if value not in (None, [], {})}
        return {key if key in common else f"slurm_{key}": value for key, value in given.items()}


class FolderTask:
    """Trains the configuration that lies in a folder; submitit calls it in each process of a job."""

    def __call__(self, folder: str) -> None:
        """Train, and let another job continue the run if a warning came.

        Raises:
            SystemExit: with the job's code unless it is 0, which is how SLURM gets to know it.
        """
        resubmit = signal.getsignal(preemption_signal())  # submitit's own

        def leave(number: int, frame: Any) -> None:
            """Go on elsewhere at once: nothing is trained yet, or all is."""
            if not slurm.task_rank():
                go_on_in_another_job(Path(folder), resubmit)
                raise SystemExit(MEANINGS["preempted"].exit_code)

        signal.signal(preemption_signal(), leave)  # training puts others in its place
        outcome = train_folder(Path(folder))
        if outcome.requeue and slurm.task_rank():
            slurm.await_the_end(refused=lambda: given_up(Path(folder)))
        elif outcome.requeue:
            go_on_in_another_job(Path(folder), resubmit)
        ignore_warnings()
        if code := slurm.exit_code(outcome.exit_code, failed=outcome.meaning.failure, rank=slurm.task_rank()):
            raise SystemExit(code)

    def checkpoint(self, folder: str) -> Any:
        """Return what submitit is to run in the requeued job: the same, which resumes from its checkpoint."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self, folder)


def go_on_in_another_job(folder: Path, resubmit: Any) -> None:
    """Let submitit requeue the job, which ends this process, unless it has run out of time too often.

    Args:
        folder: the job's.
        resubmit: submitit's handler of its signal.
    """
    from submitit.core.utils import UncompletedJobError

    try:
        resubmit(preemption_signal(), None)
    except UncompletedJobError as error:
        reason = f"hydra.launcher.max_num_timeout is used up ({error})"
    except (OSError, subprocess.SubprocessError) as error:
        reason = f"SLURM does not requeue it ({error})"
    log.error("the job ends: %s", reason)
    outcome = read_outcome(folder)
    if outcome is None or not outcome.meaning.settled:  # a warning may come when all is trained
        note(folder, "preempted", message=f"{reason}; the same command resumes it")


def given_up(folder: Path) -> bool:
    """Return whether the process that requeues a job has noted that it could not."""
    outcome = read_outcome(folder)
    return outcome is not None and outcome.status == "preempted" and not outcome.requeue


def preemption_signal() -> signal.Signals:
    """Return the signal that submitit has asked SLURM to warn with."""
    from submitit.core.job_environment import JobEnvironment

    return signal.Signals[f"SIG{JobEnvironment.USR_SIG}"]


def submit(folders: Sequence[Path], request: Request, *, submitit_folder: str, max_num_timeout: int) -> list[str]:
    """Hand jobs over to SLURM, several as an array, and note in each folder which SLURM job that is.

    Returns:
        The SLURM job of each folder.

    Raises:
        InputError: with SLURM's reason if it does not take them, which is noted in their folders too.
    """
    import submitit
    from submitit.core.utils import FailedJobError

    executor = submitit.AutoExecutor(cluster="slurm", folder=submitit_folder, slurm_max_num_timeout=max_num_timeout)
    executor.update_parameters(**request.parameters(), slurm_srun_args=["--kill-on-bad-exit=1"])
    former = [results.read_bytes() if results.is_file() else None for results in map(results_of, folders)]
    for folder in folders:
        note(folder, "queued")  # before, since the job may begin at once
    try:
        jobs = [job.job_id for job in executor.map_array(FolderTask(), [str(folder) for folder in folders])]
    except FailedJobError as error:
        lines = [line.removeprefix("sbatch: error: ") for line in str(error).strip().splitlines()]
        reason = f"hydra.launcher: SLURM does not take the job: {'; '.join(lines)}"
        for folder, content in zip(folders, former, strict=True):
            if content is not None:
                write_atomic(results_of(folder), content)
            note_start(folder, Outcome("refused", message=reason))
        raise InputError(reason) from error
    for folder, job in zip(folders, jobs, strict=True):
        RunFolder(folder).slurm_job.write_text(f"{job}\n", encoding="utf-8")
    return jobs


def results_of(folder: Path) -> Path:
    """Return a job's record."""
    return RunFolder(folder).results


def submitted(folder: Path) -> str | None:
    """Return the SLURM job that was asked last to run in a folder; None if there was none, or the file is damaged."""
    try:
        return read_text(RunFolder(folder).slurm_job)
    except FileNotFoundError:
        return None
    except SideFileError as error:
        log.warning("%s", error)  # the folder's lock keeps a second job out
        return None

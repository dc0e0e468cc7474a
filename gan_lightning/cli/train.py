"""``gan-train``: compose, check, train, evaluate, record."""

from __future__ import annotations

from collections.abc import Sequence

from omegaconf import DictConfig

from gan_lightning.core import slurm
from gan_lightning.core.signals import hold_warnings, ignore_warnings
from gan_lightning.launch.command import launch
from gan_lightning.launch.command_line import continued_run, for_hydra
from gan_lightning.launch.preflight import handed_on
from gan_lightning.runs.status import is_failure


def task(cfg: DictConfig) -> float:
    """Train one run; return its objective.

    Raises:
        SystemExit: with the run's code unless it is 0.
    """
    from gan_lightning.launch.run import run  # torch and Lightning: seconds that --help need not wait

    outcome = run(handed_on(cfg))
    job_id = slurm.job_id()
    if outcome.requeue and job_id is not None and (slurm.task_rank() or slurm.requeue(job_id)):
        slurm.await_the_end()
    if outcome.exit_code:
        raise SystemExit(outcome.exit_code)
    return outcome.value


def job(cfg: DictConfig) -> float:
    """Train one job of a sweep; return its objective, which a sweeper minimizes."""
    from gan_lightning.launch.sweep import run_job

    return run_job(cfg)


def command_line(typed: Sequence[str]) -> list[str]:
    """Return the arguments for Hydra; of several processes that ``srun`` started each has a log of its own."""
    arguments = for_hydra(continued_run(typed))
    rank = slurm.task_rank()
    return [*arguments, f"hydra.job.name=train_rank_{rank}"] if rank else arguments


def main() -> None:
    """Run the console command."""
    if slurm.job_id() is None:
        launch("train", task, command_line=command_line, job=job)
        return
    hold_warnings()
    try:
        launch("train", task, command_line=command_line, job=job)
    except SystemExit as leaving:
        if isinstance(leaving.code, int):
            leaving.code = slurm.exit_code(leaving.code, failed=is_failure(leaving.code), rank=slurm.task_rank())
        raise
    finally:
        ignore_warnings()


if __name__ == "__main__":
    main()

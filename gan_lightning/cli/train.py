"""``gan-train``: compose, check, train, evaluate, record."""

from __future__ import annotations

import sys

from omegaconf import DictConfig

from gan_lightning.core import slurm
from gan_lightning.core.signals import hold_warnings, ignore_warnings
from gan_lightning.launch.command import launch
from gan_lightning.launch.resume import continued_run
from gan_lightning.runs.status import is_failure


def task(cfg: DictConfig) -> float:
    """Train one run; return its objective.

    Raises:
        SystemExit: with the run's code unless it is 0.
    """
    from gan_lightning.launch.run import train  # torch and Lightning: seconds that --help need not wait

    outcome = train(cfg)
    job_id = slurm.job_id()
    if outcome.requeue and job_id is not None and (slurm.task_rank() or slurm.requeue(job_id)):
        slurm.await_the_end()
    if outcome.exit_code:
        raise SystemExit(outcome.exit_code)
    return outcome.value


def job(cfg: DictConfig) -> float:
    """Train one job of a sweep; return its objective, which a sweeper minimises."""
    from gan_lightning.launch.sweep import run_job

    return run_job(cfg)


def command_line() -> list[str]:
    """Return the arguments, such that of several processes that ``srun`` started one writes Hydra's files."""
    arguments = continued_run(sys.argv[1:])
    rank = slurm.task_rank()
    return [*arguments, "hydra.output_subdir=null", f"hydra.job.name=train_rank_{rank}"] if rank else arguments


def main() -> None:
    """Entry point of the console command."""
    if slurm.job_id() is None:
        launch("train", task, command_line(), job=job)
        return
    hold_warnings()
    try:
        launch("train", task, command_line(), job=job)
    except SystemExit as leaving:
        if isinstance(leaving.code, int):
            leaving.code = slurm.exit_code(leaving.code, failed=is_failure(leaving.code), rank=slurm.task_rank())
        raise
    finally:
        ignore_warnings()


if __name__ == "__main__":
    main()

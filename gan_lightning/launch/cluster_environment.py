"""How Lightning is told that SLURM started its processes."""

from __future__ import annotations

from typing import Any

from lightning.pytorch import Trainer
from lightning.pytorch.plugins.environments import SLURMEnvironment


def cluster_plugins() -> list[Any]:
    """Return Lightning's SLURM environment where ``srun`` started this process, without its own requeueing.

    Left alone, Lightning would answer the warning in the middle of a step, save there, and requeue besides us.
    """
    return [SLURMEnvironment(auto_requeue=False)] if SLURMEnvironment.detect() else []


def tasks_problem(trainer: Trainer) -> str | None:
    """Say how the processes that SLURM started differ from those that the trainer was told of, or return None."""
    environment = getattr(trainer.strategy, "cluster_environment", None)
    if not isinstance(environment, SLURMEnvironment):
        return None
    started, wanted = environment.world_size(), trainer.num_devices * trainer.num_nodes
    if started == wanted:
        return None
    return (
        f"trainer: devices={trainer.num_devices} and num_nodes={trainer.num_nodes} need {wanted} processes, and SLURM "
        f"started {started}; ask for --nodes={trainer.num_nodes} --ntasks-per-node={trainer.num_devices} and start "
        "with srun"
    )

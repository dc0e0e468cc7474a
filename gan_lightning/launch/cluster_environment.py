"""Who started the processes of a run: SLURM, another program, Lightning, or none of them."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from typing import Any

from lightning.pytorch import Trainer
from lightning.pytorch.plugins.environments import SLURMEnvironment, TorchElasticEnvironment
from lightning.pytorch.utilities import rank_zero_only

from gan_lightning.launch.process_watchdog import FIRST

log = logging.getLogger(__name__)

PLACES = ("RANK", "LOCAL_RANK", "WORLD_SIZE")
"""Variables that tell a process its place among others."""

ALONE = {"RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "1"}
"""What they say where there are no others."""

MEETING_POINT = ("MASTER_ADDR", "MASTER_PORT")


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


def check_places(trainer: Trainer, environment: Mapping[str, str] = os.environ) -> str | None:
    """Compare a Trainer with what the environment says of other processes, which a shell may have inherited.

    Lightning believes it: with ``LOCAL_RANK`` it starts no processes and waits for those that another program should
    have started, and alone a process of rank 1 would leave every file to rank 0.

    Args:
        trainer: asks for a number of processes.
        environment: environment of this process.

    Returns:
        Why the run cannot begin; None if it can, with a line in the log where the environment is ignored or where
        it waits for others.
    """
    found = {name: environment[name] for name in PLACES if name in environment}
    if not found or SLURMEnvironment.detect() or environment.get(FIRST) == str(os.getppid()):
        return None
    wanted = trainer.num_devices * trainer.num_nodes
    asked = f"trainer.devices={trainer.num_devices} and trainer.num_nodes={trainer.num_nodes} need {wanted}"
    said = f"the environment has {' '.join(f'{name}={value}' for name, value in found.items())}"
    whole = found.get("WORLD_SIZE") == str(wanted)
    if TorchElasticEnvironment.detect():
        return None if whole else f"trainer: {said} of torchrun, and {asked}"
    if wanted == 1:
        if found.items() - ALONE.items():
            log.warning("%s, which is ignored: %s process", said, asked)
        rank_zero_only.rank = 0  # type: ignore[attr-defined]
        return None
    if "LOCAL_RANK" not in found:
        return None
    if whole and all(name in environment for name in MEETING_POINT):
        log.warning("%s: waiting for the other processes, which another program should have started", said)
        return None
    unset = " ".join(f"-u {name}" for name in found)
    return f"trainer: {said}, as if another program had started this process, and {asked}; env {unset} gan-train ..."

"""Hydra launcher: the jobs of a sweep as SLURM jobs, whose failures do not reach one another.

Hydra imports this file at every start of every command, so it imports nothing else of this package before it is used.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

log = logging.getLogger(__name__)


class SlurmLauncher(Launcher):
    """Submits the jobs that are not done yet, waits for all, and returns each one's objective.

    Every job's request comes from its own config, so that jobs with different numbers of devices can be swept over.
    A job of an earlier start that SLURM still knows is waited for, and not submitted again. The arguments are those
    of ``conf/hydra/launcher/slurm.yaml``.
    """

    def __init__(
        self,
        *,
        submitit_folder: str,
        name: str,
        nodes: int,
        tasks_per_node: int,
        cpus_per_task: int,
        gpus_per_node: int | None,
        mem_gb: float | None,
        timeout_min: int,
        signal_delay_s: int,
        max_num_timeout: int,
        array_parallelism: int,
        partition: str | None,
        account: str | None,
        qos: str | None,
        constraint: str | None,
        exclude: str | None,
        setup: Sequence[str],
        additional_parameters: DictConfig,
    ) -> None:
        self.submitit_folder = submitit_folder
        self.max_num_timeout = max_num_timeout
        self.config: DictConfig | None = None
        self.hydra_context: HydraContext | None = None

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Keep what composes a job's config; the task function stays here, jobs find theirs by themselves."""
        self.config, self.hydra_context = config, hydra_context

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Run jobs, and return when SLURM has none of them any more.

        Args:
            job_overrides: one command line per job.
            initial_job_idx: number of the first.
        """
        from gan_lightning.launch.slurm_batch import run_batch

        jobs = [self.prepare(list(overrides), initial_job_idx + i) for i, overrides in enumerate(job_overrides)]
        return run_batch(jobs, submitit_folder=self.submitit_folder, max_num_timeout=self.max_num_timeout)

    def prepare(self, overrides: list[str], number: int) -> Any:
        """Compose one job's config and give it its folder."""
        from gan_lightning.launch.plan import PlannedJob, place

        assert self.hydra_context is not None
        assert self.config is not None
        composed = self.hydra_context.config_loader.load_sweep_config(self.config, overrides)
        return PlannedJob(overrides, composed, place(composed, number))

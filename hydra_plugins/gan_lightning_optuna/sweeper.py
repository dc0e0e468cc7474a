"""Hydra sweeper: Optuna chooses the values of the next jobs by the objectives of former ones.

Hydra imports this file at every start of every command, so it imports nothing else of this package before it is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra.core.plugins import Plugins
from hydra.plugins.launcher import Launcher
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig


class OptunaSweeper(Sweeper):
    """Searches through Hydra's launcher; the arguments are those of ``conf/hydra/sweeper/optuna.yaml``."""

    def __init__(
        self,
        *,
        study_name: str,
        storage: str,
        direction: str | None,
        n_trials: int,
        n_jobs: int,
        seeds_per_trial: int,
        sampler: DictConfig,
        pruner: DictConfig,
        params: DictConfig | None,
    ) -> None:
        self.config: DictConfig | None = None
        self.launcher: Launcher | None = None

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Keep the config, from which the search is made, and what launches its jobs."""
        self.config = config
        self.launcher = Plugins.instance().instantiate_launcher(
            config=config, hydra_context=hydra_context, task_function=task_function
        )

    def sweep(self, arguments: Sequence[str]) -> Any:
        """Search until the study has ``n_trials`` trials.

        Args:
            arguments: what was set on the command line.
        """
        from gan_lightning.launch.search import search
        from gan_lightning.launch.search_settings import read_settings

        assert self.config is not None
        assert self.launcher is not None
        folder = Path(self.config.hydra.sweep.dir)
        search(read_settings(self.config, arguments), folder=folder, launch=self.launcher.launch)

"""The jobs of a sweep before any of them runs: their configs and their folders."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf, flag_override

from gan_lightning.config import COMPOSITION_ERRORS, ConfigError

ENUMERABLE = "hydra._internal.core_plugins.basic_sweeper.BasicSweeper"
"""The sweeper whose jobs are known before it begins; others choose them by the scores of former ones."""


@dataclass(frozen=True)
class PlannedJob:
    """A job that a sweep will run.

    Attributes:
        overrides: its command line.
        config: composed, with Hydra's own node.
        folder: where it will run.
    """

    overrides: list[str]
    config: DictConfig
    folder: Path

    @contextmanager
    def present(self) -> Iterator[None]:
        """Let ``${hydra:...}`` look at this job."""
        former = HydraConfig.instance().cfg
        HydraConfig.instance().set_config(copy.deepcopy(self.config))
        try:
            yield
        finally:
            HydraConfig.instance().cfg = former


def planned_jobs(config: DictConfig) -> list[PlannedJob]:
    """Compose every job of a plain sweep.

    Args:
        config: the sweep's, with Hydra's own node.

    Returns:
        Nothing for a sweeper that chooses its jobs as it goes.

    Raises:
        ConfigError: naming every job that does not compose.
    """
    if config.hydra.sweeper._target_ != ENUMERABLE:
        return []
    from hydra._internal.core_plugins.basic_sweeper import BasicSweeper

    given = [f"{key}={value}" for key, value in (config.hydra.sweeper.params or {}).items()]
    parsed = OverridesParser.create().parse_overrides([*given, *config.hydra.overrides.task])
    jobs = [job for batch in BasicSweeper.split_arguments(parsed, None) for job in batch]
    own = OmegaConf.to_container(config.hydra.overrides.hydra)
    planned: list[PlannedJob] = []
    problems: list[str] = []
    try:
        for number, job in enumerate(jobs):
            try:
                composed = hydra.compose(
                    config.hydra.job.config_name,
                    overrides=[*own, *job],  # type: ignore[misc]
                    return_hydra_config=True,
                )
                planned.append(PlannedJob(job, composed, place(composed, number)))
            except COMPOSITION_ERRORS as error:
                problems.append(f"{error} (in the job {' '.join(job)})")
    finally:
        HydraConfig.instance().set_config(copy.deepcopy(config))
    if problems:
        raise ConfigError(problems)
    return planned


def place(config: DictConfig, number: int) -> Path:
    """Give a job's config its number and its folder, as Hydra does when it runs it, and return the folder."""
    with flag_override(config, ["struct", "readonly"], False), flag_override(config.hydra, "readonly", False):
        config.hydra.job.num = number
        config.hydra.job.id = str(number)
        HydraConfig.instance().set_config(copy.deepcopy(config))  # makes its argument read-only
        folder = Path(config.hydra.sweep.dir, config.hydra.sweep.subdir).absolute()
        config.hydra.runtime.output_dir = str(folder)
        HydraConfig.instance().set_config(copy.deepcopy(config))
    return folder


def without_hydra(config: DictConfig) -> DictConfig:
    """Return a copy of a job's config as its task gets it."""
    copied = copy.deepcopy(config)
    with flag_override(copied, ["struct", "readonly"], False):
        del copied["hydra"]
    return copied

"""The jobs of a sweep before any of them runs: their configs and their folders."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf, flag_override

from gan_lightning.config import ConfigError
from gan_lightning.config.folders import sweep_folder
from gan_lightning.core.hydra_internals import BASIC_SWEEPER, split_sweep
from gan_lightning.launch.overrides import COMPOSING, check_sweep

SWEEP_DIR = "hydra.sweep.dir"


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
    """Compose every job of a plain sweep; see ``compose_jobs``.

    Returns:
        Nothing for a sweeper that chooses its jobs as it goes.

    Raises:
        ConfigError: for too many jobs, or naming every job that does not compose.
    """
    if config.hydra.sweeper._target_ != BASIC_SWEEPER:
        return []
    given = [f"{key}={value}" for key, value in (config.hydra.sweeper.params or {}).items()]
    parsed = OverridesParser.create().parse_overrides([*given, *config.hydra.overrides.task])
    check_sweep(parsed)
    return compose_jobs(config, split_sweep(parsed))


def compose_jobs(config: DictConfig, jobs: Sequence[list[str]]) -> list[PlannedJob]:
    """Compose jobs, and give them one folder.

    Args:
        config: the sweep's, with Hydra's own node; unless the user chose a folder, it gets one that all jobs share.
        jobs: their command lines.

    Raises:
        ConfigError: naming every job that does not compose.
    """
    own = OmegaConf.to_container(config.hydra.overrides.hydra)
    composed: list[DictConfig] = []
    problems: list[str] = []
    try:
        for job in jobs:
            try:
                composed.append(
                    hydra.compose(
                        config.hydra.job.config_name,
                        overrides=[*own, *job],  # type: ignore[misc]
                        return_hydra_config=True,
                    )
                )
            except COMPOSING as error:
                problems.append(f"{error} (in the job {' '.join(job)})")
        if problems:
            raise ConfigError(problems)
        if not any(override.startswith(f"{SWEEP_DIR}=") for override in config.hydra.overrides.hydra):
            gather(config, composed)
        return [PlannedJob(job, made, place(made, n)) for n, (job, made) in enumerate(zip(jobs, composed, strict=True))]
    finally:
        HydraConfig.instance().set_config(copy.deepcopy(config))


def gather(config: DictConfig, jobs: Sequence[DictConfig]) -> None:
    """Let jobs of different names lie in one folder, also where Hydra composes them again.

    Args:
        config: the sweep's.
        jobs: their configs.
    """
    folders = []
    for job in jobs:
        HydraConfig.instance().set_config(copy.deepcopy(job))
        folders.append((str(job.hydra.sweep.dir), str(job.paths.runs), str(job.name)))
    folder = sweep_folder([own for own, _, _ in folders], runs=folders[0][1], names=[name for _, _, name in folders])
    quoted = folder.replace("\\", "\\\\").replace("'", "\\'")
    for each in (config, *jobs):
        with flag_override(each, ["struct", "readonly"], False), flag_override(each.hydra, "readonly", False):
            each.hydra.sweep.dir = folder
            each.hydra.overrides.hydra.append(f"{SWEEP_DIR}='{quoted}'")


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

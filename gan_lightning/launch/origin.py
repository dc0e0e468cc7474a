"""How the present run was started, as Hydra knows it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import yaml
from hydra.core.hydra_config import HydraConfig

from gan_lightning.launch.command import is_sweep
from gan_lightning.runs.origin import Origin

SWEEP_FILE = "multirun.yaml"


def present_origin() -> Origin:
    """Return the overrides of the present run and its place in a sweep; without Hydra, nothing is known."""
    if not HydraConfig.initialized():
        return Origin()
    hydra = HydraConfig.get()
    overrides = list(hydra.overrides.task)
    if not is_sweep():
        return Origin(overrides=overrides)
    folder = Path(hydra.sweep.dir)
    return Origin(
        overrides=overrides,
        sweep=folder.name,
        job=str(hydra.job.num),
        swept=swept(overrides, folder),
    )


def swept(overrides: Sequence[str], folder: Path) -> list[str]:
    """Return those of a job's overrides that the sweep did not set for all its jobs.

    Args:
        overrides: of the job.
        folder: of the sweep, where Hydra keeps what the sweep was started with.
    """
    try:
        started = yaml.safe_load((folder / SWEEP_FILE).read_text(encoding="utf-8"))
        common = set(started["hydra"]["overrides"]["task"])
    except (OSError, yaml.YAMLError, KeyError, TypeError):
        return list(overrides)  # a sweeper that keeps no such file
    return [override for override in overrides if override not in common]

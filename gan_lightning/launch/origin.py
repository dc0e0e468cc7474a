"""How the present run was started, as Hydra knows it."""

from __future__ import annotations

from pathlib import Path

from hydra.core.hydra_config import HydraConfig

from gan_lightning.launch.command import is_sweep
from gan_lightning.runs.provenance import Origin, swept


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

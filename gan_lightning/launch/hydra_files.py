"""``.hydra/`` in a run folder: what Hydra would write there, written by whoever holds the folder's lock."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from gan_lightning.core.atomic import write_atomic
from gan_lightning.runs.folder import RunFolder


def write_hydra_files(folder: Path, *, composed: DictConfig, hydra: Any) -> None:
    """Write the config as composed, Hydra's own settings, and the overrides.

    Args:
        folder: of the run.
        composed: the task's config, interpolations as they were written.
        hydra: Hydra's own node.
    """
    run = RunFolder(folder)
    write_atomic(run.hydra_config, OmegaConf.to_yaml(composed))
    write_atomic(run.hydra_settings, OmegaConf.to_yaml(OmegaConf.create({"hydra": hydra})))
    write_atomic(run.hydra_overrides, OmegaConf.to_yaml(hydra.overrides.task))

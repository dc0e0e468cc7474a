"""Metrics of the user's own, which an evaluator names like those of the package."""

from __future__ import annotations

import copy
import sys
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf, flag_override

from gan_lightning.config.paths import config_folders

METRIC_GROUP = "evaluator/metric"
"""Group whose file ``<name>.yaml`` describes the metric that a list of metrics names."""

_LISTS = ("evaluator.metrics", "evaluator.evaluator.metrics")


def metric_files(folder: Path) -> dict[str, Path]:
    """Return the files of the metrics that a config tree describes, by name."""
    return {path.stem: path for path in sorted((folder / METRIC_GROUP).glob("*.yaml"))}


def with_own_metrics(cfg: DictConfig) -> DictConfig:
    """Replace the names of metrics that a folder of ``--config-dir`` describes by what it says.

    A run's config is then whole: a job on another machine, and whoever reads the checkpoint, need no folder of metrics.

    Args:
        cfg: composed; it is not changed.
    """
    folders = config_folders(sys.argv)
    own = {name: path for folder in folders for name, path in metric_files(folder).items()}
    if not own:
        return cfg
    changed = copy.deepcopy(cfg)
    with flag_override(changed, ["struct", "readonly"], False):
        for key in _LISTS:
            names = OmegaConf.select(changed, key, default=None)
            if isinstance(names, ListConfig):
                OmegaConf.update(changed, key, [_described(one, own) for one in names])
    return changed


def _described(one: Any, own: dict[str, Path]) -> Any:
    return OmegaConf.load(own[one]) if isinstance(one, str) and one in own else one

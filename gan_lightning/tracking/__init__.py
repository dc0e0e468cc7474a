"""A run's files, and the trackers that show them.

The names are looked up when they are first used: the comparison of runs needs none of what imports Lightning.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gan_lightning.tracking.axis import WallClock
    from gan_lightning.tracking.base import Tracker, log_samples
    from gan_lightning.tracking.jsonl import JSONLLogger
    from gan_lightning.tracking.metrics_file import read_metrics
    from gan_lightning.tracking.provenance import config_hash
    from gan_lightning.tracking.results import RunRecord, Status, is_better, read_results
    from gan_lightning.tracking.tensorboard import TensorBoardTracker
    from gan_lightning.tracking.wandb_run import WandbTracker

_MODULES = {
    "JSONLLogger": "jsonl",
    "RunRecord": "results",
    "Status": "results",
    "TensorBoardTracker": "tensorboard",
    "Tracker": "base",
    "WallClock": "axis",
    "WandbTracker": "wandb_run",
    "config_hash": "provenance",
    "is_better": "results",
    "log_samples": "base",
    "read_metrics": "metrics_file",
    "read_results": "results",
}

__all__ = [
    "JSONLLogger",
    "RunRecord",
    "Status",
    "TensorBoardTracker",
    "Tracker",
    "WallClock",
    "WandbTracker",
    "config_hash",
    "is_better",
    "log_samples",
    "read_metrics",
    "read_results",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)

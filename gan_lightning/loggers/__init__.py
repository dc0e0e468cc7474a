"""Loggers of a run: its own file of metrics, W&B, TensorBoard.

The names are looked up when they are first used: the comparison of runs needs none of what imports Lightning.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gan_lightning.loggers.base import Tracker, log_samples, show_picture
    from gan_lightning.loggers.jsonl import JSONLLogger
    from gan_lightning.loggers.tensorboard import TensorBoardTracker
    from gan_lightning.loggers.wandb_run import WandbTracker

_MODULES = {
    "JSONLLogger": "jsonl",
    "TensorBoardTracker": "tensorboard",
    "Tracker": "base",
    "WandbTracker": "wandb_run",
    "log_samples": "base",
    "show_picture": "base",
}

__all__ = ["JSONLLogger", "TensorBoardTracker", "Tracker", "WandbTracker", "log_samples", "show_picture"]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)

"""A run's files, and the trackers that show them."""

from gan_lightning.tracking.axis import WallClock
from gan_lightning.tracking.base import Tracker, log_samples
from gan_lightning.tracking.jsonl import JSONLLogger, read_metrics
from gan_lightning.tracking.provenance import config_hash
from gan_lightning.tracking.results import RunRecord, Status, is_better, read_results
from gan_lightning.tracking.tensorboard import TensorBoardTracker
from gan_lightning.tracking.wandb_run import WandbTracker

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

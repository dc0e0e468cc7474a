"""Checkpointing, evaluation, sample grids, progress, training health."""

from gan_lightning.callbacks.acceleration import Acceleration
from gan_lightning.callbacks.checkpoints import RunCheckpoint
from gan_lightning.callbacks.evaluation import Evaluation
from gan_lightning.callbacks.health import TrainingHealth
from gan_lightning.callbacks.interruption import Interruption
from gan_lightning.callbacks.progress import Progress
from gan_lightning.callbacks.samples import SampleGrid
from gan_lightning.callbacks.scatter import ScatterPlot
from gan_lightning.callbacks.translations import TranslationGrid
from gan_lightning.callbacks.traversals import CodeTraversals
from gan_lightning.callbacks.walks import LatentWalks

__all__ = [
    "Acceleration",
    "CodeTraversals",
    "Evaluation",
    "Interruption",
    "LatentWalks",
    "Progress",
    "RunCheckpoint",
    "SampleGrid",
    "ScatterPlot",
    "TrainingHealth",
    "TranslationGrid",
]

"""Batches of real samples and the data modules that make them."""

from gan_lightning.data.base import ImageDataModule, InMemoryDataModule, RealDataModule
from gan_lightning.data.batch import Batch, as_batch
from gan_lightning.data.digits import DigitsDataModule
from gan_lightning.data.images import EvaluationImages, EvaluationSet, TensorImages
from gan_lightning.data.labelled import LabelledImages
from gan_lightning.data.loader import InMemoryLoader
from gan_lightning.data.points import GridDataModule, Mixture, MixtureDataModule, RingDataModule

__all__ = [
    "Batch",
    "DigitsDataModule",
    "EvaluationImages",
    "EvaluationSet",
    "GridDataModule",
    "ImageDataModule",
    "InMemoryDataModule",
    "InMemoryLoader",
    "LabelledImages",
    "Mixture",
    "MixtureDataModule",
    "RealDataModule",
    "RingDataModule",
    "TensorImages",
    "as_batch",
]

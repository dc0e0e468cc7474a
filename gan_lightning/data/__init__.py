"""Batches of real samples and the data modules that make them."""

from gan_lightning.data.base import ImageDataModule, InMemoryDataModule, RealDataModule
from gan_lightning.data.batch import Batch, as_batch
from gan_lightning.data.digits import DigitsDataModule
from gan_lightning.data.errors import DataError
from gan_lightning.data.folder import FolderDataModule
from gan_lightning.data.images import EvaluationImages, EvaluationSet, TensorImages
from gan_lightning.data.labelled import LabelledImages
from gan_lightning.data.loader import EndlessLoader, InMemoryLoader
from gan_lightning.data.loading import Loading
from gan_lightning.data.pictures import PicturesDataModule
from gan_lightning.data.points import GridDataModule, Mixture, MixtureDataModule, RingDataModule

__all__ = [
    "Batch",
    "DataError",
    "DigitsDataModule",
    "EndlessLoader",
    "EvaluationImages",
    "EvaluationSet",
    "FolderDataModule",
    "GridDataModule",
    "ImageDataModule",
    "InMemoryDataModule",
    "InMemoryLoader",
    "LabelledImages",
    "Loading",
    "Mixture",
    "MixtureDataModule",
    "PicturesDataModule",
    "RealDataModule",
    "RingDataModule",
    "TensorImages",
    "as_batch",
]

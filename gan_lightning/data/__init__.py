"""Batches of real samples and the data modules that make them."""

from gan_lightning.data.arrays import ArraysDataModule
from gan_lightning.data.base import ImageDataModule, InMemoryDataModule, LabelledImages, RealDataModule
from gan_lightning.data.batch import Batch, as_batch
from gan_lightning.data.celeba import CelebADataModule
from gan_lightning.data.derived import DerivedPairsDataModule
from gan_lightning.data.digits import DigitsDataModule
from gan_lightning.data.domains import DomainsDataModule, TranslationImages, TranslationModule
from gan_lightning.data.errors import DataError
from gan_lightning.data.folder import FolderDataModule
from gan_lightning.data.huggingface import HuggingFaceDataModule
from gan_lightning.data.huggingface_stream import HuggingFaceStreamDataModule
from gan_lightning.data.idx import IdxDataModule
from gan_lightning.data.images import EvaluationImages, EvaluationSet, TensorImages
from gan_lightning.data.loader import EndlessLoader, InMemoryLoader
from gan_lightning.data.loading import Loading
from gan_lightning.data.lsun import LSUNDataModule
from gan_lightning.data.official import OfficialDataModule
from gan_lightning.data.photos import PhotosDataModule
from gan_lightning.data.pictures import PicturesDataModule
from gan_lightning.data.points import GridDataModule, Mixture, MixtureDataModule, RingDataModule
from gan_lightning.data.torchvision_sets import (
    CIFAR10DataModule,
    CIFAR100DataModule,
    FashionMNISTDataModule,
    MNISTDataModule,
    STL10DataModule,
)
from gan_lightning.data.translation import TranslationFolderDataModule

__all__ = [
    "ArraysDataModule",
    "Batch",
    "CIFAR10DataModule",
    "CIFAR100DataModule",
    "CelebADataModule",
    "DataError",
    "DerivedPairsDataModule",
    "DigitsDataModule",
    "DomainsDataModule",
    "EndlessLoader",
    "EvaluationImages",
    "EvaluationSet",
    "FashionMNISTDataModule",
    "FolderDataModule",
    "GridDataModule",
    "HuggingFaceDataModule",
    "HuggingFaceStreamDataModule",
    "IdxDataModule",
    "ImageDataModule",
    "InMemoryDataModule",
    "InMemoryLoader",
    "LSUNDataModule",
    "LabelledImages",
    "Loading",
    "MNISTDataModule",
    "Mixture",
    "MixtureDataModule",
    "OfficialDataModule",
    "PhotosDataModule",
    "PicturesDataModule",
    "RealDataModule",
    "RingDataModule",
    "STL10DataModule",
    "TensorImages",
    "TranslationFolderDataModule",
    "TranslationImages",
    "TranslationModule",
    "as_batch",
]

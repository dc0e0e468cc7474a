"""Differentiable augmentations of what the discriminator sees."""

from gan_lightning.augment.ada import ADA
from gan_lightning.augment.base import Augmentation
from gan_lightning.augment.diffaugment import DiffAugment
from gan_lightning.augment.instance_noise import InstanceNoise

__all__ = ["ADA", "Augmentation", "DiffAugment", "InstanceNoise"]

"""Generators and discriminators; they know tensor shapes and nothing else."""

from gan_lightning.networks.base import Discriminator, Generator
from gan_lightning.networks.dcgan import DCGANDiscriminator, DCGANGenerator
from gan_lightning.networks.mlp import MaxoutDiscriminator, MLPDiscriminator, MLPGenerator
from gan_lightning.networks.points import PointDiscriminator, PointGenerator, PointMaxoutDiscriminator

__all__ = [
    "DCGANDiscriminator",
    "DCGANGenerator",
    "Discriminator",
    "Generator",
    "MLPDiscriminator",
    "MLPGenerator",
    "MaxoutDiscriminator",
    "PointDiscriminator",
    "PointGenerator",
    "PointMaxoutDiscriminator",
]

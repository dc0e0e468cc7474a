"""Generators and discriminators; they know tensor shapes and nothing else."""

from gan_lightning.networks.backbone import RandomBackbone
from gan_lightning.networks.base import Discriminator, Generator
from gan_lightning.networks.biggan import BigGANDiscriminator, BigGANGenerator, FlatBigGANGenerator
from gan_lightning.networks.biggan_deep import BigGANDeepDiscriminator, BigGANDeepGenerator
from gan_lightning.networks.cgan import CGANDiscriminator, CGANGenerator
from gan_lightning.networks.conditional_dcgan import ConditionalDCGANDiscriminator, ConditionalDCGANGenerator
from gan_lightning.networks.dcgan import DCGANDiscriminator, DCGANGenerator
from gan_lightning.networks.fastgan import FastGANDiscriminator, FastGANGenerator
from gan_lightning.networks.infogan import CodeHead, InfoGANDiscriminator, InfoGANGenerator
from gan_lightning.networks.minibatch import MinibatchDiscrimination, MinibatchStdDev
from gan_lightning.networks.minibatch_discriminator import WithMinibatchDiscrimination, WithMinibatchStdDev
from gan_lightning.networks.mlp import MaxoutDiscriminator, MLPDiscriminator, MLPGenerator
from gan_lightning.networks.packing import PackedDiscriminator
from gan_lightning.networks.patchgan import PatchDiscriminator, PixelDiscriminator
from gan_lightning.networks.points import PointDiscriminator, PointGenerator, PointMaxoutDiscriminator
from gan_lightning.networks.progressive import ProgressiveDiscriminator, ProgressiveGenerator
from gan_lightning.networks.projected_discriminator import ProjectedDiscriminator
from gan_lightning.networks.projected_generator import ProjectedFastGANGenerator
from gan_lightning.networks.r3gan import R3GANDiscriminator, R3GANGenerator
from gan_lightning.networks.resnet import ResNetDiscriminator, ResNetGenerator
from gan_lightning.networks.resnet_translator import ResNetTranslator
from gan_lightning.networks.stylegan2_discriminator import StyleGAN2Discriminator
from gan_lightning.networks.stylegan2_generator import StyleGAN2Generator
from gan_lightning.networks.translator import Translator
from gan_lightning.networks.unet import UNetGenerator

__all__ = [
    "BigGANDeepDiscriminator",
    "BigGANDeepGenerator",
    "BigGANDiscriminator",
    "BigGANGenerator",
    "CGANDiscriminator",
    "CGANGenerator",
    "CodeHead",
    "ConditionalDCGANDiscriminator",
    "ConditionalDCGANGenerator",
    "DCGANDiscriminator",
    "DCGANGenerator",
    "Discriminator",
    "FastGANDiscriminator",
    "FastGANGenerator",
    "FlatBigGANGenerator",
    "Generator",
    "InfoGANDiscriminator",
    "InfoGANGenerator",
    "MLPDiscriminator",
    "MLPGenerator",
    "MaxoutDiscriminator",
    "MinibatchDiscrimination",
    "MinibatchStdDev",
    "PackedDiscriminator",
    "PatchDiscriminator",
    "PixelDiscriminator",
    "PointDiscriminator",
    "PointGenerator",
    "PointMaxoutDiscriminator",
    "ProgressiveDiscriminator",
    "ProgressiveGenerator",
    "ProjectedDiscriminator",
    "ProjectedFastGANGenerator",
    "R3GANDiscriminator",
    "R3GANGenerator",
    "RandomBackbone",
    "ResNetDiscriminator",
    "ResNetGenerator",
    "ResNetTranslator",
    "StyleGAN2Discriminator",
    "StyleGAN2Generator",
    "Translator",
    "UNetGenerator",
    "WithMinibatchDiscrimination",
    "WithMinibatchStdDev",
]

"""The training step that all share and one LightningModule per GAN variant."""

from gan_lightning.models.acgan import ACGAN
from gan_lightning.models.adversarial import AdversarialModule
from gan_lightning.models.biggan import BigGAN
from gan_lightning.models.cgan import CGAN
from gan_lightning.models.class_conditional import ClassConditional
from gan_lightning.models.cyclegan import CycleGAN
from gan_lightning.models.dcgan import DCGAN
from gan_lightning.models.dragan import DRAGAN
from gan_lightning.models.fastgan import FastGAN
from gan_lightning.models.gan import GAN
from gan_lightning.models.image_to_image import ImageToImage
from gan_lightning.models.infogan import InfoGAN
from gan_lightning.models.lsgan import LSGAN
from gan_lightning.models.pix2pix import Pix2Pix
from gan_lightning.models.players import Phase, Player
from gan_lightning.models.progan import ProGAN
from gan_lightning.models.projected_gan import ProjectedGAN
from gan_lightning.models.projection import ProjectionGAN
from gan_lightning.models.r3gan import R3GAN
from gan_lightning.models.sagan import SAGAN
from gan_lightning.models.sngan import SNGAN
from gan_lightning.models.ssgan import SSGAN
from gan_lightning.models.stylegan2 import StyleGAN2
from gan_lightning.models.unrolled import UnrolledGAN
from gan_lightning.models.update_rule import UpdateRule
from gan_lightning.models.wgan import WGAN
from gan_lightning.models.wgan_gp import WGANGP

__all__ = [
    "ACGAN",
    "CGAN",
    "DCGAN",
    "DRAGAN",
    "GAN",
    "LSGAN",
    "R3GAN",
    "SAGAN",
    "SNGAN",
    "SSGAN",
    "WGAN",
    "WGANGP",
    "AdversarialModule",
    "BigGAN",
    "ClassConditional",
    "CycleGAN",
    "FastGAN",
    "ImageToImage",
    "InfoGAN",
    "Phase",
    "Pix2Pix",
    "Player",
    "ProGAN",
    "ProjectedGAN",
    "ProjectionGAN",
    "StyleGAN2",
    "UnrolledGAN",
    "UpdateRule",
]

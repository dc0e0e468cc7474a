"""The two-optimizer protocol and one LightningModule per GAN variant."""

from gan_lightning.models.base import AdversarialModule
from gan_lightning.models.dcgan import DCGAN
from gan_lightning.models.gan import GAN
from gan_lightning.models.update_rule import UpdateRule

__all__ = ["DCGAN", "GAN", "AdversarialModule", "UpdateRule"]

"""DCGAN (Radford 2015, arXiv 1511.06434)."""

from __future__ import annotations

from gan_lightning.models.adversarial import AdversarialModule


class DCGAN(AdversarialModule):
    """Convolutional networks whose batch norm, strides and rates made GAN training work on pictures.

    The loss is the non-saturating one: binary cross-entropy with the labels swapped for the generator.
    """

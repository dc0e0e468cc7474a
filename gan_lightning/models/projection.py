"""The projection discriminator, cGAN-PD (Miyato and Koyama 2018, arXiv 1802.05637)."""

from __future__ import annotations

from gan_lightning.models.class_conditional import ClassConditional


class ProjectionGAN(ClassConditional):
    """The label enters the discriminator as an inner product with its features, the generator by batch norm.

    Equation 3 of the paper: f(x, y) = psi(phi(x)) + <v_y, phi(x)>.
    """

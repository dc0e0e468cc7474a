"""LSGAN (Mao 2016, arXiv 1611.04076)."""

from __future__ import annotations

from gan_lightning.models.adversarial import AdversarialModule


class LSGAN(AdversarialModule):
    """Least squares instead of cross-entropy: fakes far on the right side of the boundary still get a gradient.

    Equation 9 of the paper, with targets 0, 1 and 1.
    """

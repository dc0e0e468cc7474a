"""SNGAN (Miyato 2018, arXiv 1802.05957)."""

from __future__ import annotations

from gan_lightning.models.adversarial import AdversarialModule


class SNGAN(AdversarialModule):
    """Each layer of the discriminator is divided by its largest singular value, so that it is 1-Lipschitz.

    One power iteration per forward pass, algorithm 1 of the paper.
    """

"""DRAGAN (Kodali 2017, arXiv 1705.07215)."""

from __future__ import annotations

from gan_lightning.models.adversarial import AdversarialModule


class DRAGAN(AdversarialModule):
    """A gradient penalty around the real samples only, against the sharp gradients that precede mode collapse."""

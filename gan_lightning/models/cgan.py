"""CGAN (Mirza 2014, arXiv 1411.1784)."""

from __future__ import annotations

from gan_lightning.models.class_conditional import ClassConditional


class CGAN(ClassConditional):
    """Both networks are told the label: the two-player game of equation 2 of the paper."""

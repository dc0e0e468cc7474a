"""SAGAN (Zhang 2018, arXiv 1805.08318)."""

from __future__ import annotations

from gan_lightning.models.class_conditional import ClassConditional


class SAGAN(ClassConditional):
    """Self-attention and spectral norm in both networks, and a slower generator instead of more critic steps.

    Two time scales (Heusel 2017, arXiv 1706.08500), one discriminator update per generator update.
    """

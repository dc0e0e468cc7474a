"""Adversarial losses: pure functions of logits, and thin objects that name them."""

from gan_lightning.losses.base import AdversarialLoss, per_sample
from gan_lightning.losses.classic import Minimax, NonSaturating
from gan_lightning.losses.label_flipping import LabelFlipping
from gan_lightning.losses.relativistic import RelativisticAverage, RelativisticPairing
from gan_lightning.losses.scores import Hinge, LeastSquares, Wasserstein

__all__ = [
    "AdversarialLoss",
    "Hinge",
    "LabelFlipping",
    "LeastSquares",
    "Minimax",
    "NonSaturating",
    "RelativisticAverage",
    "RelativisticPairing",
    "Wasserstein",
    "per_sample",
]

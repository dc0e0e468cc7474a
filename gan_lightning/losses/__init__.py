"""Adversarial losses: pure functions of logits, and thin objects that name them."""

from gan_lightning.losses.base import AdversarialLoss, check_logits, per_sample
from gan_lightning.losses.classic import Minimax, NonSaturating

__all__ = ["AdversarialLoss", "Minimax", "NonSaturating", "check_logits", "per_sample"]

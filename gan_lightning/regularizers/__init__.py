"""Penalties on the discriminator: pure functions of gradients or weights, and thin objects with weight and interval."""

from gan_lightning.regularizers.base import CriticTurn, Regularizer
from gan_lightning.regularizers.consistency import Consistency
from gan_lightning.regularizers.gradients import input_gradient
from gan_lightning.regularizers.lecam import LeCam
from gan_lightning.regularizers.lipschitz import DRAGAN, WGANGP
from gan_lightning.regularizers.zero_centered import R1, R2

__all__ = ["DRAGAN", "R1", "R2", "WGANGP", "Consistency", "CriticTurn", "LeCam", "Regularizer", "input_gradient"]

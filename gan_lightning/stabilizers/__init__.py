"""Techniques that keep the training of two players stable."""

from gan_lightning.stabilizers.base import GeneratorTurn, Stabilizer
from gan_lightning.stabilizers.feature_matching import FeatureMatching
from gan_lightning.stabilizers.historical import HistoricalAveraging
from gan_lightning.stabilizers.minibatch import MinibatchDiscrimination, MinibatchStdDev
from gan_lightning.stabilizers.minibatch_discriminator import WithMinibatchDiscrimination, WithMinibatchStdDev
from gan_lightning.stabilizers.orthogonal import Orthogonal
from gan_lightning.stabilizers.packing import PackedDiscriminator
from gan_lightning.stabilizers.replay import Replay
from gan_lightning.stabilizers.top_k import TopK

__all__ = [
    "FeatureMatching",
    "GeneratorTurn",
    "HistoricalAveraging",
    "MinibatchDiscrimination",
    "MinibatchStdDev",
    "Orthogonal",
    "PackedDiscriminator",
    "Replay",
    "Stabilizer",
    "TopK",
    "WithMinibatchDiscrimination",
    "WithMinibatchStdDev",
]

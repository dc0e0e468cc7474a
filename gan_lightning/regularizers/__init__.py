"""What keeps the training of two players stable: penalties on the discriminator, and techniques other than layers."""

from gan_lightning.regularizers.base import DiscriminatorTurn, GeneratorTurn, Regularizer
from gan_lightning.regularizers.consistency import Consistency
from gan_lightning.regularizers.feature_matching import FeatureMatching
from gan_lightning.regularizers.gradients import input_gradient
from gan_lightning.regularizers.historical import HistoricalAveraging
from gan_lightning.regularizers.lecam import LeCam
from gan_lightning.regularizers.lipschitz import DRAGAN, WGANGP
from gan_lightning.regularizers.orthogonal import Orthogonal
from gan_lightning.regularizers.path_length import PathLength
from gan_lightning.regularizers.replay import Replay
from gan_lightning.regularizers.stabilizer import Stabilizer
from gan_lightning.regularizers.top_k import TopK
from gan_lightning.regularizers.zero_centered import R1, R2

__all__ = [
    "DRAGAN",
    "R1",
    "R2",
    "WGANGP",
    "Consistency",
    "DiscriminatorTurn",
    "FeatureMatching",
    "GeneratorTurn",
    "HistoricalAveraging",
    "LeCam",
    "Orthogonal",
    "PathLength",
    "Regularizer",
    "Replay",
    "Stabilizer",
    "TopK",
    "input_gradient",
]

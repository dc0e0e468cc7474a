"""What ``gan-sample`` does with a trained model: one file a mode, chosen by ``conf/mode``."""

from gan_lightning.sampling.base import SamplingMode
from gan_lightning.sampling.export import Export
from gan_lightning.sampling.interpolation import Interpolation
from gan_lightning.sampling.samples import Samples
from gan_lightning.sampling.style_mixing import StyleMixing
from gan_lightning.sampling.translation import Translation
from gan_lightning.sampling.traversal import Traversal

__all__ = ["Export", "Interpolation", "Samples", "SamplingMode", "StyleMixing", "Translation", "Traversal"]

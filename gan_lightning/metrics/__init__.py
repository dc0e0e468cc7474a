"""Feature extractors, the maths of the scores, and the evaluator."""

from gan_lightning.metrics.base import SampleEvaluator, Sampler
from gan_lightning.metrics.digits_classifier import DigitsExtractor
from gan_lightning.metrics.evaluator import Evaluator
from gan_lightning.metrics.extractor import FeatureExtractor, Features
from gan_lightning.metrics.images import NonFiniteSamples, to_uint8
from gan_lightning.metrics.inception import InceptionExtractor, MissingWeights
from gan_lightning.metrics.modes import ModeEvaluator
from gan_lightning.metrics.scores import Evaluation, Score
from gan_lightning.metrics.texture import TextureExtractor
from gan_lightning.metrics.translation import TranslationEvaluator, TranslationSampler

__all__ = [
    "DigitsExtractor",
    "Evaluation",
    "Evaluator",
    "FeatureExtractor",
    "Features",
    "InceptionExtractor",
    "MissingWeights",
    "ModeEvaluator",
    "NonFiniteSamples",
    "SampleEvaluator",
    "Sampler",
    "Score",
    "TextureExtractor",
    "TranslationEvaluator",
    "TranslationSampler",
    "to_uint8",
]

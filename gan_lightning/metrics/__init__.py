"""Feature extractors, metrics, and the evaluators."""

from gan_lightning.metrics.base import GeneratorSampler, SampleEvaluator, Sampler
from gan_lightning.metrics.digits_classifier import DigitsExtractor
from gan_lightning.metrics.evaluator import Evaluator
from gan_lightning.metrics.extractor import FeatureExtractor, Features
from gan_lightning.metrics.fidelity import CLIPExtractor, DINOv2Extractor, VGG16Extractor
from gan_lightning.metrics.inception import InceptionExtractor, MissingWeights
from gan_lightning.metrics.lpips import LPIPS
from gan_lightning.metrics.metric import Estimate, Evidence, Metric, Needs
from gan_lightning.metrics.modes import ModeEvaluator
from gan_lightning.metrics.module_extractor import ModuleExtractor
from gan_lightning.metrics.scores import Evaluation, Score
from gan_lightning.metrics.texture import TextureExtractor
from gan_lightning.metrics.translation import TranslationEvaluator, TranslationSampler

__all__ = [
    "LPIPS",
    "CLIPExtractor",
    "DINOv2Extractor",
    "DigitsExtractor",
    "Estimate",
    "Evaluation",
    "Evaluator",
    "Evidence",
    "FeatureExtractor",
    "Features",
    "GeneratorSampler",
    "InceptionExtractor",
    "Metric",
    "MissingWeights",
    "ModeEvaluator",
    "ModuleExtractor",
    "Needs",
    "SampleEvaluator",
    "Sampler",
    "Score",
    "TextureExtractor",
    "TranslationEvaluator",
    "TranslationSampler",
    "VGG16Extractor",
]

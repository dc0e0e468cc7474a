"""A small extractor and samplers for the tests of the evaluator."""

import torch

from gan_lightning.data.images import TensorImages
from gan_lightning.metrics.base import GeneratorSampler
from gan_lightning.metrics.extractor import FeatureExtractor, Features
from gan_lightning.metrics.lpips import LPIPS

FEATURE_METRICS = ("frechet", "score", "kernel", "precision", "recall", "density", "coverage")
"""What any samples can be scored by."""

EVERY_METRIC = (
    "frechet",
    "frechet_infinity",
    "intra_frechet",
    "score",
    "kernel",
    "precision",
    "recall",
    "density",
    "coverage",
    "authenticity",
    "path_length",
    "lpips_diversity",
)
"""What labeled samples of latents can be scored by."""


class ToyExtractor(FeatureExtractor):
    """Six fixed random projections of 4x4 gray images, in float64, and three logits."""

    name = "toy"
    feature_dim = 6
    n_classes = 3
    preprocessing = "none"
    channels = 1
    knows_classes = True

    def __init__(self, standard=False):
        super().__init__()
        self.standard = standard
        generator = torch.Generator().manual_seed(11)
        self.register_buffer("matrix", torch.randn(16, 6, generator=generator, dtype=torch.float64) / 4)
        self.register_buffer("head", torch.randn(6, 3, generator=generator, dtype=torch.float64))

    def extract(self, images):
        pool = torch.tanh((images.double().flatten(1) / 127.5 - 1) @ self.matrix)
        return Features(pool, 3 * pool @ self.head)


def toy_sample(indices):
    """Image i is drawn from a generator seeded with i."""
    rows = [torch.randn(1, 4, 4, generator=torch.Generator().manual_seed(int(i))) for i in indices]
    return torch.tanh(torch.stack(rows) * 0.7 + 0.2)


def toy_real(n=120, split="train", labels=None):
    images = torch.randn(n, 1, 4, 4, generator=torch.Generator().manual_seed(99)).tanh()
    pixels = images.add(1).mul(127.5).round().to(torch.uint8)
    return TensorImages(images=pixels, name="toy", split=split, labels=labels)


class ToySampler(GeneratorSampler):
    """The images of ``toy_sample``, of class i modulo 3, on a path along which only the brightness changes."""

    def __call__(self, indices):
        return toy_sample(indices)

    def labels(self, indices):
        return indices % 3

    def path(self, indices, *, epsilon):
        start = toy_sample(indices)
        return start, start + epsilon * (1 + indices.view(-1, 1, 1, 1) % 5)


class ToySimilarity(LPIPS):
    """The squared difference of mean brightness, and no weights to download."""

    def __init__(self):
        torch.nn.Module.__init__(self)
        self.net, self.resize = "toy", None

    def forward(self, first, second):
        return (first - second).flatten(1).mean(1).square()


def run(evaluator, sample=None, real=None, weights="ema"):
    return evaluator.evaluate(sample or toy_sample, real or toy_real(), weights=weights, device="cpu")


def values(evaluation):
    return {score.key: score.value for score in evaluation.scores}

"""A small extractor and samplers for the tests of the evaluator."""

import torch

from gan_lightning.data.images import TensorImages
from gan_lightning.metrics.extractor import FeatureExtractor, Features


class ToyExtractor(FeatureExtractor):
    """Six fixed random projections of 4x4 grey images, in float64, and three logits."""

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


def toy_real(n=120, split="train"):
    images = torch.randn(n, 1, 4, 4, generator=torch.Generator().manual_seed(99)).tanh()
    return TensorImages(images=images.add(1).mul(127.5).round().to(torch.uint8), name="toy", split=split)

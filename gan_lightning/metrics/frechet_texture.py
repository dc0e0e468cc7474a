"""The Frechet distance on texture, beside features that hardly see it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from gan_lightning.metrics.extractor import FORWARD_IMAGES
from gan_lightning.metrics.frechet import frechet_estimate, frechet_of_random_parts
from gan_lightning.metrics.metric import Estimate, Evidence, Metric, Needs
from gan_lightning.metrics.scores import format_count
from gan_lightning.metrics.texture import TextureExtractor
from gan_lightning.metrics.transport import Moments

MOST_IMAGES = 10_000
"""Of the generated images, which are kept for it: 7.7 MB at 16x16 in gray, 370 MB at 64x64 in color."""


class FrechetTexture(Metric):
    """The Frechet distance between texture features of generated and real images, whatever the extractor is.

    A classifier's features see what a digit is, and hardly the grain on its strokes: noise of standard deviation 30 of
    255 on the ink of the embedded digits moves the distance on ``digits`` by 1.6 of the standard deviations that
    splits of real digits have, and this one by more than 100.
    """

    name = "frechet_texture"
    key = "fd"
    higher_is_better = False
    needs = Needs(images=MOST_IMAGES, real="moments")
    least_generated = least_real = 2
    random_parts = staticmethod(frechet_of_random_parts)

    def __init__(self) -> None:
        self.extractor: TextureExtractor = TextureExtractor()

    def estimate(self, evidence: Evidence) -> Estimate:
        """Compare all kept images with all real ones."""
        assert evidence.generated.images is not None
        features = self._features(evidence.generated.images.split(FORWARD_IMAGES))
        real = evidence.once(self.name, lambda: self._features(evidence.real.batches(FORWARD_IMAGES)))
        return frechet_estimate(features, Moments.of(features), Moments.of(real), reference=real)

    def _features(self, batches: Iterable[Tensor]) -> Tensor:
        """Return the features of uint8 batches ``(N, C, H, W)``, float64, on the CPU."""
        found = [self.extractor.extract(batch.cpu().expand(-1, 3, -1, -1)).pool for batch in batches]
        return torch.cat(found).double()

    def samples(self, generated: int) -> int:
        """Return how many of the generated images are kept."""
        return min(generated, MOST_IMAGES)

    def facts(self) -> dict[str, Any]:
        """Return the extractor's, in place of the evaluator's."""
        return self.extractor.facts()

    def score_key(
        self, *, samples: int, split: str, extractor: str, standard: bool, protocol: str | None = None
    ) -> str:
        """Return the name of the score, with ``texture`` in place of the evaluator's extractor."""
        parts = [f"{self.key}{format_count(samples)}", split, self.extractor.name]
        return "_".join([*parts, *([] if protocol is None else [protocol.replace("-", "_")])])

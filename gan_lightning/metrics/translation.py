"""Scores of image-to-image translation: distances to the target of each pair, and to the target domain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor

from gan_lightning.core.determinism import full_float32, undisturbed_rng
from gan_lightning.core.pixels import to_uint8
from gan_lightning.data.domains import TranslationImages
from gan_lightning.metrics.base import SampleEvaluator, Sampler
from gan_lightning.metrics.evaluator import Evaluator
from gan_lightning.metrics.lpips import LPIPS
from gan_lightning.metrics.named import chosen_metrics
from gan_lightning.metrics.pair_metrics import PairMetric, pair_estimate
from gan_lightning.metrics.scores import Evaluation, Score, format_count
from gan_lightning.metrics.world import World


@dataclass(frozen=True, slots=True)
class TranslationSampler:
    """Translations of the source images of an evaluation, and of its targets the way back.

    Attributes:
        forth: index i to the translation of source i, again from the first when they run out.
        back: likewise from target i; None: the model has no way back.
    """

    forth: Sampler
    back: Sampler | None = None

    def __call__(self, indices: Tensor) -> Tensor:
        """Translate sources: indices int64 ``(n,)`` to images ``(n, C, H, W)`` in [-1, 1]."""
        return self.forth(indices)


class TranslationEvaluator(SampleEvaluator):
    """Scores translations against the target domain and, where there are pairs, against the target of each.

    ``evaluator`` compares the set of translations with the target images; mae (the mean absolute error, L1), psnr,
    ssim and lpips compare translation i with target i, both as uint8, and are means over its samples. Where the model
    has a way back, it is scored by ``evaluator`` against the source domain, under the same keys with "_back".

    Args:
        evaluator: scores the distribution; its ``similarity`` is the network of "lpips".
        metrics: names of metrics of pairs, or such metrics; left out where there are no pairs.
        samples: number of translations; None: one of every source image.
        real_split: part of the real data to translate and to compare with; "heldout": what they hold out, whatever
            its name; None: as ``evaluator`` says.

    Raises:
        ValueError: for an unknown metric, "lpips" without a ``similarity``, or less than one sample.
    """

    def __init__(
        self,
        *,
        evaluator: Evaluator,
        metrics: Sequence[str | PairMetric] = ("mae", "psnr", "ssim"),
        samples: int | None = None,
        real_split: str | None = None,
    ) -> None:
        if samples is not None and samples < 1:
            raise ValueError(f"evaluator.samples must be at least 1, got {samples}")
        self.metrics: tuple[PairMetric, ...] = chosen_metrics(metrics, PairMetric) if metrics else ()
        perceptual = [metric.name for metric in self.metrics if metric.needs.similarity]
        if perceptual and evaluator.similarity is None:
            raise ValueError(
                f"evaluator.metrics has {', '.join(perceptual)}, which needs evaluator.evaluator.similarity: "
                "an LPIPS network"
            )
        self.evaluator = evaluator
        evaluator.real_split = real_split or evaluator.real_split
        self.samples = samples
        self.seed = evaluator.seed
        self.real_split = evaluator.real_split

    def evaluate(
        self, sample: Sampler, real: Any, *, weights: Literal["ema", "raw"], device: torch.device | str
    ) -> Evaluation:
        """Translate once and compute all scores.

        Args:
            sample: a ``TranslationSampler``.
            real: targets and sources.
            weights: which weights ``sample`` uses; written into the protocol.
            device: where the networks are.

        Raises:
            NonFiniteSamples: if a pixel is NaN or infinite.
            ValueError: if model or data do not translate.
        """
        if not (isinstance(real, TranslationImages) and isinstance(sample, TranslationSampler)):
            raise ValueError("evaluator: scoring translations needs a model and data with source images")
        self.evaluator.samples = self.samples or len(real.sources)
        if self.real_split == "heldout":
            self.evaluator.real_split = real.split
        if not (self.metrics and real.paired):
            result = self.evaluator.evaluate(sample, real, weights=weights, device=device)
        else:
            pairs = PairScores(self.metrics, real, similarity=self.evaluator.similarity, device=torch.device(device))
            result = self.evaluator.evaluate(pairs.watching(sample), real, weights=weights, device=device)
            scores = pairs.scores(seed=self.seed, weights=weights)
            result = replace(result, scores=[*result.scores, *scores])
        if sample.back is None:
            return result
        self.evaluator.samples = self.samples or len(real.targets)
        way_back = self.evaluator.evaluate(sample.back, real.reversed, weights=weights, device=device)
        scores = [replace(score, key=f"{score.key}_back") for score in way_back.scores]
        skipped = {f"{key}_back": reason for key, reason in way_back.skipped.items()}
        return replace(result, scores=[*result.scores, *scores], skipped={**result.skipped, **skipped})


class PairScores:
    """Compares pairs while an evaluator draws the translations.

    Args:
        metrics: what to compare by.
        real: the pairs.
        similarity: the LPIPS network, which the evaluator moves to ``device``; None if no metric needs it.
        device: where it runs.
    """

    def __init__(
        self, metrics: Sequence[PairMetric], real: TranslationImages, *, similarity: LPIPS | None, device: torch.device
    ) -> None:
        self._metrics = metrics
        self._real = real
        self._similarity = similarity
        self._device = device
        self._world = World.current(device)
        self._rows = [torch.empty(0, len(metrics), dtype=torch.float64)]

    def watching(self, sample: Sampler) -> Sampler:
        """Return a sampler that passes translations on after looking at them."""

        def watched(indices: Tensor) -> Tensor:
            images = sample(indices)
            self.add(images, indices)
            return images

        return watched

    def add(self, images: Tensor, indices: Tensor) -> None:
        """Compare translations in [-1, 1] with the targets of their indices.

        Raises:
            NonFiniteSamples: if a pixel is NaN or infinite.
        """
        targets = self._real.take([index % len(self._real) for index in indices.tolist()])
        with undisturbed_rng(images.device), full_float32(images.device):
            pictures = to_uint8(images)
            columns = [
                metric.measure(pictures, targets, similarity=self._similarity, device=self._device)
                for metric in self._metrics
            ]
        self._rows.append(torch.stack(columns, dim=1))

    def scores(self, *, seed: int, weights: str) -> list[Score]:
        """Return the means over the samples of all processes, with standard errors and protocol; the same everywhere.

        Args:
            seed: seed of the samples.
            weights: which weights they are of.
        """
        mine = torch.cat(self._rows)
        total = int(self._world.sum(torch.tensor([len(mine)])))
        rows = self._world.gather_interleaved(mine, total)
        return self._world.on_first(lambda: self._scores(rows, seed, weights))

    def _scores(self, rows: Tensor | None, seed: int, weights: str) -> list[Score]:
        assert rows is not None
        found = []
        for metric, values in zip(self._metrics, rows.unbind(1), strict=True):
            facts: dict[str, Any] = {
                "metric": metric.name,
                "n_generated": len(values),
                "n_real": len(self._real),
                "split": self._real.split,
                "dataset": self._real.name,
                "dataset_fingerprint": self._real.fingerprint,
                "sources_fingerprint": self._real.sources.fingerprint,
            }
            key = f"{metric.name}{format_count(len(values))}_{self._real.split}"
            if metric.needs.similarity:
                assert self._similarity is not None
                facts |= self._similarity.facts()
                key = f"{key}_{self._similarity.net}"
            estimate = pair_estimate(values, len(self._real))
            protocol = facts | {"weights": weights, "seed": seed}
            found.append(Score(key, estimate.mean, estimate.stderr, metric.higher_is_better, protocol))
        return found

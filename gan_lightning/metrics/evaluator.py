"""The evaluator: one pass over generated images, every score, each with its protocol."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import torch
from torch import Tensor

from gan_lightning.data.images import EvaluationImages
from gan_lightning.metrics.base import SampleEvaluator, Sampler
from gan_lightning.metrics.cache import cache_root
from gan_lightning.metrics.collection import Collection, collect
from gan_lightning.metrics.extractor import FeatureExtractor
from gan_lightning.metrics.frechet import Moments, frechet_distance
from gan_lightning.metrics.isolation import full_float32, undisturbed_rng
from gan_lightning.metrics.scores import METRICS, NEEDS_REAL, Evaluation
from gan_lightning.metrics.scoring import Scoring
from gan_lightning.metrics.statistics import load_statistics, save_statistics, statistics_key
from gan_lightning.metrics.world import World

NEEDS_FEATURES = frozenset({"kernel", "precision", "recall", "density", "coverage"})


class Evaluator(SampleEvaluator):
    """Scores a generator against real images.

    It is no module, so that the extractor is in no checkpoint. Under ``torch.distributed`` every rank calls it;
    the work is shared and all ranks get the same answer. Neither the number of processes nor the batch size
    enters the result. It leaves no trace in any global random state and ignores surrounding autocast and TF32.

    Args:
        extractor: the network whose features are compared.
        samples: number of generated images.
        batch_size: images per batch, on each process.
        seed: of the generated samples; whoever makes the sampler reads it here, and it is in the protocol.
        metrics: which of "frechet", "score", "kernel", "precision", "recall", "density", "coverage".
        real_split: part of the real data to compare with; it is in the names of the scores.
        cache_dir: folder for statistics of real images; by default the package's cache.
        score_splits: number of parts of the classifier score.
        kernel_estimator: "subsets" as the KID is published, or "exact" over all pairs (less variance).
        kernel_subsets: number of subsets.
        kernel_subset_size: samples per subset.
        precision_neighbours: k of precision and recall.
        density_neighbours: k of density and coverage.

    Raises:
        ValueError: for a number below 1, an unknown metric, or none.
    """

    def __init__(
        self,
        *,
        extractor: FeatureExtractor,
        samples: int = 2000,
        batch_size: int = 100,
        seed: int = 0,
        metrics: Sequence[str] = ("frechet", "score", "kernel"),
        real_split: str = "train",
        cache_dir: str | None = None,
        score_splits: int = 10,
        kernel_estimator: Literal["subsets", "exact"] = "subsets",
        kernel_subsets: int = 100,
        kernel_subset_size: int = 1000,
        precision_neighbours: int = 3,
        density_neighbours: int = 5,
    ) -> None:
        for name, value in (("samples", samples), ("batch_size", batch_size)):
            if value < 1:
                raise ValueError(f"evaluator.{name} must be at least 1, got {value}")
        unknown = [m for m in metrics if m not in METRICS]
        if unknown or not metrics:
            raise ValueError(f"evaluator.metrics must be some of {METRICS}, got {list(metrics)}")
        self.extractor = extractor
        self.samples = samples
        self.batch_size = batch_size
        self.seed = seed
        self.metrics = tuple(dict.fromkeys(metrics))
        self.real_split = real_split
        self.cache_dir = cache_root(cache_dir) / "statistics"
        self.scoring = Scoring(
            score_splits=score_splits,
            kernel_estimator=kernel_estimator,
            kernel_subsets=kernel_subsets,
            kernel_subset_size=kernel_subset_size,
            precision_neighbours=precision_neighbours,
            density_neighbours=density_neighbours,
        )

    def evaluate(
        self,
        sample: Sampler,
        real: EvaluationImages,
        *,
        weights: Literal["ema", "raw"],
        device: torch.device | str,
    ) -> Evaluation:
        """Generate ``samples`` images and score them against ``real``.

        Args:
            sample: makes the images of given indices, on any device; the caller puts its networks in
                evaluation mode.
            real: the real images; its split must be ``real_split``.
            weights: which weights ``sample`` uses; written into the protocol.
            device: where the extractor runs.

        Returns:
            The same value on every rank.

        Raises:
            NonFiniteSamples: if a generated pixel is NaN or infinite.
            ValueError: for another split than ``real_split``, or unknown ``weights``.
        """
        if weights not in ("ema", "raw"):
            raise ValueError(f"weights must be 'ema' or 'raw', got {weights!r}")
        if real.split != self.real_split:
            raise ValueError(f"evaluator.real_split is {self.real_split!r}, but the images are of {real.split!r}")
        device = torch.device(device)
        world = World.current(device)
        with torch.no_grad(), undisturbed_rng(device), full_float32(device):
            generated = collect(
                self._generate(sample, world),
                extractor=self.extractor.to(device),
                total=self.samples,
                device=device,
                world=world,
                keep_features=self._needs_features,
                keep_logits="score" in self.metrics or self.extractor.knows_classes,
            )
            reference = None
            if NEEDS_REAL.intersection(self.metrics):
                reference = self._reference(real, device, world, with_features=self._needs_features)
            return world.on_first(
                lambda: self.scoring.evaluate(
                    generated,
                    reference,
                    metrics=self.metrics,
                    extractor=self.extractor,
                    real=real,
                    weights=weights,
                    seed=self.seed,
                    device=device,
                )
            )

    def distance_between(
        self, first: EvaluationImages, second: EvaluationImages, *, device: torch.device | str
    ) -> float:
        """The Frechet distance between two sets of real images: the score that a perfect generator would get.

        Under ``torch.distributed`` every rank must call it.

        Args:
            first: real images of any split.
            second: likewise.
            device: where the extractor runs.
        """
        device = torch.device(device)
        world = World.current(device)
        self.extractor.to(device)
        with torch.no_grad(), undisturbed_rng(device), full_float32(device):
            moments = [self._reference(s, device, world, with_features=False).moments for s in (first, second)]
            return world.on_first(lambda: frechet_distance(*moments))

    @property
    def _needs_features(self) -> bool:
        return bool(NEEDS_FEATURES.intersection(self.metrics))

    def _generate(self, sample: Sampler, world: World) -> Iterator[Tensor]:
        for indices in torch.arange(self.samples)[world.rank :: world.size].split(self.batch_size):
            if len(indices):
                images = sample(indices)
                if len(images) != len(indices):
                    raise ValueError(f"sample made {len(images)} images of {len(indices)} indices")
                yield images

    def _reference(
        self, real: EvaluationImages, device: torch.device, world: World, *, with_features: bool
    ) -> Collection:
        """Statistics of real images, from the cache or computed by all ranks together; complete on rank 0."""
        path = self.cache_dir / f"{statistics_key(real, self.extractor, with_features=with_features)}.safetensors"
        # only rank 0 looks: the ranks may see different disks, and must take the same branch
        stored = load_statistics(path) if world.rank == 0 else None
        if world.broadcast(stored is not None):
            return stored or Collection(moments=Moments.empty(self.extractor.feature_dim))
        statistics = collect(
            real.batches(self.batch_size, rank=world.rank, world_size=world.size),
            extractor=self.extractor,
            total=len(real),
            device=device,
            world=world,
            keep_features=with_features,
            keep_logits=False,
        )
        if world.rank == 0:
            save_statistics(path, statistics)
        return statistics

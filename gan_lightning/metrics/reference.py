"""The real side of an evaluation: statistics of real images, from the cache or computed by all ranks together."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from gan_lightning.data.images import EvaluationImages
from gan_lightning.metrics.collection import Collection, collect
from gan_lightning.metrics.extractor import FeatureExtractor
from gan_lightning.metrics.frechet import Moments
from gan_lightning.metrics.statistics import load_statistics, save_statistics, statistics_key
from gan_lightning.metrics.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class References:
    """Where statistics of real images come from.

    Attributes:
        extractor: the network.
        folder: of the cache.
        chunk: images that are read at once, on each process.
        with_features: whether single features are wanted beside the moments.
    """

    extractor: FeatureExtractor
    folder: Path
    chunk: int
    with_features: bool

    def file(self, real: EvaluationImages) -> Path:
        """Where the statistics of ``real`` are kept."""
        key = statistics_key(real, self.extractor, with_features=self.with_features)
        return self.folder / f"{key}.pt"

    def get(self, real: EvaluationImages, device: torch.device, world: World) -> Collection:
        """Statistics of ``real``, complete on rank 0. Every rank must call it.

        Args:
            real: the images.
            device: where the extractor is.
            world: the ranks.
        """
        path = self.file(real)
        # only rank 0 looks: the ranks may see different disks, and must take the same branch
        stored = load_statistics(path) if world.rank == 0 else None
        if world.broadcast(stored is not None):
            return stored or Collection(moments=Moments.empty(self.extractor.feature_dim))
        statistics = collect(
            real.batches(self.chunk, rank=world.rank, world_size=world.size),
            extractor=self.extractor,
            total=len(real),
            device=device,
            world=world,
            keep_features=self.with_features,
            keep_logits=False,
        )
        if world.rank == 0:
            save_statistics(path, statistics)
        return statistics

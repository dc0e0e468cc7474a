"""Statistics of real images: computed by all ranks, and kept on disk under a key of all that determines them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from gan_lightning.core.kept import keep_container, read_kept_container
from gan_lightning.core.side_files import read_or_move_aside
from gan_lightning.data.images import EvaluationImages
from gan_lightning.metrics.extract_features import FeatureSet, extract_features
from gan_lightning.metrics.extractor import FeatureExtractor
from gan_lightning.metrics.transport import Moments
from gan_lightning.metrics.world import World

FORMAT_VERSION = 2
"""Raised whenever the meaning of a stored file changes."""

_AGAIN = "the statistics are computed again"


def statistics_key(images: EvaluationImages, extractor: FeatureExtractor, *, with_features: bool) -> str:
    """Return the SHA-256 of all that determines the statistics: pixels, network and preprocessing.

    Args:
        images: the real images.
        extractor: the network.
        with_features: whether single features are stored beside the moments.
    """
    facts = {
        "version": FORMAT_VERSION,
        "fingerprint": images.fingerprint,
        "split": images.split,
        "count": len(images),
        "extractor": extractor.name,
        "weights": extractor.weights_hash,
        "preprocessing": extractor.preprocessing,
        "with_features": with_features,
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def load_statistics(path: Path) -> FeatureSet | None:
    """Read stored statistics; None if there are none, or the file is damaged and was moved aside.

    Args:
        path: the file.
    """

    def read(path: Path) -> FeatureSet:
        stored = read_kept_container(path)
        return FeatureSet(
            moments=Moments(stored["count"], stored["mean"], stored["scatter"]), features=stored["features"]
        )

    return read_or_move_aside(path, read, consequence=_AGAIN)


def save_statistics(path: Path, statistics: FeatureSet) -> None:
    """Write statistics; where that fails, warn and go on without a cache.

    Args:
        path: the file.
        statistics: with moments, and features or None.
    """
    moments = statistics.moments
    content = {
        "count": moments.count,
        "mean": moments.mean,
        "scatter": moments.scatter,
        "features": statistics.features,
    }
    keep_container(path, content)


class Derived:
    """What metrics compute of the real images alone, kept beside their statistics.

    Args:
        statistics: the file of the statistics, whose key enters the names of these files; None: nothing is kept.
    """

    def __init__(self, statistics: Path | None = None) -> None:
        self.statistics = statistics

    def get(self, name: str, compute: Callable[[], Tensor]) -> Tensor:
        """Return the tensor of that name, read from its file, or computed and written.

        Args:
            name: says all that the tensor depends on, beside the images and what the key of their statistics has.
            compute: makes it.
        """
        if self.statistics is None:
            return compute()
        path = self.statistics.with_name(f"{self.statistics.stem}-{name}{self.statistics.suffix}")
        kept = read_or_move_aside(path, lambda path: read_kept_container(path)[name], consequence=_AGAIN)
        if kept is not None:
            return kept
        found = compute()
        keep_container(path, {name: found.cpu()})
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class References:
    """Where statistics of real images come from.

    Attributes:
        extractor: the network.
        folder: folder of the cache.
        chunk: images that are read at once, on each process.
        with_features: whether single features are wanted beside the moments.
    """

    extractor: FeatureExtractor
    folder: Path
    chunk: int
    with_features: bool

    def file(self, real: EvaluationImages) -> Path:
        """Return where the statistics of ``real`` are kept."""
        key = statistics_key(real, self.extractor, with_features=self.with_features)
        return self.folder / f"{key}.pt"

    def get(self, real: EvaluationImages, device: torch.device, world: World) -> FeatureSet:
        """Return the statistics of ``real``, complete on rank 0. Every rank must call it.

        Args:
            real: the images.
            device: where the extractor is.
            world: the ranks.
        """
        path = self.file(real)
        # only rank 0 looks: the ranks may see different disks, and must take the same branch
        stored = load_statistics(path) if world.rank == 0 else None
        if world.broadcast(stored is not None):
            return stored or FeatureSet(moments=Moments.empty(self.extractor.feature_dim))
        statistics = extract_features(
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

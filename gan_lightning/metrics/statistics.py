"""Statistics of real images, kept on disk under a key made of all that determines them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

from torch import Tensor

from gan_lightning.core.cache import keep
from gan_lightning.core.container import read_container, write_container
from gan_lightning.core.side_files import read_or_move_aside
from gan_lightning.data.images import EvaluationImages
from gan_lightning.metrics.collection import Collection
from gan_lightning.metrics.extractor import FeatureExtractor
from gan_lightning.metrics.frechet import Moments

FORMAT_VERSION = 2
"""Raised whenever the meaning of a stored file changes."""

_AGAIN = "the statistics are computed again"


def statistics_key(images: EvaluationImages, extractor: FeatureExtractor, *, with_features: bool) -> str:
    """Sha256 over all that determines the statistics: the pixels, the network and what is done to the pixels.

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


def load_statistics(path: Path) -> Collection | None:
    """Read stored statistics; None if there are none, or the file is damaged and was moved aside.

    Args:
        path: the file.
    """

    def read(path: Path) -> Collection:
        stored = read_container(path)
        return Collection(
            moments=Moments(stored["count"], stored["mean"], stored["scatter"]), features=stored["features"]
        )

    return read_or_move_aside(path, read, consequence=_AGAIN)


def save_statistics(path: Path, statistics: Collection) -> None:
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
    keep(path, lambda path: write_container(path, content))


class Derived:
    """What metrics compute of the real images alone, kept beside their statistics.

    Args:
        statistics: the file of the statistics, whose key enters the names of these files; None: nothing is kept.
    """

    def __init__(self, statistics: Path | None = None) -> None:
        self.statistics = statistics

    def get(self, name: str, compute: Callable[[], Tensor]) -> Tensor:
        """The tensor of that name, read from its file, or computed and written.

        Args:
            name: says all that the tensor depends on, beside the images and what the key of their statistics has.
            compute: makes it.
        """
        if self.statistics is None:
            return compute()
        path = self.statistics.with_name(f"{self.statistics.stem}-{name}{self.statistics.suffix}")
        kept = read_or_move_aside(path, lambda path: read_container(path)[name], consequence=_AGAIN)
        if kept is not None:
            return kept
        found = compute()
        keep(path, lambda path: write_container(path, {name: found.cpu()}))
        return found

"""Statistics of real images, kept on disk under a key made of all that determines them."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from gan_lightning.data.images import EvaluationImages
from gan_lightning.metrics.collection import Collection
from gan_lightning.metrics.extractor import FeatureExtractor
from gan_lightning.metrics.frechet import Moments

log = logging.getLogger(__name__)

FORMAT_VERSION = 2
"""Raised whenever the meaning of a stored file changes."""


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
    """Read stored statistics; None if there are none or the file is damaged (with a warning).

    Args:
        path: the file.
    """
    if not path.exists():
        return None
    try:
        stored = load_file(path)
        moments = Moments(int(stored["count"]), stored["mean"], stored["scatter"])
    except (SafetensorError, KeyError, OSError, ValueError) as error:
        log.warning("cached statistics %s are damaged (%s); computing them again", path, error)
        return None
    return Collection(moments=moments, features=stored.get("features"))


def save_statistics(path: Path, statistics: Collection) -> None:
    """Write statistics under a temporary name and rename; where that fails, warn and go on without a cache.

    Args:
        path: the file.
        statistics: with moments, and features or None.
    """
    moments = statistics.moments
    tensors = {"count": torch.tensor(moments.count), "mean": moments.mean, "scatter": moments.scatter}
    if statistics.features is not None:
        tensors["features"] = statistics.features
    _save(path, tensors)


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
        if path.exists():
            try:
                return load_file(path)[name]
            except (SafetensorError, KeyError, OSError) as error:
                log.warning("cached statistics %s are damaged (%s); computing them again", path, error)
        found = compute()
        _save(path, {name: found.cpu()})
        return found


def _save(path: Path, tensors: dict[str, Tensor]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.stem, suffix=".tmp")
        os.close(handle)
        try:
            save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, temporary)
            os.replace(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except (OSError, SafetensorError) as error:
        log.warning("cannot keep statistics in %s: %s", path, error)

"""Inception-v3 as FID, KID and IS are defined on, through torch-fidelity's port of the original graph."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from gan_lightning.metrics.extractor import FeatureExtractor, Features
from gan_lightning.metrics.weights_file import MissingWeights, find_weights

WEIGHTS_SHA256_PREFIX = "6726825d"
"""From the published file's name."""

_PREPROCESSING = {
    "tensorflow": "TensorFlow 1 bilinear to 299x299",
    "antialias": "antialiased bicubic to 299x299, rounded to uint8",
}


class InceptionExtractor(FeatureExtractor):
    """The Inception-v3 network of 2015-12-05 with its 2048 pooled features and its 1008 logits without bias.

    These are the features and logits of the original FID and inception score, as torch-fidelity computes them.
    Building it fails at once if the weights are missing: before a training, not hours into it.

    Args:
        weights_path: a file with torch-fidelity's weights; by default looked for in the cache, then downloaded.
        cache_dir: folder to look in and to download to; by default the environment's ``GAN_LIGHTNING_CACHE``,
            else ``~/.cache/gan_lightning``.
        resize: how images reach 299x299: "tensorflow" as in the published numbers, or "antialias".

    Raises:
        MissingWeights: if the weights cannot be had; the message says which file to put where.
        ValueError: if the file does not hold the weights of this network, or ``resize`` is unknown.

    Source: torch-fidelity's ``FeatureExtractorInceptionV3``.
    """

    name = "inception"
    feature_dim = 2048
    n_classes = 1008
    channels = 3
    standard = True

    def __init__(
        self,
        *,
        weights_path: str | None = None,
        cache_dir: str | None = None,
        resize: Literal["tensorflow", "antialias"] = "tensorflow",
    ) -> None:
        super().__init__()
        if resize not in _PREPROCESSING:
            raise ValueError(f"resize must be one of {list(_PREPROCESSING)}, got {resize!r}")
        from torch_fidelity.feature_extractor_inceptionv3 import URL_INCEPTION_V3, FeatureExtractorInceptionV3

        path = find_weights(
            url=URL_INCEPTION_V3,
            sha256_prefix=WEIGHTS_SHA256_PREFIX,
            weights_path=weights_path,
            cache_dir=cache_dir,
        )
        try:
            # torch-fidelity unpickles whatever it is given: make sure first that the file holds tensors only
            torch.load(path, map_location="cpu", weights_only=True)
            self.net = FeatureExtractorInceptionV3(
                "inception-v3-compat", ["2048", "logits_unbiased"], feature_extractor_weights_path=str(path)
            )
        except Exception as error:  # there is no telling what an unpickler raises on a damaged file
            raise ValueError(f"{path} does not hold torch-fidelity's Inception-v3 weights: {error}") from error
        self.resize = resize
        self.preprocessing = _PREPROCESSING[resize]
        self.eval()

    def extract(self, images: Tensor) -> Features:
        """Features and logits of uint8 ``(N, 3, H, W)``."""
        if self.resize == "antialias":
            images = F.interpolate(images.float(), size=(299, 299), mode="bicubic", antialias=True)
            images = images.clamp(0, 255).round().to(torch.uint8)
        return Features(*self.net(images))


__all__ = ["InceptionExtractor", "MissingWeights"]

"""Inception-v3 as FID, KID and IS are defined on, through torch-fidelity's port of the original graph."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gan_lightning.metrics.extractor import FeatureExtractor, Features
from gan_lightning.metrics.known_weights import INCEPTION
from gan_lightning.metrics.resize import Resize, check_resize, in_words, resized
from gan_lightning.metrics.weights_file import MissingWeights, find_weights, load_tensors

SIDE = 299

_LAYERS = (
    "Conv2d_1a_3x3",
    "Conv2d_2a_3x3",
    "Conv2d_2b_3x3",
    "MaxPool_1",
    "Conv2d_3b_1x1",
    "Conv2d_4a_3x3",
    "MaxPool_2",
    "Mixed_5b",
    "Mixed_5c",
    "Mixed_5d",
    "Mixed_6a",
    "Mixed_6b",
    "Mixed_6c",
    "Mixed_6d",
    "Mixed_6e",
    "Mixed_7a",
    "Mixed_7b",
    "Mixed_7c",
    "AvgPool",
)


class InceptionExtractor(FeatureExtractor):
    """The Inception-v3 network of 2015-12-05 with its 2048 pooled features and its 1008 logits without bias.

    These are the features and logits of the original FID and inception score, as torch-fidelity computes them.
    Building it fails at once if the weights are missing: before a training, not hours into it.

    Args:
        weights_path: a file with torch-fidelity's weights; by default looked for in the cache, then downloaded.
        cache_dir: folder to look in and to download to; by default the environment's ``GAN_LIGHTNING_CACHE``,
            else ``~/.cache/gan_lightning``.
        resize: how images reach 299x299: "tensorflow" as in the published numbers, or "clean"; see ``resized``.

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
        resize: Resize = "tensorflow",
    ) -> None:
        super().__init__()
        check_resize(resize)
        from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

        path = find_weights(INCEPTION, weights_path=weights_path, cache_dir=cache_dir)
        # torch-fidelity unpickles whatever it is given: make sure first that the file holds tensors only
        load_tensors(path, INCEPTION.title)
        try:
            net = FeatureExtractorInceptionV3(
                "inception-v3-compat", ["2048", "logits_unbiased"], feature_extractor_weights_path=str(path)
            )
        except (RuntimeError, TypeError, AttributeError) as error:  # load_state_dict's, of another network's weights
            raise ValueError(f"{path} does not hold torch-fidelity's Inception-v3 weights: {error}") from error
        # torch-fidelity's own forward takes uint8 only, and clean-fid's resizing does not round to it
        self.layers = nn.Sequential(*(net.get_submodule(name) for name in _LAYERS), nn.Flatten())
        self.head = net.fc
        self.resize: Resize = resize
        self.preprocessing = in_words(resize, SIDE)
        self.requires_grad_(False)
        self.eval()

    def extract(self, images: Tensor) -> Features:
        """Return features and logits of uint8 ``(N, 3, H, W)``."""
        pool = self.layers((resized(images, SIDE, self.resize) - 128) / 128)
        return Features(pool, torch.mm(pool, self.head.weight.T))


__all__ = ["InceptionExtractor", "MissingWeights"]

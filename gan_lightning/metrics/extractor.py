"""The interface of a feature extractor: a frozen network that turns pictures into features and class logits."""

from __future__ import annotations

import hashlib
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor, nn

from gan_lightning.core.determinism import full_float32

FORWARD_IMAGES = 32
"""Images in every forward pass: float32 sums depend on the shape of a batch, and so would the scores."""


class Features(NamedTuple):
    """What an extractor says about N images.

    Attributes:
        pool: float32 ``(N, D)``, the features that distances are taken between.
        logits: float32 ``(N, K)``, the class logits that the classifier score is taken from.
    """

    pool: Tensor
    logits: Tensor


class FeatureExtractor(nn.Module):
    """A frozen network whose features scores are defined on.

    It stays in evaluation mode, needs no gradients, and runs with autocast and TF32 off whatever surrounds it.
    Subclasses implement ``extract`` and set ``requires_grad_(False)`` on what they load.

    Attributes:
        name: suffix of the score names, "digits" for instance.
        feature_dim: D, the width of the features.
        n_classes: K, the width of the logits.
        preprocessing: what happens to a picture before the network, in words.
        standard: whether this is the Inception-v3 network that the names fid, kid and is are reserved for.
        knows_classes: whether the logits are about the classes of the data, so that counting them makes sense.
        channels: color channels that the network takes, 1 or 3.
    """

    name: str
    feature_dim: int
    n_classes: int
    preprocessing: str
    channels: int
    standard: bool = False
    knows_classes: bool = False

    def extract(self, images: Tensor) -> Features:
        """Compute the features of uint8 ``(N, channels, H, W)``; called without autocast, TF32 and gradients."""
        raise NotImplementedError

    def forward(self, images: Tensor) -> Features:
        """Compute features and logits, always of ``FORWARD_IMAGES`` at once: the last image is repeated to fill up.

        An image's features are then the same to the bit whatever it is computed with.

        Args:
            images: uint8 ``(N, 1 or 3, H, W)``.

        Raises:
            ValueError: for another dtype or shape.
        """
        if images.dtype != torch.uint8 or images.ndim != 4 or images.shape[1] not in (1, 3):
            raise ValueError(f"images must be uint8 (N, 1 or 3, H, W), got {images.dtype} {tuple(images.shape)}")
        self.eval()
        with torch.no_grad(), full_float32(images.device):
            parts = []
            for start in range(0, max(len(images), 1), FORWARD_IMAGES):
                taken = images[start : start + FORWARD_IMAGES]
                count = len(taken)
                if 0 < count < FORWARD_IMAGES:
                    taken = torch.cat([taken, taken[-1:].expand(FORWARD_IMAGES - count, -1, -1, -1)])
                pool, logits = self.extract(_match_channels(taken, self.channels))
                parts.append(Features(pool[:count].float(), logits[:count].float()))
            return parts[0] if len(parts) == 1 else Features(*map(torch.cat, zip(*parts, strict=True)))

    def train(self, mode: bool = True) -> FeatureExtractor:
        """Stay in evaluation mode, whatever ``mode`` says: dropout or batch statistics would change the scores."""
        super().train(False)
        return self

    def facts(self) -> dict[str, str]:
        """Return what a score's protocol says of the network."""
        return {
            "extractor": self.name,
            "extractor_weights": self.weights_hash,
            "preprocessing": self.preprocessing,
        }

    @cached_property
    def weights_hash(self) -> str:
        """Sha256 over names, shapes and values of the weights."""
        return weights_hash(self)


def weights_hash(network: nn.Module) -> str:
    """Return the SHA-256 of names, shapes and values of a network's weights."""
    digest = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        # as float32, whichever precision the network computes in
        values = tensor.detach().cpu().float() if tensor.is_floating_point() else tensor.detach().cpu()
        digest.update(f"{name} {tuple(values.shape)} {values.dtype}".encode())
        digest.update(values.contiguous().flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _match_channels(images: Tensor, channels: int) -> Tensor:
    """Repeat gray to RGB, or weigh RGB to gray (ITU-R BT.601), staying uint8."""
    if images.shape[1] == channels:
        return images
    if channels == 3:
        return images.expand(-1, 3, -1, -1)
    luma = torch.tensor([0.299, 0.587, 0.114], device=images.device).view(1, 3, 1, 1)
    return (images.float() * luma).sum(1, keepdim=True).round().to(torch.uint8)

"""LPIPS, the learned perceptual distance between two images, through torchmetrics."""

from __future__ import annotations

from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan_lightning.core.determinism import full_float32
from gan_lightning.metrics.extractor import FORWARD_IMAGES, weights_hash
from gan_lightning.metrics.known_weights import BACKBONES
from gan_lightning.metrics.weights_file import find_weights, hub_files, load_tensors

Backbone = Literal["vgg", "alex", "squeeze"]


class LPIPS(nn.Module):
    """Weighted distances between the normalized activations of an ImageNet network (Zhang 2018, arXiv:1801.03924).

    The weights of the distance come with torchmetrics; those of the network are ImageNet's, of torchvision. Building
    it fails at once if they are missing.

    Args:
        net: "vgg" (as for path lengths), "alex" or "squeeze".
        weights_path: a file with torchvision's weights of the network; by default looked for in the cache, then
            downloaded.
        cache_dir: the cache folder; by default the environment's ``GAN_LIGHTNING_CACHE``, else
            ``~/.cache/gan_lightning``.
        resize: height and width that images are brought to first, 64 as torch-fidelity does it for path lengths;
            None: they stay as they are.

    Raises:
        MissingWeights: if the weights cannot be had; the message says which file to put where.
        ValueError: if the file does not hold the weights of this network, or ``net`` or ``resize`` is unknown.

    Source: torchmetrics' ``LearnedPerceptualImagePatchSimilarity``.
    """

    def __init__(
        self,
        *,
        net: Backbone = "vgg",
        weights_path: str | None = None,
        cache_dir: str | None = None,
        resize: int | None = 64,
    ) -> None:
        super().__init__()
        if net not in get_args(Backbone):
            raise ValueError(f"similarity.net must be one of {', '.join(get_args(Backbone))}, got {net!r}")
        if resize is not None and resize < 1:
            raise ValueError(f"similarity.resize must be at least 1, or null, got {resize}")
        from torchmetrics.image.lpip import LearnedPerceptualImagePatchSimilarity

        known = BACKBONES[net]
        path = find_weights(known, weights_path=weights_path, cache_dir=cache_dir)
        load_tensors(path, known.title)
        try:
            with hub_files({known.file_name: path}):
                self.distance = LearnedPerceptualImagePatchSimilarity(net_type=net).net
        except RuntimeError as error:  # load_state_dict's
            raise ValueError(f"{path} does not hold the weights of {known.title}: {error}") from error
        self.net = net
        self.resize = resize
        self.requires_grad_(False)
        self.eval()

    @property
    def weights_hash(self) -> str:
        """Sha256 over names, shapes and values of the weights."""
        return weights_hash(self)

    def facts(self) -> dict[str, str]:
        """Return what a score's protocol says of the distance."""
        return {
            "extractor": f"lpips {self.net}",
            "extractor_weights": self.weights_hash,
            "preprocessing": f"to {self.resize} pixels" if self.resize else "none",
        }

    def train(self, mode: bool = True) -> LPIPS:
        """Stay in evaluation mode, whatever ``mode`` says: there is dropout in it."""
        return super().train(False)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Return distances between paired images, always for ``FORWARD_IMAGES`` at once; see ``FeatureExtractor``.

        Args:
            first: float ``(N, 1 or 3, H, W)`` in [-1, 1].
            second: likewise.

        Returns:
            float32 ``(N,)``, at least 0.
        """
        found = []
        with torch.no_grad(), full_float32(first.device):
            for start in range(0, len(first), FORWARD_IMAGES):
                parts = [self._prepare(side[start : start + FORWARD_IMAGES]) for side in (first, second)]
                count = len(first[start : start + FORWARD_IMAGES])
                found.append(self.distance(*parts).reshape(-1)[:count])
        return torch.cat(found)

    def _prepare(self, images: Tensor) -> Tensor:
        images = images.float().expand(-1, 3, -1, -1)
        missing = FORWARD_IMAGES - len(images)
        if missing:
            images = torch.cat([images, images[-1:].expand(missing, -1, -1, -1)])
        size = self.resize
        if size is None or images.shape[-2:] == (size, size):
            return images
        if min(images.shape[-2:]) > size:
            return F.interpolate(images, (size, size), mode="area")
        return F.interpolate(images, (size, size), mode="bilinear", align_corners=False)

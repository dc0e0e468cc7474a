"""The classifier of handwritten digits: features and class logits for the embedded data set."""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan_lightning.metrics.extractor import FeatureExtractor, Features

WEIGHTS = Path(__file__).parent / "weights" / "digits.safetensors"
RESOLUTION = 16


class DigitsNet(nn.Module):
    """Three convolutions and one hidden layer on 16x16 gray images: 89,562 parameters.

    SiLU rather than ReLU: no feature is zero on most images, so the covariance of the features has full rank.
    """

    feature_dim = 64

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 3, stride=2, padding=1)
        self.conv3 = nn.Conv2d(32, 64, 3, stride=2, padding=1)
        self.hidden = nn.Linear(64 * 4 * 4, self.feature_dim)
        self.head = nn.Linear(self.feature_dim, 10)

    def features(self, images: Tensor) -> Tensor:
        """Map images ``(N, 1, 16, 16)`` in [-1, 1] to the penultimate layer, ``(N, 64)``."""
        x = F.silu(self.conv1(images))
        x = F.silu(self.conv2(x))
        x = F.silu(self.conv3(x))
        return F.silu(self.hidden(x.flatten(1)))

    def forward(self, images: Tensor) -> Tensor:
        """Map images ``(N, 1, 16, 16)`` in [-1, 1] to class logits ``(N, 10)``."""
        return self.head(self.features(images))


class DigitsExtractor(FeatureExtractor):
    """The digits classifier that comes with the package, trained by ``python -m gan_lightning.metrics.train_digits``.

    It computes in float64 where the device can, so that the features do not depend on how images are batched.

    Args:
        weights_path: a safetensors file with the weights of a ``DigitsNet``; by default the one of the package.

    Raises:
        ValueError: if there is no such file.
    """

    name = "digits"
    feature_dim = DigitsNet.feature_dim
    n_classes = 10
    preprocessing = "grey (BT.601), antialiased bilinear to 16x16"
    channels = 1
    knows_classes = True

    def __init__(self, *, weights_path: str | None = None) -> None:
        super().__init__()
        from safetensors.torch import load_file

        path = WEIGHTS if weights_path is None else Path(weights_path)
        if not path.is_file():
            raise ValueError(f"weights_path: no file {path}; `python -m gan_lightning.metrics.train_digits` makes one")
        self.net = DigitsNet()
        self.net.load_state_dict(load_file(path))
        self.requires_grad_(False)
        self.eval()

    def extract(self, images: Tensor) -> Features:
        """Return features and logits of uint8 ``(N, 1, H, W)``."""
        dtype = torch.float32 if images.device.type == "mps" else torch.float64  # Apple's GPUs have no float64
        self.net.to(dtype)
        x = images.to(dtype)
        if x.shape[-2:] != (RESOLUTION, RESOLUTION):
            x = F.interpolate(x, size=(RESOLUTION, RESOLUTION), mode="bilinear", antialias=True)
        features = self.net.features(x / 127.5 - 1)
        return Features(features, self.net.head(features))

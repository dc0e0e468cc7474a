"""What the BigGAN networks share (Brock 2018, arXiv 1809.11096): their start, and batch norm steered by a vector."""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor, nn

from gan_lightning.networks.conditional import ConditionalBatchNorm2d
from gan_lightning.networks.spectral import spectral_norm

Initialization = Literal["orthogonal", "normal"]
NORMAL_STD = 0.02


def check_initialization(initialization: str) -> None:
    """Refuse an unknown initialization.

    Raises:
        ValueError: naming the known ones.
    """
    if initialization not in get_args(Initialization):
        raise ValueError(f"initialization must be one of {list(get_args(Initialization))}, got {initialization!r}")


def initialize_and_normalize(network: nn.Module, initialization: Initialization, *, embeddings: bool) -> None:
    """Draw the weights of all layers, orthogonal or from N(0, 0.02), then normalize them by their spectral norm.

    Biases keep torch's own start, as in BigGAN-PyTorch; class scales of conditional batch norm are drawn around 1.

    Args:
        network: its convolutions, linear layers and embeddings change; none is normalized yet.
        initialization: ``orthogonal`` (Saxe 2013, arXiv 1312.6120; the paper's) or ``normal``.
        embeddings: normalize embeddings too, as in the discriminator; the generator's suffer from it.
    """
    for layer in list(network.modules()):
        if isinstance(layer, nn.Conv2d | nn.Linear | nn.Embedding):
            layer.reset_parameters()
            _draw(layer.weight, initialization)
        elif isinstance(layer, ConditionalBatchNorm2d):
            _draw(layer.shift, initialization)
            _draw(layer.scale, initialization)
            with torch.no_grad():
                layer.scale.add_(1)
        match layer:
            case nn.Conv2d():
                spectral_norm(layer)
            case nn.Linear():
                spectral_norm(layer)
            case nn.Embedding() if embeddings:
                spectral_norm(layer)


def _draw(weight: Tensor, initialization: Initialization) -> None:
    if initialization == "orthogonal":
        nn.init.orthogonal_(weight)
    else:
        nn.init.normal_(weight, 0.0, NORMAL_STD)


class VectorBatchNorm2d(nn.Module):
    """Batch norm whose scale and shift are linear in a vector: ``y = (1 + A c) (x - mean) / sqrt(var + eps) + B c``.

    Args:
        channels: channels of the map.
        condition_dim: length of the vector c.
        bias: whether A c and B c have a bias.
    """

    def __init__(self, *, channels: int, condition_dim: int, bias: bool = False) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, affine=False)
        self.scale = nn.Linear(condition_dim, channels, bias=bias)
        self.shift = nn.Linear(condition_dim, channels, bias=bias)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """Map ``(N, channels, H, W)`` and vectors ``(N, condition_dim)`` to maps of the same shape."""
        return self.norm(x) * (1 + self.scale(condition))[:, :, None, None] + self.shift(condition)[:, :, None, None]

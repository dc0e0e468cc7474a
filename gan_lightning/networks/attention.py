"""Self-attention over the positions of a feature map (Zhang 2018, arXiv 1805.08318)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gan_lightning.networks.checks import check_positive
from gan_lightning.networks.spectral import normalized_if


def stage_with_attention(attention_resolution: int | None, maps: Sequence[int]) -> int | None:
    """Return the first index of a map of that height, or None without attention.

    Raises:
        ValueError: if no map has that height.
    """
    if attention_resolution is None:
        return None
    if attention_resolution not in maps:
        raise ValueError(f"attention_resolution must be one of {sorted(set(maps))}, got {attention_resolution}")
    return maps.index(attention_resolution)


def with_attention(blocks: Iterable[nn.Module], attention: nn.Module, *, behind: int | None) -> list[nn.Module]:
    """Return modules in the order in which data pass them: ``attention`` behind the block of that index, if any."""
    return [m for index, block in enumerate(blocks) for m in ([block, attention] if index == behind else [block])]


class SelfAttention(nn.Module):
    """``y = gamma o + x``, o the attention-weighted sum of the map's values; gamma starts at 0.

    ``beta_ji = softmax_i(f(x_i)^T g(x_j))``, ``o_j = v(sum_i beta_ji h(x_i))`` (eqs. 1-3), with 1x1 convolutions
    f and g to C/8 channels, h to C/2 and v back to C. As in the authors' code, f and h are max-pooled by 2, so that
    each of the H W positions attends to H W / 4.

    Args:
        channels: channels C of the map.
        spectral_norm: normalize the four convolutions.
    """

    def __init__(self, *, channels: int, spectral_norm: bool) -> None:
        check_positive(channels=channels)
        super().__init__()
        inner, values = max(channels // 8, 1), max(channels // 2, 1)
        self.key = self._convolution(channels, inner, spectral_norm)
        self.query = self._convolution(channels, inner, spectral_norm)
        self.value = self._convolution(channels, values, spectral_norm)
        self.output = self._convolution(values, channels, spectral_norm)
        self.gamma = nn.Parameter(torch.zeros(()))

    @staticmethod
    def _convolution(inputs: int, outputs: int, spectral_norm: bool) -> nn.Conv2d:
        convolution = nn.Conv2d(inputs, outputs, 1, bias=False)
        nn.init.xavier_uniform_(convolution.weight)
        return normalized_if(spectral_norm, convolution)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, C, H, W)`` to maps of the same shape; H and W at least 2."""
        query = self.query(x).flatten(2)
        key = F.max_pool2d(self.key(x), 2).flatten(2)
        value = F.max_pool2d(self.value(x), 2).flatten(2)
        weights = torch.softmax(query.transpose(1, 2) @ key, dim=2)
        attended = (value @ weights.transpose(1, 2)).unflatten(2, x.shape[2:])
        return x + self.gamma * self.output(attended)

"""Orthogonal regularization: filters of a layer are held apart in direction, not in length."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from gan_lightning.core.torch_internals import AnyConvolution, AnyTransposedConvolution
from gan_lightning.networks.base import Discriminator
from gan_lightning.networks.equalized import EqualizedConv2d, EqualizedLinear
from gan_lightning.regularizers.base import GeneratorTurn
from gan_lightning.regularizers.historical import Player, check_player
from gan_lightning.regularizers.stabilizer import Stabilizer


def trained_weight(layer: nn.Module) -> Tensor:
    """Return the weight that the optimizer sees, without running the power iteration of spectral norm."""
    if parametrize.is_parametrized(layer, "weight"):
        return layer.parametrizations["weight"].original  # type: ignore[index, union-attr]
    return dict(layer.named_parameters(recurse=False)).get("weight_orig", layer.weight)  # type: ignore[arg-type]


def filters(network: nn.Module) -> Iterator[Tensor]:
    """Return the weights of all linear and convolutional layers, as matrices with one row per output unit."""
    for layer in network.modules():
        if isinstance(layer, EqualizedLinear | EqualizedConv2d):
            yield (layer.weight * layer.scale).flatten(1).float()
        elif isinstance(layer, nn.Linear | AnyConvolution):
            weight = trained_weight(layer)
            if isinstance(layer, AnyTransposedConvolution):
                weight = weight.transpose(0, 1)
            yield weight.flatten(1).float()


MANY_ROWS = 4096


def overlap(matrix: Tensor) -> Tensor:
    """Return ||W W^T * (1 - I)||_F^2, the sum of squared inner products of different rows of ``(rows, columns)``."""
    with torch.autocast(matrix.device.type, enabled=False):
        rows, columns = matrix.shape
        if rows > max(columns, MANY_ROWS):  # W W^T would take gigabytes; W^T W has the same norm
            return (matrix.T @ matrix).square().sum() - matrix.square().sum(dim=1).square().sum()
        gram = matrix @ matrix.T
        return gram.square().sum() - gram.diagonal().square().sum()


class Orthogonal(Stabilizer):
    """Penalizes inner products between different filters of a layer, summed over layers.

    weight * sum_W ||W^T W * (1 - I)||_F^2: Brock et al. 2019 (arXiv 1809.11096), equation 3, where it makes the
    generator fit for the truncation of its latents (weight 1e-4). The authors' PyTorch code adds half of this gradient,
    so that its strength of 1e-4 is a weight of 5e-5. Embeddings, biases and gains are left alone.

    Args:
        weight: beta.
        player: whose weights.

    Raises:
        ValueError: if ``weight`` is negative or ``player`` unknown.
    """

    def __init__(self, *, weight: float = 1e-4, player: Player = "generator") -> None:
        super().__init__()
        if weight < 0:
            raise ValueError(f"weight must be at least 0, got {weight}")
        check_player(player)
        self.weight = weight
        self.player = player

    def _term(self, network: nn.Module) -> Tensor:
        overlaps = [overlap(matrix) for matrix in filters(network)]
        if not overlaps:
            raise ValueError(f"the {self.player} has no linear or convolutional layer to keep orthogonal")
        return self.weight * torch.stack(overlaps).sum()

    def generator_terms(self, turn: GeneratorTurn) -> dict[str, Tensor]:
        """Return the weighted penalty, if the player is the generator."""
        return {"overlap": self._term(turn.generator)} if self.player == "generator" else {}

    def discriminator_terms(self, discriminator: Discriminator) -> dict[str, Tensor]:
        """Return the weighted penalty, if the player is the discriminator."""
        return {"overlap": self._term(discriminator)} if self.player == "discriminator" else {}

"""Historical averaging: a player's parameters are held near their own past."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from gan_lightning.networks.base import Discriminator
from gan_lightning.networks.saved_shape import adopt_saved_shapes
from gan_lightning.regularizers.base import GeneratorTurn
from gan_lightning.regularizers.stabilizer import Stabilizer

PLAYERS = ("generator", "discriminator")
Player = Literal["generator", "discriminator"]


def check_player(player: str) -> None:
    """Refuse an unknown player.

    Raises:
        ValueError: naming the choices.
    """
    if player not in PLAYERS:
        raise ValueError(f"player must be one of {PLAYERS}, got {player!r}")


def flat_parameters(network: nn.Module) -> Tensor:
    """Return all parameters of ``network`` as one float32 vector, with their graph."""
    return torch.cat([parameter.reshape(-1).float() for parameter in network.parameters()])


class HistoricalAveraging(Stabilizer):
    """Pulls a player's parameters to the mean of their past values.

    weight * ||theta - 1/t sum_{i=1}^t theta_i||^2: Salimans et al. 2016 (arXiv 1606.03498), section 3.3. The mean
    is over the parameters before each of the player's steps so far, not including this one. It acts on the network
    alone; heads that train with it are left alone.

    Args:
        weight: factor of the squared distance.
        player: whose parameters.

    Raises:
        ValueError: if ``weight`` is negative or ``player`` unknown.
    """

    follows_steps: bool = True
    mean: Tensor
    steps: Tensor

    def __init__(self, *, weight: float = 1e-4, player: Player = "discriminator") -> None:
        super().__init__()
        if weight < 0:
            raise ValueError(f"weight must be at least 0, got {weight}")
        check_player(player)
        self.weight = weight
        self.player = player
        self.register_buffer("mean", torch.empty(0))
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))
        adopt_saved_shapes(self, ("mean",))

    def _term(self, network: nn.Module) -> Tensor:
        parameters = flat_parameters(network)
        if self.mean.numel() == 0:
            self.mean = parameters.detach().clone()
        distance = (parameters - self.mean).square().sum()
        self.steps += 1
        # a new tensor, since the graph of this step still needs the old one
        self.mean = self.mean + (parameters.detach() - self.mean) / self.steps
        return self.weight * distance

    def generator_terms(self, turn: GeneratorTurn) -> dict[str, Tensor]:
        """Return the weighted squared distance, if the player is the generator."""
        return {"distance": self._term(turn.generator)} if self.player == "generator" else {}

    def discriminator_terms(self, discriminator: Discriminator) -> dict[str, Tensor]:
        """Return the weighted squared distance, if the player is the discriminator."""
        return {"distance": self._term(discriminator)} if self.player == "discriminator" else {}

"""Gradient scaling of two players in half precision: a scaler each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from lightning.pytorch.plugins.precision import MixedPrecision, Precision
from torch.optim import Optimizer

from gan_lightning.core.lightning_internals import unscales_itself
from gan_lightning.core.torch_internals import scaler_like


class PlayerScalers:
    """A gradient scaler per player, so that a step one of them skips leaves the other's scale alone.

    Lightning keeps one scaler in its precision plugin; ``activate`` puts the player's own in its place. Without a
    scaler in the plugin (fp32, bf16) there is nothing to do, and no state.

    Attributes:
        of_player: the scalers by player; empty where nothing is scaled.
    """

    def __init__(self) -> None:
        self.of_player: dict[str, torch.amp.GradScaler] = {}
        self._plugin: MixedPrecision | None = None
        self._states: dict[str, dict[str, Any]] = {}

    def set_up(self, plugin: Precision, players: Sequence[str]) -> None:
        """Copy the plugin's scaler for each player, in the state that was loaded for it if one was."""
        self._plugin = plugin if isinstance(plugin, MixedPrecision) and plugin.scaler is not None else None
        if self._plugin is None:
            return
        first = self._plugin.scaler
        assert first is not None
        self.of_player = {player: scaler_like(first) for player in players}
        for player, state in self._states.items():
            self.of_player[player].load_state_dict(state)

    def activate(self, player: str) -> None:
        """Let the plugin scale with the scaler of ``player``."""
        if self._plugin is not None:
            self._plugin.scaler = self.of_player[player]

    def unscale(self, player: str, optimizer: Optimizer) -> None:
        """Unscale the gradients of an optimizer that would do so in its step, where nobody can measure or clip them.

        Fused optimizers do. For all others Lightning has unscaled the gradients before it asks to clip them.
        """
        if self._plugin is not None and unscales_itself(optimizer):
            self.of_player[player].unscale_(optimizer)

    def state_dict(self) -> dict[str, dict[str, Any]]:
        """Return the scalers' states by player."""
        return {player: scaler.state_dict() for player, scaler in self.of_player.items()}

    def load_state_dict(self, states: dict[str, dict[str, Any]]) -> None:
        """Keep states for the next ``set_up``."""
        self._states = states

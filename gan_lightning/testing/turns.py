"""Watching which parameters each turn moves."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from gan_lightning.models import AdversarialModule
from gan_lightning.models.two_player import PLAYERS


class TurnWatch:
    """Copies both players' parameters before and after each turn, and notes what is wrong.

    Args:
        model: which is about to be trained.

    Attributes:
        violations: a sentence each.
        turns: how many of each player there were.
    """

    def __init__(self, model: AdversarialModule) -> None:
        self.model = model
        self.violations: list[str] = []
        self.turns = dict.fromkeys(PLAYERS, 0)
        self._before: dict[str, list[Tensor]] = {}
        self._open, self._close = model._open_turn, model._close_turn
        model._open_turn, model._close_turn = self._opened, self._closed  # type: ignore[method-assign]

    def _copies(self) -> dict[str, list[Tensor]]:
        return {
            player: [p.detach().clone() for m in self.model.player_modules(player) for p in m.parameters()]
            for player in PLAYERS
        }

    def _opened(self, player: str, log: Any) -> Any:
        self._before = self._copies()
        return self._open(player, log)

    def _closed(self, optimizer: Any, log: Any) -> None:
        active = self.model._active
        passive = "generator" if active == "discriminator" else "discriminator"
        for module in self.model.player_modules(passive):
            if any(p.requires_grad for p in module.parameters()):
                self.violations.append(f"{passive} was not frozen in the {active}'s turn")
        grads = [p.grad for p in self.model._parameters_of[active]]
        if not any(g is not None for g in grads) or not all(g is None or bool(g.isfinite().all()) for g in grads):
            self.violations.append(f"{active} has no gradients, or non-finite ones")
        self._close(optimizer, log)
        after = self._copies()
        if not all(torch.equal(a, b) for a, b in zip(self._before[passive], after[passive], strict=True)):
            self.violations.append(f"the {active}'s turn moved the {passive}")
        if all(torch.equal(a, b) for a, b in zip(self._before[active], after[active], strict=True)):
            self.violations.append(f"the {active}'s turn did not move the {active}")
        self.turns[active] += 1

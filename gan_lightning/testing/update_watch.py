"""Watching which parameters each update moves."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from gan_lightning.models import AdversarialModule, Phase


class UpdateWatch:
    """Copies all players' parameters before and after each update, and notes what is wrong.

    Args:
        model: which is about to be trained.

    Attributes:
        violations: a sentence each.
        updates: how many of each player there were.
    """

    def __init__(self, model: AdversarialModule) -> None:
        self.model = model
        self.violations: list[str] = []
        self.updates: dict[str, int] = {player.name: 0 for player in model.players()}
        self._before: dict[str, list[Tensor]] = {}
        self._prepare, self._close = model.before_update, model.close_update
        model.before_update, model.close_update = self._begun, self._closed  # type: ignore[method-assign, assignment]

    def _copies(self) -> dict[str, list[Tensor]]:
        return {
            player.name: [p.detach().clone() for module in player.modules for p in module.parameters()]
            for player in self.model.players()
        }

    def _begun(self, phase: Phase) -> None:
        self._before = self._copies()
        self._prepare(phase)

    def _closed(self, *arguments: Any) -> None:
        running = self.model.running
        who = " and ".join(running)
        for player in self.model.players():
            frozen = not any(p.requires_grad for module in player.modules for p in module.parameters())
            if frozen == (player.name in running):
                self.violations.append(f"{player.name} was {'' if frozen else 'not '}frozen in an update of {who}")
        for name in running:
            grads = [p.grad for p in self.model.active[name].parameters]
            if not any(g is not None for g in grads) or not all(g is None or bool(g.isfinite().all()) for g in grads):
                self.violations.append(f"{name} has no gradients, or non-finite ones")
        self._close(*arguments)
        after = self._copies()
        for name, copies in after.items():
            moved = not all(torch.equal(a, b) for a, b in zip(self._before[name], copies, strict=True))
            if moved != (name in running):
                self.violations.append(f"an update of {who} {'moved' if moved else 'did not move'} the {name}")
        for name in running:
            self.updates[name] += 1

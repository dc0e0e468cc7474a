"""Watching which parameters each update moves."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from gan_lightning.models import AdversarialModule


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
        self._running: tuple[str, ...] = ()
        self._open, self._close = model.open_update, model.close_update
        model.open_update, model.close_update = self._opened, self._closed  # type: ignore[method-assign, assignment]

    def _copies(self) -> dict[str, list[Tensor]]:
        return {
            player.name: [p.detach().clone() for module in player.modules for p in module.parameters()]
            for player in self.model.players()
        }

    def _opened(self, names: tuple[str, ...]) -> None:
        self._before, self._running = self._copies(), names
        self._open(names)

    def _closed(self, *arguments: Any) -> None:
        who = " and ".join(self._running)
        for player in self.model.players():
            frozen = not any(p.requires_grad for module in player.modules for p in module.parameters())
            if frozen == (player.name in self._running):
                self.violations.append(f"{player.name} was {'' if frozen else 'not '}frozen in an update of {who}")
        for name in self._running:
            grads = [p.grad for p in self.model.active[name].parameters]
            if not any(g is not None for g in grads) or not all(g is None or bool(g.isfinite().all()) for g in grads):
                self.violations.append(f"{name} has no gradients, or non-finite ones")
        self._close(*arguments)
        after = self._copies()
        for name, copies in after.items():
            moved = not all(torch.equal(a, b) for a, b in zip(self._before[name], copies, strict=True))
            if moved != (name in self._running):
                self.violations.append(f"an update of {who} {'moved' if moved else 'did not move'} the {name}")
        for name in self._running:
            self.updates[name] += 1

"""The mechanics of two optimizers in one LightningModule: turns, freezing, clipping, schedules, averaging, saving.

Nothing here knows what a GAN minimises; ``models/base.py`` does.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from typing import Any

import torch
from lightning.pytorch.core.optimizer import LightningOptimizer
from lightning.pytorch.trainer.states import TrainerFn
from torch import Tensor, nn
from torch.nn import Parameter
from torch.optim import Optimizer

from gan_lightning.core import ema
from gan_lightning.core.checkpoint import FORMAT, RECORD, processes_problem
from gan_lightning.core.lightning_internals import attached_trainer
from gan_lightning.core.version import __version__
from gan_lightning.models.player_scalers import PlayerScalers
from gan_lightning.models.scalar_rows import LogsRows
from gan_lightning.models.specimen import check_momentum
from gan_lightning.models.strategies import local_gradients, strategy_problem
from gan_lightning.models.update_rule import UpdateRule
from gan_lightning.networks.base import Generator
from gan_lightning.networks.batch_norm import synchronise_batch_norm

OptimizerFactory = Callable[[Iterable[Parameter]], Optimizer]
PLAYERS = ("discriminator", "generator")
COUNTERS = (
    "images_seen",
    "discriminator_steps",
    "generator_steps",
    "batches_since_generator",
    "images_since_generator",
)


def sum_terms(terms: dict[str, Tensor]) -> Tensor:
    """Add up scalars, at least one."""
    first, *rest = terms.values()
    for term in rest:
        first = first + term
    return first


class TwoPlayerModule(LogsRows):
    """A module whose two players are updated in turns; the base of ``AdversarialModule``.

    Attributes:
        images_seen: real images shown to the discriminator so far, summed over ranks; the unit of all progress.
        discriminator_steps: discriminator updates so far.
        generator_steps: generator updates so far.
        budget_images: training stops once so many images were seen; None: the Trainer decides.
        run_config: the resolved configuration of the run as plain containers, kept in every checkpoint.
    """

    generator: Generator
    generator_ema: Generator | None

    def __init__(self, *, updates: UpdateRule, factories: dict[str, OptimizerFactory]) -> None:
        super().__init__()
        if updates.momentum_schedule is not None:
            for player, factory in factories.items():
                check_momentum(factory, player)
        self.automatic_optimization = False
        self.updates = updates
        self.optimizer_factories = factories
        self.images_seen = 0
        self.discriminator_steps = 0
        self.generator_steps = 0
        self.batches_since_generator = 0
        self.images_since_generator = 0
        self.budget_images: int | None = None
        self.run_config: dict[str, Any] | None = None
        self._scalers = PlayerScalers()
        self._gradient_norm: Tensor | None = None
        self._measure_norm = False
        self._active = "discriminator"
        self._parameters_of: dict[str, list[Parameter]] = {player: [] for player in PLAYERS}

    def player_modules(self, player: str) -> list[nn.Module]:
        """Return the modules that are trained together as ``player``, one of ``PLAYERS``."""
        raise NotImplementedError

    # Setting up. -----------------------------------------------------------------------------------------

    def setup(self, stage: str) -> None:
        """Let batch norm see the batch of all processes.

        Raises:
            ValueError: if the Trainer's strategy or precision does not suit two players.
        """
        if (problem := strategy_problem(self.trainer)) is not None:
            raise ValueError(f"trainer.{problem}")
        if self.trainer.world_size > 1:
            synchronise_batch_norm(self)

    def configure_optimizers(self) -> list[Optimizer]:
        """Build one optimizer per player and remember its learning rates as the schedules' base."""
        for player in PLAYERS:  # a fit that raised in the middle of a turn has left one of them frozen
            self._set_frozen(player, False)
        optimizers = []
        for player in PLAYERS:
            optimizer = self.optimizer_factories[player](self._trainable(player))
            for group in optimizer.param_groups:
                group.setdefault("initial_lr", group["lr"])
                if self.updates.momentum_schedule is not None:
                    group.setdefault("initial_momentum", group["momentum"])
            optimizers.append(optimizer)
        return optimizers

    def _trainable(self, player: str) -> list[Parameter]:
        return [p for module in self.player_modules(player) for p in module.parameters() if p.requires_grad]

    def on_fit_start(self) -> None:
        """Look up once what every step needs; modules are on their device by now."""
        self.diverged = False
        self._parameters_of = {player: self._trainable(player) for player in PLAYERS}
        self._average = ema.Averager(self.generator_ema, self.generator) if self.generator_ema is not None else None
        self._world_size, self._rank, self._device_of_step = self.trainer.world_size, self.global_rank, self.device
        self._clip_norms = {
            "discriminator": self.updates.discriminator_clip_norm,
            "generator": self.updates.generator_clip_norm,
        }
        self._schedules = {
            "discriminator": self.updates.discriminator_schedule,
            "generator": self.updates.generator_schedule,
        }
        self._two_player_optimizers: dict[str, LightningOptimizer] = dict(zip(PLAYERS, self.optimizers(), strict=True))
        self._scalers.set_up(self.trainer.precision_plugin, PLAYERS)

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> int | None:
        """Take no step if the budget is spent already: a finished run was resumed."""
        if self.budget_images is None or self.images_seen < self.budget_images:
            return None
        self.trainer.should_stop = True
        return -1

    def on_fit_end(self) -> None:
        """Leave no parameter frozen."""
        for player in PLAYERS:
            self._set_frozen(player, False)

    # One turn. -------------------------------------------------------------------------------------------

    def _set_frozen(self, player: str, frozen: bool) -> None:
        for parameter in self._parameters_of[player]:
            parameter.requires_grad_(not frozen)

    def _open_turn(self, player: str, log: dict[str, Any] | None) -> LightningOptimizer:
        """Freeze the other player, apply the schedule, and clear the gradients."""
        self._set_frozen("generator" if player == "discriminator" else "discriminator", True)
        self._set_frozen(player, False)
        self._active = player
        self._measure_norm = log is not None
        self._scalers.activate(player)
        optimizer = self._two_player_optimizers[player]
        factor = self._schedules[player].factor(self.images_seen, self.budget_images)
        for group in optimizer.param_groups:
            group["lr"] = group["initial_lr"] * factor
        if (momentum := self.updates.momentum_schedule) is not None:
            for group in optimizer.param_groups:
                group["momentum"] = group["initial_momentum"] * momentum.factor(self.images_seen, self.budget_images)
        optimizer.zero_grad()
        return optimizer

    def _backward(self, terms: dict[str, Tensor], part: int, parts: int, log: dict[str, Any] | None) -> None:
        """Sum the terms of micro-batch ``part`` of 1, ..., ``parts`` and go backward; processes meet at the last."""
        total = (
            torch.stack([term.float() for term in terms.values()]).sum()
            if len(terms) > 1
            else next(iter(terms.values()))
        )
        with local_gradients(self.trainer.strategy) if part < parts else nullcontext():
            self.manual_backward(total / parts if parts > 1 else total)
        if log is not None:
            prefix = self._active[0]
            for name, term in [("loss", total), *terms.items()]:
                key = f"{prefix}/{name}"
                log[key] = log.get(key, 0.0) + term.detach() / parts

    def on_before_optimizer_step(self, optimizer: Optimizer) -> None:
        """Clip the active player's gradients, unscaled."""
        self._scalers.unscale(self._active, optimizer)
        limit = self._clip_norms[self._active]
        if limit is not None or self._measure_norm:
            parameters = self._parameters_of[self._active]
            self._gradient_norm = nn.utils.clip_grad_norm_(parameters, math.inf if limit is None else limit)

    def _close_turn(self, optimizer: LightningOptimizer, log: dict[str, Any] | None) -> None:
        optimizer.step()
        if log is not None:
            prefix = self._active[0]
            log[f"{prefix}/grad_norm"] = self._gradient_norm
            log[f"{prefix}/lr"] = optimizer.param_groups[0]["lr"]

    def _update_average(self, images_seen: int) -> None:
        if self._average is None:
            return
        rule = self.updates
        assert rule.ema_halflife_kimg is not None
        started = images_seen >= rule.ema_start_kimg * 1000
        self._average.update(
            ema.decay(
                self.images_since_generator,
                halflife_kimg=rule.ema_halflife_kimg if started else 0.0,
                images_seen=images_seen,
                rampup=rule.ema_rampup,
            )
        )

    # Saving. ---------------------------------------------------------------------------------------------

    def get_extra_state(self) -> dict[str, int]:
        """Return the counters, which travel inside the state dict."""
        return {name: getattr(self, name) for name in COUNTERS}

    def set_extra_state(self, state: dict[str, int]) -> None:
        """Restore the counters."""
        for name in COUNTERS:
            setattr(self, name, int(state[name]))

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add the run's description, and both gradient scalers, of which Lightning saves one."""
        checkpoint[RECORD] = {
            "format": FORMAT,
            "version": __version__,
            "model": f"{type(self).__module__}.{type(self).__qualname__}",
            "config": self.run_config,
            "images_seen": self.images_seen,
            "processes": self.trainer.world_size,
        }
        checkpoint["gradient_scalers"] = self._scalers.state_dict()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the gradient scalers' states until the fit sets them up.

        Raises:
            ValueError: if another number of processes is to go on with the training.
        """
        trainer = attached_trainer(self)
        if trainer is not None and trainer.state.fn == TrainerFn.FITTING:
            problem = processes_problem(checkpoint[RECORD].get("processes"), trainer.world_size)
            if problem is not None:
                raise ValueError(problem)
        self._scalers.load_state_dict(checkpoint.get("gradient_scalers", {}))

"""Players and phases: who is trained by which optimizer, and the mechanics of an update.

Nothing here knows what a GAN minimizes; ``models/adversarial.py`` does.
"""

from __future__ import annotations

import inspect
import math
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal, Self

import torch
from lightning import LightningModule
from lightning.pytorch.core.optimizer import LightningOptimizer
from lightning.pytorch.plugins.precision import MixedPrecision
from lightning.pytorch.trainer.states import TrainerFn
from lightning.pytorch.utilities import rank_zero_warn
from torch import Tensor, nn
from torch.nn import Parameter
from torch.optim import Optimizer

from gan_lightning.config import node_of
from gan_lightning.core.checkpoint import (
    FORMAT,
    RECORD,
    CheckpointError,
    argument_of,
    processes_problem,
    read_checkpoint,
    stored_model,
)
from gan_lightning.core.ema import Averager
from gan_lightning.core.lightning_internals import attached_trainer, unscales_itself
from gan_lightning.core.process_group import mean_over_ranks
from gan_lightning.core.schedules import Constant, Schedule, arguments_at, is_scheduled
from gan_lightning.core.signatures import inherit_parameters
from gan_lightning.core.torch_internals import scaler_like
from gan_lightning.core.trainer_state import FOREIGN_ENTRIES, VERSION
from gan_lightning.core.version import __version__
from gan_lightning.data.batch import Batch
from gan_lightning.models.misfits import (
    LOADING_ERRORS,
    MisfitError,
    first_of,
    other_entries,
    other_shapes,
    reason_of,
    weights_of,
)
from gan_lightning.models.rebuilding import build_limited, plain_arguments
from gan_lightning.models.strategies import local_gradients, strategy_problem
from gan_lightning.networks.batch_norm import synchronize_batch_norm

COUNTERS = (
    "images_seen",
    "images_loaded",
    "slot",
    "batches_since_generator",
    "images_since_generator",
    "generator_moved",
)

RowObserver = Callable[[Mapping[str, float]], Mapping[str, float]]

OptimizerFactory = Callable[[Iterable[Parameter]], Optimizer]
"""Parameters to an optimizer. The keyword arguments of a ``functools.partial`` may be schedules."""


@dataclass(frozen=True, kw_only=True)
class Player:
    """Modules that are trained together by one optimizer.

    Attributes:
        name: by which phases name it.
        short: prefix of what is logged of its updates: ``<short>/<term>``.
        modules: what is trained.
        held: parameters of ``modules`` that keep their values all the same.
        optimizer: parameters to an optimizer, whose scheduled arguments are set before each update.
        schedule: factor of the optimizer's learning rate over images seen.
        clip_norm: largest global norm of the gradient; None: no clipping.
        replace_nonfinite: what an infinite component of a gradient becomes before each step, with its sign, while NaN
            becomes 0; None: gradients stay as they are.
        averages: copies of the first of ``modules`` that follow them as running averages, in their order.
        average_statistics: see ``Averager``.
    """

    name: str
    short: str
    modules: tuple[nn.Module, ...]
    held: tuple[Parameter, ...] = ()
    optimizer: OptimizerFactory
    schedule: Schedule = field(default_factory=Constant)
    clip_norm: float | None = None
    replace_nonfinite: float | None = None
    averages: tuple[nn.Module, ...] = ()
    average_statistics: bool = False


@dataclass(frozen=True, kw_only=True)
class Phase:
    """One kind of update.

    Attributes:
        name: under which its updates are counted.
        players: those that step, by name; everyone else is frozen. What is logged has the first one's prefix.
        terms: a micro-batch to the named, weighted scalars whose sum is minimized.
        real: the update sees the "same" loader batch as the phase before it, or takes the "next" one. The phases
            from one "next" to another share a batch; a round is over when all have had their turn.
        follows: name of the phase after which this one is due, at every ``every``-th of its updates, the first one
            included; None: at every batch, or for the generator's at every k-th.
        every: see ``follows``.
        repeats: how many updates it makes when it is due.
        batch_factor: how many times over the batch is shown.
        shows_images: whether its batch counts as seen: true of the discriminator's main phase.
    """

    name: str
    players: tuple[str, ...]
    terms: Callable[[Batch], dict[str, Tensor]]
    real: Literal["same", "next"] = "same"
    follows: str | None = None
    every: int = 1
    repeats: int = 1
    batch_factor: int = 1
    shows_images: bool = False


class ActivePlayer:
    """A player during a fit: its parameters, its optimizer, and its gradient scaler where there is one.

    Every player has a scaler of its own, so that a step that one of them skips leaves the scale of the others alone.
    """

    def __init__(self, player: Player, optimizer: LightningOptimizer, plugin: MixedPrecision | None) -> None:
        self.player = player
        self.optimizer = optimizer
        self.parameters = trainable(player)
        self.frozen = False
        keywords = player.optimizer.keywords if isinstance(player.optimizer, partial) else {}
        self.scheduled = {name: argument for name, argument in keywords.items() if is_scheduled(argument)}
        self.plugin = plugin
        self.scaler: torch.amp.GradScaler | None = None
        if plugin is not None:
            assert plugin.scaler is not None
            self.scaler = scaler_like(plugin.scaler)

    def freeze(self, frozen: bool) -> None:
        """Let the parameters take no gradients, or let them again."""
        if frozen != self.frozen:
            for parameter in self.parameters:
                parameter.requires_grad_(not frozen)
            self.frozen = frozen

    def open(self, images_seen: int, horizon_images: int | None) -> None:
        """Set the optimizer's scheduled arguments, clear the gradients, and let this player's scaler scale."""
        arguments = arguments_at(self.scheduled, images_seen, horizon_images) if self.scheduled else {}
        factor = self.player.schedule.value(images_seen, horizon_images)
        for group in self.optimizer.param_groups:
            group.update(arguments)
            group["lr"] = arguments.get("lr", group["initial_lr"]) * factor
        if self.plugin is not None:
            self.plugin.scaler = self.scaler
        self.optimizer.zero_grad()


def trainable(player: Player) -> list[Parameter]:
    """Return the parameters of a player that take gradients."""
    return [p for module in player.modules for p in module.parameters() if p.requires_grad]


def refuse_shared_parameters(players: Sequence[Player]) -> None:
    """Refuse a parameter that two players train: one of them would freeze it while the other learns.

    Raises:
        ValueError: naming both players.
    """
    owner: dict[int, str] = {}
    for player in players:
        for parameter in trainable(player):
            other = owner.setdefault(id(parameter), player.name)
            if other != player.name:
                raise ValueError(
                    f"players {other!r} and {player.name!r} train the same parameter; only one of them may"
                )


def scaling_plugin(plugin: Any) -> MixedPrecision | None:
    """Return Lightning's precision plugin if it scales gradients (fp16), else None."""
    return plugin if isinstance(plugin, MixedPrecision) and plugin.scaler is not None else None


class PlayersModule(LightningModule):
    """The mechanics of updates with any number of players; the base of ``AdversarialModule``.

    Attributes:
        images_seen: real images shown to the discriminator so far, summed over ranks; the unit of all progress.
        images_loaded: real images that the loader has handed over so far, likewise; more than ``images_seen`` where
            a phase takes batches of its own.
        budget_images: number of images seen at which training stops; None: the Trainer decides.
        horizon_images: images over which schedules without an end of their own extend: the budget, or what the
            Trainer's limits amount to; None: neither is known.
        steps: updates so far, by phase.
        slots: the phases of a round, a list for each batch that it takes.
        slot: the number of the batch of the round that is trained on; between two steps, of the one that comes next.
        batches_to_show: how many batches of a round the discriminator is still shown, by slot.
        active: all players of this fit by name, whether they are stepping or not.
        averagers: what moves the averages toward the players' modules.
        batches_since_generator: batches that the discriminator was shown since the generator moved.
        images_since_generator: real images likewise.
        generator_moved: whether the generator has moved in the present round.
        run_config: the resolved configuration of the run as plain containers, kept in every checkpoint; None: there
            is no run, and a checkpoint keeps ``description()``.
        run_data: what tells the run's training data from others, likewise; None: nothing is known.
        empty_epochs: epochs in a row for which the loader had no batch; the second one ends the fit.
        diverged: whether a logged loss was not finite, or reached ``loss_limit``; training stops then.
        latest_scalars: what was logged last.
        row_observers: called with each row of scalars before it is logged; what they return is logged with it.
        loss_limit: a logged loss whose magnitude reaches it counts as diverged, as one that is not finite does.
        first_optimizer_states: what the optimizers of the next fit start from unless it resumes, by player: the state
            of each of its parameters, by their number; empty: nothing.
    """

    _arguments: dict[str, Any]

    def __init_subclass__(cls, **arguments: Any) -> None:
        """Give a variant's constructor, in help texts and config checks, the arguments that it hands on to its base.

        Before 3.11.4, Python takes the arguments of ``__new__`` for those of a class that sets none.
        """
        super().__init_subclass__(**arguments)
        inherit_parameters(cls)

    def __new__(cls, *positional: Any, **named: Any) -> Self:
        """Keep the arguments of the constructor, whichever class it is of, until they have been described."""
        self = super().__new__(cls)
        self._arguments = dict(zip(inspect.signature(cls).parameters, positional, strict=False)) | named
        return self

    def __init__(self) -> None:
        super().__init__()
        self._plain_arguments, self._by_hand = plain_arguments(self._arguments)
        del self._arguments  # they would keep alive what is no longer a part of the model
        # For Lightning's loggers; a checkpoint holds them in its record.
        self.save_hyperparameters(self._plain_arguments)
        self.automatic_optimization = False
        self.images_seen = 0
        self.images_loaded = 0
        self.budget_images: int | None = None
        self.horizon_images: int | None = None
        self.steps: dict[str, int] = {}
        self.slots: list[list[Phase]] = []
        self.slot = 0
        self.batches_to_show: list[int] = []
        self.batches_since_generator = 0
        self.images_since_generator = 0
        self.generator_moved = False
        self.run_config: dict[str, Any] | None = None
        self.run_data: dict[str, Any] | None = None
        self.empty_epochs = 0
        self._loaded_before_epoch = 0
        self.diverged = False
        self.batch_is_checked = False
        self.latest_scalars: dict[str, float] = {}
        self.row_observers: list[RowObserver] = []
        self.loss_limit = math.inf
        self.first_optimizer_states: dict[str, dict[int, Any]] = {}
        self.active: dict[str, ActivePlayer] = {}
        self._world_size, self._rank = 1, 0  # an objective can be evaluated without a fit
        self.averagers: list[Averager] = []
        self._scaler_states: dict[str, dict[str, Any]] = {}
        self._running: tuple[ActivePlayer, ...] = ()
        self._gradient_norms: dict[str, Tensor] = {}
        self._row: dict[str, Any] | None = None

    def players(self) -> list[Player]:
        """Return who is trained; a variant adds its own."""
        raise NotImplementedError

    def phases(self) -> list[Phase]:
        """Return the kinds of update of a round, in their order."""
        raise NotImplementedError

    # A fit. ----------------------------------------------------------------------------------------------

    def setup(self, stage: str) -> None:
        """Hold the weights that keep their values, and let batch norm see the batch of all processes.

        Raises:
            ValueError: if the Trainer's strategy or precision does not suit several players.
        """
        if (problem := strategy_problem(self.trainer)) is not None:
            raise ValueError(f"trainer.{problem}")
        # Before DDP looks for what takes gradients. A fit that raised in the middle of an update has left some frozen.
        self.leave_nobody_frozen()
        for player in self.players():
            for parameter in player.held:
                parameter.requires_grad_(False)
        if self.slot == 0:
            self._row = None  # likewise: no row is open where a round begins
        if self.trainer.world_size > 1:
            synchronize_batch_norm(self)

    def configure_optimizers(self) -> list[Optimizer]:
        """Build one optimizer per player and remember its learning rates as the schedules' base."""
        optimizers = []
        for player in self.players():
            optimizer = with_first_values(player.optimizer)(trainable(player))
            if (state := self.first_optimizer_states.pop(player.name, None)) is not None:
                optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
            for group in optimizer.param_groups:
                group.setdefault("initial_lr", group["lr"])
            optimizers.append(optimizer)
        return optimizers

    def on_fit_start(self) -> None:
        """Look up once what every step needs; modules are on their device by now."""
        self.diverged = self.batch_is_checked = False
        self.empty_epochs = 0
        self._world_size, self._rank, self._device_of_step = self.trainer.world_size, self.global_rank, self.device
        plugin = scaling_plugin(self.trainer.precision_plugin)
        optimizers = self.optimizers()
        players = self.players()
        refuse_shared_parameters(players)
        self.active = {
            player.name: ActivePlayer(player, optimizer, plugin)
            for player, optimizer in zip(
                players, optimizers if isinstance(optimizers, list) else [optimizers], strict=True
            )
        }
        for name, state in self._scaler_states.items():
            active = self.active.get(name)
            if active is not None and (scaler := active.scaler) is not None:
                scaler.load_state_dict(state)
        self.averagers = [
            Averager(average, module, average_statistics=player.average_statistics)
            for player in players
            for average, module in zip(player.averages, player.modules, strict=False)
        ]
        self.slots = slots_of(self.phases())
        showing = [sum(phase.shows_images for phase in slot) for slot in self.slots]
        self.batches_to_show = [sum(showing[slot:]) for slot in range(len(showing))]
        self.steps = {phase.name: self.steps.get(phase.name, 0) for slot in self.slots for phase in slot}
        self.horizon_images = self.budget_images

    def find_horizon(self, images: int) -> None:
        """Derive the horizon from the Trainer's limits, where there is no budget.

        ``max_epochs`` and ``limit_train_batches`` count batches; ``max_steps`` counts the steps of all optimizers.

        Args:
            images: number of images in a batch, over all processes.
        """
        trainer = self.trainer
        limits = []
        if trainer.max_epochs is not None and trainer.max_epochs > 0 and math.isfinite(trainer.num_training_batches):
            limits.append(trainer.max_epochs * trainer.num_training_batches)
        if trainer.max_steps > 0:
            limits.append(trainer.max_steps / self.optimizer_steps_per_batch())
        if limits:
            self.horizon_images = max(1, round(min(limits) * images / self.batches_per_shown_batch()))

    def optimizer_steps_per_batch(self) -> float:
        """Return how many steps of optimizers there are for each batch of the loader, on average."""
        raise NotImplementedError

    def batches_per_shown_batch(self) -> float:
        """Return how many batches of the loader there are for each that the discriminator is shown, on average."""
        raise NotImplementedError

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> int | None:
        """Take no step if the budget is spent already: a finished run was resumed. A round that has begun goes on."""
        if self.budget_images is None or self.images_seen < self.budget_images or self.slot > 0:
            return None
        self.trainer.should_stop = True
        return -1

    def on_train_epoch_start(self) -> None:
        """Note what the loader has handed over so far."""
        self._loaded_before_epoch = self.images_loaded

    def on_train_epoch_end(self) -> None:
        """Stop where the loader has nothing any more: without a limit of epochs, Lightning would ask it forever.

        One epoch without a batch may be the rest of one that a checkpoint was saved at the end of.
        """
        self.empty_epochs = self.empty_epochs + 1 if self.images_loaded == self._loaded_before_epoch else 0
        if self.empty_epochs > 1:
            self.trainer.should_stop = True

    def on_fit_end(self) -> None:
        """Leave no player frozen."""
        self.leave_nobody_frozen()

    def leave_nobody_frozen(self) -> None:
        """Let the parameters of all players take gradients."""
        for active in self.active.values():
            active.freeze(False)

    # An update. ------------------------------------------------------------------------------------------

    @property
    def running(self) -> tuple[str, ...]:
        """Return the names of the players of the present update, or between two updates of the last one."""
        return tuple(active.player.name for active in self._running)

    def open_update(self, names: tuple[str, ...]) -> None:
        """Freeze everyone but the players that step, and ready their optimizers."""
        for name, active in self.active.items():
            active.freeze(name not in names)
        self._running = tuple(map(self.active.__getitem__, names))
        for active in reversed(self._running):  # the first one's scaler is the one that scales the loss
            active.open(self.images_seen, self.horizon_images)
        first, *others = self._running
        for active in others:
            if first.scaler is not None and active.scaler is not None:
                active.scaler.load_state_dict(first.scaler.state_dict())  # they unscale what the first one scales

    def backward_terms(self, phase: Phase, terms: Mapping[str, Tensor], part: int, parts: int) -> None:
        """Go backward from the sum of the terms of micro-batch ``part`` of 1, ..., ``parts``, and note them.

        Processes exchange gradients at the last one.
        """
        values = list(terms.values())
        total = values[0] if len(values) == 1 else torch.stack([term.float() for term in values]).sum()
        with local_gradients(self.trainer.strategy) if part < parts else nullcontext():
            self.manual_backward(total / parts if parts > 1 else total)
        if self._row is not None:
            short = self._running[0].player.short
            if phase.follows is None:
                self.note(f"{short}/loss", total, parts=parts)
            for name, term in terms.items():
                self.note(f"{short}/{name}", term, parts=parts)

    def close_update(self, phase: Phase) -> None:
        """Clip and step the players of the update, one after the other, and note their gradient norms and rates."""
        for active in self._running:
            if active.plugin is not None:
                active.plugin.scaler = active.scaler
            active.optimizer.step()  # which calls ``on_before_optimizer_step``
            if self._row is not None and phase.follows is None:
                short = active.player.short
                self._row[f"{short}/grad_norm"] = self._gradient_norms[active.player.name]
                self._row[f"{short}/lr"] = active.optimizer.param_groups[0]["lr"]

    def on_before_optimizer_step(self, optimizer: Optimizer) -> None:
        """Replace what is not finite in the gradients of the player that steps, and clip them, unscaled.

        A gradient scaler has looked for what is not finite before: it skips the step and lowers its scale all the same.
        """
        (active,) = [active for active in self._running if active.optimizer.optimizer is optimizer]
        if active.scaler is not None and unscales_itself(optimizer):
            # Nobody else could measure or clip them: fused optimizers unscale in their step, after this hook.
            active.scaler.unscale_(optimizer)
        if (largest := active.player.replace_nonfinite) is not None:
            for parameter in active.parameters:
                if parameter.grad is not None:
                    parameter.grad.nan_to_num_(0.0, largest, -largest)
        limit = active.player.clip_norm
        if limit is not None:
            self._gradient_norms[active.player.name] = nn.utils.clip_grad_norm_(active.parameters, limit)
        elif self._row is not None:
            gradients = [parameter.grad for parameter in active.parameters if parameter.grad is not None]
            self._gradient_norms[active.player.name] = nn.utils.get_total_norm(gradients)

    # A row of scalars. -----------------------------------------------------------------------------------

    def note(self, key: str, value: Tensor | float, *, parts: int = 1) -> None:
        """Add the share of a micro-batch of 1, ..., ``parts`` to a scalar of the row that this step logs, if any."""
        if self._row is not None:
            share = value.detach().float() / parts if isinstance(value, Tensor) else value / parts
            self._row[key] = self._row.get(key, 0.0) + share

    def reduced_row(self) -> dict[str, float]:
        """Return the row as numbers: the means over all processes."""
        row = self._row or {}
        local = [value.float().reshape(()) for value in row.values() if isinstance(value, Tensor)]
        means = iter(mean_over_ranks(torch.stack(local)).tolist() if local else [])
        return {name: next(means) if isinstance(value, Tensor) else float(value) for name, value in row.items()}

    def write_row(self) -> None:
        """Send the row to the loggers, with images seen as its axis, and stop the fit if a loss is not finite.

        The loss of a player is that of its main phase, without penalties that step on their own.
        """
        scalars: dict[str, float] = {**self.reduced_row(), "images_seen": self.images_seen}
        self._row = None
        for observer in self.row_observers:
            scalars |= observer(scalars)
        self.latest_scalars = scalars
        for logger in self.trainer.loggers:
            logger.log_metrics(scalars, step=self.images_seen)
        # Lightning's own callbacks (EarlyStopping, ModelCheckpoint) read from here; self.log costs milliseconds.
        self.trainer.callback_metrics.update({name: torch.tensor(value) for name, value in scalars.items()})
        losses = [f"{active.player.short}/loss" for active in self.active.values()]
        diverged = not all(abs(scalars.get(key, 0.0)) < self.loss_limit for key in losses)  # NaN is below nothing
        # a rank that stopped alone would leave the others waiting for it
        if self.trainer.strategy.reduce_boolean_decision(diverged, all=False):
            self.diverged = True
            self.trainer.should_stop = True

    # Saving. ---------------------------------------------------------------------------------------------

    def get_extra_state(self) -> dict[str, Any]:
        """Return the counters, and what was noted so far of a row whose round is not over."""
        state: dict[str, Any] = {name: getattr(self, name) for name in COUNTERS}
        state["steps"] = dict(self.steps)
        if self._row is not None:
            state["row"] = {name: float(value) for name, value in self._row.items()}  # reduced at the end of the step
        return state

    def set_extra_state(self, state: dict[str, Any]) -> None:
        """Restore the counters.

        Raises:
            ValueError: if they are none.
        """
        try:
            counters = {name: type(getattr(self, name))(state[name]) for name in COUNTERS}
            self.steps = {str(name): int(count) for name, count in state["steps"].items()}
            row = state.get("row")
            self._row = None if row is None else {str(name): float(value) for name, value in row.items()}
        except LOADING_ERRORS as error:
            raise ValueError(f"_extra_state does not hold the model's counters ({reason_of(error)})") from error
        for name, value in counters.items():
            setattr(self, name, value)

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> Any:
        """Take over weights, averages and counters.

        Args:
            state_dict: of a model of this kind.
            strict: refuse entries that are missing or that this model does not have.
            assign: as in torch.

        Raises:
            MisfitError: if they are of another model, naming the first entries that do not fit.
        """
        if strict and (wrong := other_entries(self.state_dict(), state_dict)):  # torch passes over a missing counter
            raise MisfitError(first_of(wrong))
        try:
            return super().load_state_dict(state_dict, strict, assign)
        except LOADING_ERRORS as error:
            raise MisfitError(first_of(other_shapes(self.state_dict(), state_dict)) or reason_of(error)) from error

    def replaced_parts(self) -> list[str]:
        """Return the dotted keys of the parts that are no longer as they were when the model was built."""
        return []

    def description(self) -> tuple[dict[str, Any], list[str]]:
        """Return the node that builds this model again, and the dotted keys of parts built by hand, which it lacks."""
        by_hand = list(dict.fromkeys([*self._by_hand, *self.replaced_parts()]))
        lacking = {argument_of(key) for key in by_hand}
        target = (node_of(self) or {}).get("_target_", dotted_name(type(self)))
        arguments = {name: value for name, value in self._plain_arguments.items() if name not in lacking}
        return {"_target_": target, **arguments}, by_hand

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add the run's description, and every player's gradient scaler: Lightning saves only one.

        Without a run, the description is that of the model alone.
        """
        record = {
            "format": FORMAT,
            "version": __version__,
            "model": dotted_name(type(self)),
            "config": self.run_config,
            "data": self.run_data,
            "images_seen": self.images_seen,
            "processes": self.trainer.world_size,
        }
        if self.run_config is None:
            node, by_hand = self.description()
            record |= {"config": {"model": node}, "by_hand": by_hand}
            if by_hand:
                rank_zero_warn(
                    f"{', '.join(by_hand)}: built by hand, so this checkpoint alone cannot rebuild the model; "
                    "parts that gan_lightning.create_model or gan_lightning.config.build makes are described in it"
                )
        checkpoint[RECORD] = record
        for key in (self.CHECKPOINT_HYPER_PARAMS_KEY, self.CHECKPOINT_HYPER_PARAMS_NAME):
            checkpoint.pop(key, None)  # Lightning's copy of what the record says
        scalers = {name: active.scaler for name, active in self.active.items()}
        checkpoint["gradient_scalers"] = {name: s.state_dict() for name, s in scalers.items() if s is not None}

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
        self._scaler_states = checkpoint.get("gradient_scalers", {})

    @classmethod
    def load_from_checkpoint(  # type: ignore[override]  # Lightning's is a descriptor like a classmethod
        cls,
        checkpoint_path: str | os.PathLike[str],
        map_location: Any = None,
        hparams_file: Any = None,
        strict: bool | None = None,
        weights_only: bool | None = True,
        *,
        trust: bool = False,
        **parts: Any,
    ) -> Self:
        """Build the model of a checkpoint again, ready to be trained.

        Args:
            checkpoint_path: the file.
            map_location: as in Lightning; None: where the tensors were.
            hparams_file: as in Lightning.
            strict: as in Lightning.
            weights_only: as in Lightning.
            trust: build whatever it names, also outside the packages known to be harmless.
            **parts: arguments of the constructor that replace those of the file; parts built by hand must be given.

        Raises:
            CheckpointError: if the file cannot be used, is of another class, or lacks a part that is not given.
            ConfigError: if the file names something that is refused.
        """
        checkpoint = read_checkpoint(checkpoint_path)
        name = checkpoint[RECORD].get("model")
        if name != dotted_name(cls):
            raise CheckpointError(f"{checkpoint_path} holds a {name}, not a {dotted_name(cls)}")
        if VERSION not in checkpoint:
            raise CheckpointError(f"{checkpoint_path} was not written by a Trainer: it has no {VERSION}")
        if foreign := [key for key in FOREIGN_ENTRIES if key in checkpoint]:
            raise CheckpointError(f"{checkpoint_path} has {foreign[0]}, which Lightning would take for arguments")
        node = stored_model(checkpoint, given=parts)
        nodes = {f"model.{key}": value for key, value in node.items() if key != "_target_" and key not in parts}
        built = build_limited(nodes, checkpoint["state_dict"], checkpoint_path, trust=trust)
        arguments = {key.removeprefix("model."): value for key, value in built.items()}
        with weights_of(checkpoint_path):
            loaded: Self = super().load_from_checkpoint(
                Path(checkpoint_path), map_location, hparams_file, strict, weights_only, **arguments, **parts
            )
        return loaded


def dotted_name(cls: type) -> str:
    """Return what a config calls a class."""
    return f"{cls.__module__}.{cls.__qualname__}"


def slots_of(phases: Sequence[Phase]) -> list[list[Phase]]:
    """Return the phases of a round in a list for each batch that it takes.

    Raises:
        ValueError: if two phases have one name, or one follows none.
    """
    names = [phase.name for phase in phases]
    if len(set(names)) < len(names):
        raise ValueError(f"phases must have different names, got {names}")
    for phase in phases:
        if phase.follows is not None and phase.follows not in names:
            raise ValueError(f"phase {phase.name!r} follows {phase.follows!r}, which is not one of {names}")
        if phase.follows is not None and phase.real == "next":
            raise ValueError(f"phase {phase.name!r} follows {phase.follows!r}, whose batch it must see")
    slots: list[list[Phase]] = []
    for phase in phases:
        if not slots or phase.real == "next":
            slots.append([])
        if phase.follows is not None and phase.follows not in {before.name for before in slots[-1]}:
            raise ValueError(f"phase {phase.name!r} follows {phase.follows!r}, which must come before it on its batch")
        slots[-1].append(phase)
    return slots


def with_first_values(factory: OptimizerFactory) -> OptimizerFactory:
    """Return the factory with the first number of each schedule among its arguments in place of the schedule."""
    if not isinstance(factory, partial):
        return factory
    return partial(factory.func, *factory.args, **arguments_at(factory.keywords, 0, 1))

"""The training step that every variant shares, from top to bottom."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any, NotRequired, TypedDict, cast

import torch
from torch import Tensor, nn
from torch.nn import Parameter

from gan_lightning.augment.base import Augmentation
from gan_lightning.core import ema
from gan_lightning.core.schedules import Scalar, value_at
from gan_lightning.core.seeding import seed_step
from gan_lightning.data.base import RealDataModule
from gan_lightning.data.batch import Batch, as_batch, check_batch
from gan_lightning.losses.base import AdversarialLoss
from gan_lightning.models import compatibility
from gan_lightning.models.hub import SharedModel
from gan_lightning.models.outputs import DiscriminatorOutput, GeneratedBatch, share_ranked_right
from gan_lightning.models.players import OptimizerFactory, Phase, Player, PlayersModule
from gan_lightning.models.priors import Prior
from gan_lightning.models.rebuilding import plain_arguments
from gan_lightning.models.sampling import Sampling
from gan_lightning.models.statistics import BatchNormStatistics
from gan_lightning.models.update_rule import UpdateRule
from gan_lightning.networks.base import Discriminator, Generator
from gan_lightning.regularizers.base import DiscriminatorTurn, GeneratorTurn, Regularizer
from gan_lightning.regularizers.stabilizer import Stabilizer

ROW_KEYS = frozenset({"adversarial", "loss", "real", "fake", "heldout", "accuracy", "grad_norm", "lr"})
"""What every row says of a player, so that no penalty can be logged under it."""


class Parts(TypedDict):
    """The arguments that every variant hands on to ``AdversarialModule``, which describes them."""

    generator: Generator
    discriminator: Discriminator
    loss: AdversarialLoss
    generator_optimizer: OptimizerFactory
    discriminator_optimizer: OptimizerFactory
    prior: Prior
    updates: UpdateRule
    regularizers: NotRequired[Mapping[str, Regularizer] | None]
    augment: NotRequired[Augmentation | None]
    stabilizers: NotRequired[Mapping[str, Stabilizer] | None]
    statistics: NotRequired[BatchNormStatistics | None]


class AdversarialModule(Sampling, SharedModel, PlayersModule):
    """A generator against a discriminator: the generator moves once for every k batches that the discriminator sees.

    Read ``training_step`` first: it says all that happens in a step, in order; ``run_phase`` makes one update, and
    ``end_round`` averages, logs and stops. A round takes one batch, or two where a phase takes the "next" one; each of
    them is a slot. How players are frozen, step, clip, scale, and how rows are logged is in ``players.py``:
    ``open_update``, ``backward_terms``, ``close_update``.

    A variant overrides the ``*_condition`` and ``*_terms`` hooks for its algorithm, ``player_modules`` to train a
    network together with one of the two players, and ``players`` and ``phases`` for another loop. The names
    "discriminator" and "generator" are what counters, rows and the ratio of updates go by.

    Args:
        generator: latent vectors to samples.
        discriminator: samples to logits.
        loss: adversarial loss of logits.
        generator_optimizer: parameters to an optimizer; the arguments of a ``functools.partial`` may be schedules.
        discriminator_optimizer: likewise.
        prior: distribution of the latent vectors.
        updates: order, ratio, accumulation, clipping, schedules, averaging and seed of the updates.
        regularizers: penalties of either player, by the name they are logged under.
        augment: transformation of everything the discriminator sees.
        stabilizers: further techniques, by name.
        statistics: what the generator's batch norm takes when samples are drawn; None: its running statistics, and
            the protocol of a score does not name them.

    Raises:
        ValueError: if the parts do not fit together.
    """

    def __init__(
        self,
        *,
        generator: Generator,
        discriminator: Discriminator,
        loss: AdversarialLoss,
        generator_optimizer: OptimizerFactory,
        discriminator_optimizer: OptimizerFactory,
        prior: Prior,
        updates: UpdateRule,
        regularizers: Mapping[str, Regularizer] | None = None,
        augment: Augmentation | None = None,
        stabilizers: Mapping[str, Stabilizer] | None = None,
        statistics: BatchNormStatistics | None = None,
    ) -> None:
        super().__init__()
        self.generator = generator
        self.discriminator = discriminator
        self.loss = loss
        self.generator_optimizer = generator_optimizer
        self.discriminator_optimizer = discriminator_optimizer
        self.prior = prior
        self.updates = updates
        # a ModuleDict is no Mapping to a type checker, and does not know what it holds
        self.regularizers = cast(Mapping[str, Regularizer], nn.ModuleDict(dict(regularizers or {})))
        self.augment = augment
        self.stabilizers = cast(Mapping[str, Stabilizer], nn.ModuleDict(dict(stabilizers or {})))
        self.statistics = statistics
        self._first_parts = plain_arguments(self.parts())
        self.check_parts()
        self.generator_ema: Generator | None = self.average_of(generator)
        self._shared_fakes: dict[int, GeneratedBatch] = {}
        self._micro, self._micros = 1, 1  # the micro-batch at hand, counted from 1, and how many there are

    # Who is trained, and in which phases. --------------------------------------------------------------

    def players(self) -> list[Player]:
        """Return the discriminator and the generator, with the modules that a variant trains with them."""
        updates, average = self.updates, self.generator_ema
        return [
            Player(
                name="discriminator",
                short="d",
                modules=self.player_modules("discriminator"),
                held=self.held_weights("discriminator"),
                optimizer=self.discriminator_optimizer,
                schedule=updates.discriminator_schedule,
                clip_norm=updates.discriminator_clip_norm,
                replace_nonfinite=updates.replace_nonfinite,
            ),
            Player(
                name="generator",
                short="g",
                modules=self.player_modules("generator"),
                held=self.held_weights("generator"),
                optimizer=self.generator_optimizer,
                schedule=updates.generator_schedule,
                clip_norm=updates.generator_clip_norm,
                replace_nonfinite=updates.replace_nonfinite,
                averages=() if average is None else (average,),
                average_statistics=updates.ema_buffers == "averaged",
            ),
        ]

    def player_modules(self, player: str) -> tuple[nn.Module, ...]:
        """Return the modules that are trained together as "generator" or as "discriminator"."""
        return (self.generator,) if player == "generator" else (self.discriminator,)

    def held_weights(self, player: str) -> tuple[Parameter, ...]:
        """Return the weights of the blocks that ``updates`` freezes, of each network of a player.

        Raises:
            ValueError: if one has fewer blocks, or declares none.
        """
        key = f"freeze_{player}"
        count: int | None = getattr(self.updates, key)
        networks = [m for m in self.player_modules(player) if isinstance(m, Generator | Discriminator)]
        return tuple(p for network in networks for p in compatibility.first_blocks(network, count, key=key))

    def phases(self) -> list[Phase]:
        """Return one phase for each player, and one for each penalty that steps on its own, in the order of a round."""
        discriminator = Phase(
            name="discriminator",
            players=("discriminator",),
            terms=self.discriminator_objective,
            shows_images=True,
        )
        generator = Phase(
            name="generator",
            players=("generator",),
            terms=self.generator_objective,
            repeats=self.updates.generator_steps_per_turn,
            batch_factor=self.updates.generator_batch_factor,
        )
        order = [discriminator, generator] if self.updates.first == "discriminator" else [generator, discriminator]
        if self.updates.generator_batch == "next":
            order[1] = replace(order[1], real="next")
        return [phase for main in order for phase in (main, *self.penalty_phases(main))]

    def penalty_phases(self, main: Phase) -> list[Phase]:
        """Return a phase for each penalty that steps on its own.

        It is due after its player's updates on a batch, once for each of updates 0, n, 2n, ... among them.
        """
        return [
            Phase(
                name=name,
                players=main.players,
                terms=partial(self.penalty_objective, name),
                follows=main.name,
                every=penalty.interval,
            )
            for name, penalty in self.regularizers.items()
            if penalty.own_step and penalty.player == main.name
        ]

    # A step. -------------------------------------------------------------------------------------------

    def training_step(self, batch: Any, batch_idx: int) -> None:
        """Run the phases that are due on one batch.

        Args:
            batch: anything ``as_batch`` accepts; images float32 ``(N, C, H, W)`` in [-1, 1].
            batch_idx: Lightning's; not used, since it restarts with every epoch and every resume.
        """
        loaded, batch = batch, as_batch(batch)
        if loaded is not batch or not self.batch_is_checked:  # later batches of our own loaders are like the first
            self.refuse_unfit_batch(batch)
        images = len(batch) * self._world_size
        if self.horizon_images is None:
            self.find_horizon(images)
        # A generator that moves first, on a batch of its own, leaves the batch to the discriminator when it is not due.
        while not (due := self.due_phases()):
            self.slot = (self.slot + 1) % len(self.slots)
        if self.slot == 0 and self.row_is_due():
            self._row = {}
        # All that is random below depends on (seed, rank, images_seen, slot) alone: a resumed run draws it again. The
        # slot tells the two batches of a round apart, of which only the discriminator's is counted as seen.
        seed_step(self.updates.seed, self._rank, self.images_seen, self._device_of_step, slot=self.slot)
        if self.augment is not None:
            self.augment.set_progress(self.images_seen, self.horizon_images)
        batch = self.prepare_batch(batch)
        if self.updates.fakes == "shared":
            self.share_fakes(batch, due)
        for phase, times in due:
            for repeat in range(1, times + 1):
                self.run_phase(phase, batch, logged=repeat == times)
        self._shared_fakes.clear()
        if self.end_step(due, images):
            self.end_round()

    def due_phases(self) -> list[tuple[Phase, int]]:
        """Return the phases that are due on the batch at hand, each with how often it runs."""
        times: dict[str, int] = {}
        due = []
        for phase in self.slots[self.slot]:
            if phase.follows is not None:
                before = self.steps[phase.follows]
                count = sum((before + time) % phase.every == 0 for time in range(times[phase.follows]))
            elif phase.name == "generator":
                count = phase.repeats if self.generator_is_due() else 0
            else:
                count = phase.repeats
            times[phase.name] = count
            if count:
                due.append((phase, count))
        return due

    def generator_is_due(self) -> bool:
        """Say whether the generator moves in this round: at every k-th batch that the discriminator is shown.

        The batches that the discriminator is still to be shown in this round count, so that whoever moves first, the
        ratio of updates is the same.
        """
        return self.batches_since_generator + self.batches_to_show[self.slot] >= self.critic_steps_now()

    def critic_steps_now(self) -> float:
        """Return how many batches the discriminator is shown for each move of the generator.

        Below 1, as 1/k, the generator moves at every batch and makes k updates there.
        """
        return self.updates.critic_steps

    def row_is_due(self) -> bool:
        """Say whether this round logs: the generator moves in it, and a row is due.

        One is due with its first move, and whenever the discriminator has passed a multiple of n updates since its last
        move. n is the Trainer's ``log_every_n_steps``. Saved counters alone decide, so a resumed run logs at the same
        places.
        """
        every: int = self.trainer.log_every_n_steps  # type: ignore[attr-defined]
        if every == 0 or not self.generator_is_due():
            return False
        done = self.steps["discriminator"]
        at_last_move = done - self.batches_since_generator
        return at_last_move == 0 or (done + 1) // every > at_last_move // every

    def prepare_batch(self, batch: Batch) -> Batch:
        """Return the real samples as this step shows them to the discriminator."""
        return batch

    def share_fakes(self, batch: Batch, due: list[tuple[Phase, int]]) -> None:
        """Generate, before anyone moves, the samples that both players learn from on this batch.

        ``UpdateRule`` allows it only where each player makes one update on the very same batch. The graph is kept
        through the discriminator's update, for the generator's.
        """
        if {"discriminator", "generator"} <= {phase.name for phase, _ in due}:
            self.active["generator"].freeze(False)  # the last update may have left it frozen
            for number, part in enumerate(batch.chunk(self.updates.accumulate), start=1):
                self._shared_fakes[number] = self.make_fakes(part)

    def run_phase(self, phase: Phase, batch: Batch, *, logged: bool) -> None:
        """Run one update: the players of the phase learn, everyone else is frozen.

        Args:
            phase: the one that the update belongs to.
            batch: the whole batch of this process.
            logged: whether it writes into the open row, if there is one; of several updates, the last one does.
        """
        row = self._row
        if not logged:
            self._row = None  # nothing is noted
        self.before_update(phase)
        self.open_update(phase.players)  # freezes the others, sets rates and scaler, clears the gradients
        if phase.batch_factor > 1:
            batch = batch.tile(phase.batch_factor)
        parts = batch.chunk(self.updates.accumulate)
        for number, part in enumerate(parts, start=1):
            self._micro, self._micros = number, len(parts)
            self.backward_terms(phase, phase.terms(part), number, len(parts))  # adds the gradient of sum / parts
        self.close_update(phase)  # each player: unscales, replaces what is not finite, clips, steps
        if phase.shows_images and self.augment is not None:
            self.augment.end_step()
        self.steps[phase.name] += 1
        self._row = row

    def before_update(self, phase: Phase) -> None:
        """Act before an update; a variant clips weights here."""

    # What the discriminator minimizes. -----------------------------------------------------------------

    def discriminator_objective(self, batch: Batch) -> dict[str, Tensor]:
        """Return the discriminator's terms on one micro-batch: the variant's, the due penalties', the stabilizers'."""
        fakes = self.fakes_without_graph(batch)
        condition = self.discriminator_condition(batch)
        due = self.due_penalties("discriminator")
        real_images, fake_images = batch.images, fakes.images
        if due and (sharing := [penalty for penalty in due.values() if penalty.shares_forward]):
            # These penalties differentiate the logits of the adversarial term by these leaves, before augmentation, in
            # the precision of autocast; the others show samples to ``critic`` again, in float32.
            if fakes.views and any(penalty.needs_fakes for penalty in sharing):
                raise ValueError(
                    "model.regularizers: shares_forward = true differentiates by the generated samples, whose other "
                    "views do not depend on them; use shares_forward = false"
                )
            real_images = real_images.detach().requires_grad_(True)
            fake_images = fake_images.detach().requires_grad_(True)
        real, fake = self.discriminate_both(real_images, replace(fakes, images=fake_images), condition)
        terms = self.discriminator_terms(batch, fakes, real, fake)
        if due:
            turn = replace(
                self.discriminator_turn(batch, fakes, condition),
                real_logits=real.logits,
                fake_logits=fake.logits,
                real_leaf=real_images,
                fake_leaf=fake_images,
            )
            for name, penalty in due.items():
                self.add_term(terms, name, self.weighted(penalty, turn))
        for name, stabilizer in self.stabilizers.items():
            for key, term in stabilizer.discriminator_terms(self.discriminator).items():
                self.add_term(terms, f"{name}_{key}", term)
        self.report_logits(real, fake, images=len(batch) * self._world_size)
        return terms

    def discriminator_terms(
        self, batch: Batch, fakes: GeneratedBatch, real: DiscriminatorOutput, fake: DiscriminatorOutput
    ) -> dict[str, Tensor]:
        """Return the named, weighted scalars that the discriminator minimizes the sum of."""
        return {"adversarial": self.loss.discriminator(real.logits, fake.logits).mean()}

    def due_penalties(self, player: str) -> dict[str, Regularizer]:
        """Return the penalties of a player that join this update of its main phase, the first and every n-th after."""
        due = {}
        for name, penalty in self.regularizers.items():
            if penalty.player == player and not penalty.own_step and self.steps.get(player, 0) % penalty.interval == 0:
                due[name] = penalty
        return due

    def discriminator_turn(
        self, batch: Batch, fakes: GeneratedBatch | None, condition: Tensor | None
    ) -> DiscriminatorTurn:
        """Return what penalties may look at in the discriminator's update.

        Logits and leaves stay unset: only the main phase has them. ``critic`` augments what it is shown.
        """

        def critic(samples: Tensor) -> Tensor:
            images = self.from_penalty_space(samples)
            return self.discriminate(images, condition, views=self.real_views(images)).logits

        return DiscriminatorTurn(
            critic=critic,
            real=self.to_penalty_space(batch.images),
            fake=None if fakes is None else self.to_penalty_space(fakes.images),
            images_seen=self.images_seen,
        )

    def report_logits(self, real: DiscriminatorOutput, fake: DiscriminatorOutput, *, images: int) -> None:
        """Tell the augmentation, and the row that is logged, how the discriminator did on a micro-batch."""
        if self.augment is not None:
            self.augment.observe(real.logits.detach() - (self.loss.boundary or 0.0), images)
        if self._row is not None:
            self.note("d/real", real.logits.detach().float().mean(), parts=self._micros)
            self.note("d/fake", fake.logits.detach().float().mean(), parts=self._micros)
            self.note("d/accuracy", share_ranked_right(real.logits, fake.logits), parts=self._micros)

    # What the generator minimizes. ---------------------------------------------------------------------

    def generator_objective(self, batch: Batch) -> dict[str, Tensor]:
        """Return the generator's terms on one micro-batch: the variant's, the due penalties', the stabilizers'."""
        shared = self._shared_fakes.get(self._micro)
        fakes = self.make_fakes(batch) if shared is None else shared
        condition = self.discriminator_condition(batch)
        fake = self.discriminate(fakes.images, condition, views=fakes.views)
        terms = self.generator_terms(batch, fakes, fake)
        due = self.due_penalties("generator")
        if due or self.stabilizers:
            turn = self.generator_turn(batch, fakes)
            for name, penalty in due.items():
                self.add_term(terms, name, self.weighted(penalty, turn))
            for name, stabilizer in self.stabilizers.items():
                for key, term in stabilizer.generator_terms(turn).items():
                    self.add_term(terms, f"{name}_{key}", term)
        return terms

    def generator_terms(self, batch: Batch, fakes: GeneratedBatch, fake: DiscriminatorOutput) -> dict[str, Tensor]:
        """Return the named, weighted scalars that the generator minimizes the sum of.

        A variant adds its own terms here; a term that suits any variant is a stabilizer, or a penalty of the generator.
        """
        real = None
        if self.loss.relativistic:
            with torch.no_grad():
                condition = self.discriminator_condition(batch)
                real = self.discriminate(batch.images, condition, views=self.real_views(batch.images)).logits
        values = self.loss.generator(fake.logits, real)
        for stabilizer in self.stabilizers.values():
            values = stabilizer.generator_values(values, fake.logits, self.images_seen)
        return {"adversarial": values.mean()}

    def generator_turn(self, batch: Batch, fakes: GeneratedBatch | None) -> GeneratorTurn:
        """Return what penalties and stabilizers may look at in the generator's update.

        Without fakes in an update that a penalty makes on its own.
        """
        return GeneratorTurn(
            generator=self.generator,
            discriminator=self.discriminator,
            real=batch.images,
            fake=None if fakes is None else fakes.images,
            condition=None if fakes is None else fakes.condition,
            images_seen=self.images_seen,
            shown=self.shown,
            draw=lambda count: self.draw_inputs(batch.first(count)),
        )

    def penalty_objective(self, name: str, batch: Batch) -> dict[str, Tensor]:
        """Return the one term of an update that a penalty makes on its own.

        A penalty of the generator draws samples of its own; one of the discriminator gets the fakes that the players
        share on this batch, if they do, or else fresh ones.
        """
        penalty = self.regularizers[name]
        turn: DiscriminatorTurn | GeneratorTurn
        if penalty.player == "generator":
            turn = self.generator_turn(batch, None)
        else:
            fakes = self.fakes_without_graph(batch, replaced=False) if penalty.needs_fakes else None
            turn = self.discriminator_turn(batch, fakes, self.discriminator_condition(batch))
        return {name: self.weighted(penalty, turn)}

    def weighted(self, penalty: Regularizer, turn: DiscriminatorTurn | GeneratorTurn) -> Tensor:
        """Return a penalty times its weight, and times its interval, so that its average strength is its weight.

        This holds for penalties that join an update and for those with a step of their own.
        """
        term: Tensor = self.scalar(penalty.weight) * penalty.interval * penalty(turn)
        return term

    @staticmethod
    def add_term(terms: dict[str, Tensor], name: str, term: Tensor) -> None:
        """Add a term of a penalty or stabilizer to the variant's terms.

        Raises:
            ValueError: if there is one of that name, which it would replace.
        """
        if name in terms:
            raise ValueError(f"model.regularizers or model.stabilizers: {name!r} is a term of the model; rename it")
        terms[name] = term

    # Samples and conditions. ---------------------------------------------------------------------------

    def generator_condition(self, batch: Batch) -> Tensor | None:
        """Return what the generator is given besides latents for the fakes that accompany ``batch``."""
        return None

    def discriminator_condition(self, batch: Batch) -> Tensor | None:
        """Return the condition under which the discriminator judges ``batch`` and its fakes."""
        return None

    def draw_inputs(self, batch: Batch) -> tuple[Tensor, Tensor | None]:
        """Draw latents ``(N, latent_dim)`` and their condition for as many samples as ``batch`` has."""
        latents = self.prior.draw(len(batch), self.generator.latent_dim, device=batch.images.device)
        return latents, self.generator_condition(batch)

    def make_fakes(self, batch: Batch) -> GeneratedBatch:
        """Generate as many samples as ``batch`` has, from fresh latents, and the other views that are shown of them."""
        latents, condition = self.draw_inputs(batch)
        return GeneratedBatch(self.generate(latents, condition), latents, condition)

    def fakes_without_graph(self, batch: Batch, *, replaced: bool = True) -> GeneratedBatch:
        """Return the samples that the discriminator learns from on a micro-batch.

        Args:
            batch: the real samples of the micro-batch.
            replaced: let stabilizers replace some, which may exchange them for older ones that they keep.
        """
        with torch.no_grad():
            shared = self._shared_fakes.get(self._micro)
            fakes = self.make_fakes(batch) if shared is None else shared.detached()
            images = fakes.images
            for stabilizer in self.stabilizers.values() if replaced else ():
                images = stabilizer.discriminator_fakes(images)
        if fakes.views and images is not fakes.images:
            raise ValueError("model.stabilizers: one replaces generated samples, but not the other views of them")
        return replace(fakes, images=images)

    def real_views(self, images: Tensor) -> tuple[Tensor, ...]:
        """Return the other views of samples that come without them: real ones, and points that a penalty asks about.

        Views are further tensors that the discriminator is shown of each sample, such as a smaller copy of it.
        """
        return ()

    def discriminate(
        self, images: Tensor, condition: Tensor | None, *, views: tuple[Tensor, ...] = ()
    ) -> DiscriminatorOutput:
        """Show augmented samples to the discriminator, with the other views of them if there are some."""
        shown: Any = self.shown(images)
        if views:
            shown = (shown, *map(self.shown, views))
        features = self.discriminator.features(shown)
        return DiscriminatorOutput(self.discriminator.head(features, condition), features, shown)

    def discriminate_both(
        self, images: Tensor, fakes: GeneratedBatch, condition: Tensor | None
    ) -> tuple[DiscriminatorOutput, DiscriminatorOutput]:
        """Show real and generated samples to the discriminator, one kind after the other."""
        real = self.discriminate(images, condition, views=self.real_views(images))
        return real, self.discriminate(fakes.images, condition, views=fakes.views)

    def shown(self, images: Tensor) -> Tensor:
        """Return what the discriminator is shown of ``images``: augmented ones."""
        return images if self.augment is None else self.augment(images)

    def to_penalty_space(self, images: Tensor) -> Tensor:
        """Return samples in the coordinates in which the regularizers take gradients."""
        return images

    def from_penalty_space(self, images: Tensor) -> Tensor:
        """Return samples as the discriminator takes them, the inverse of ``to_penalty_space``."""
        return images

    def scalar(self, scalar: Scalar) -> float:
        """Return the number that a hyper-parameter is at this step."""
        return value_at(scalar, self.images_seen, self.horizon_images)

    # Outside of training. ------------------------------------------------------------------------------

    def forward(self, latents: Tensor, condition: Tensor | None = None) -> Tensor:
        """Run the generator that samples come from, the averaged one where there is one, in its present mode.

        Args:
            latents: float ``(N, latent_dim)``.
            condition: N labels or codes, of a model that has some.

        Returns:
            ``(N, *sample_shape)``; images in [-1, 1].
        """
        return self.generate(latents, condition, generator=self.network(self.default_weights))

    def predict_step(self, batch: Any, batch_idx: int, dataloader_idx: int = 0) -> Tensor:
        """Return samples by their indices, for ``Trainer.predict``; sample i depends on (updates.seed, i) alone.

        Args:
            batch: indices, int64 ``(N,)``, as ``DataLoader(range(n), batch_size=64)`` yields them.
            batch_idx: Lightning's; not used.
            dataloader_idx: likewise.

        Returns:
            float32 ``(N, *sample_shape)``.

        Raises:
            ValueError: for anything but indices.
        """
        if not isinstance(batch, Tensor) or batch.ndim != 1 or batch.is_floating_point():
            raise ValueError(
                "a loader for predictions must yield indices of samples, int64 (N,), such as "
                f"DataLoader(range(1000), batch_size=64), got {type(batch).__name__}"
            )
        return self.sample_indices(batch.tolist(), seed=self.updates.seed, weights=self.default_weights)

    def validation_step(self, batch: Any, batch_idx: int, dataloader_idx: int = 0) -> None:
        """Log as "d/heldout" the discriminator's mean logit of real samples that it was not trained on.

        Beside "d/real" it tells how far the discriminator knows its training samples by heart. Both are of augmented
        samples; here the discriminator is in evaluation mode.

        Args:
            batch: anything ``as_batch`` accepts; images float32 ``(N, C, H, W)`` in [-1, 1].
            batch_idx: Lightning's; not used.
            dataloader_idx: likewise.
        """
        batch = as_batch(batch)
        condition = self.discriminator_condition(batch)
        logits = self.discriminate(batch.images, condition, views=self.real_views(batch.images)).logits
        self.log("d/heldout", logits.float().mean(), batch_size=len(batch), sync_dist=True)

    # The end of a step, and of a round. ----------------------------------------------------------------

    def end_step(self, due: list[tuple[Phase, int]], images: int) -> bool:
        """Count the batch, and return whether the round is over; ``run_phase`` has counted the updates."""
        self.images_loaded += images
        for phase, _ in due:
            if phase.shows_images:
                self.images_seen += images
                self.images_since_generator += images
                self.batches_since_generator += 1
            if phase.name == "generator":
                self.generator_moved = True
        if len(self.slots) == 1:
            return True
        self.slot += 1
        if self.slot < len(self.slots) and self.due_phases():
            if self._row is not None:
                self._row = self.reduced_row()  # a checkpoint that is written now holds the row of all processes
            return False
        self.slot = 0
        return True

    def end_round(self) -> None:
        """Average the generator if it moved, log the row if there is one, and stop where the budget ends."""
        if self.generator_moved:
            updates = self.updates
            if updates.ema_halflife_kimg is not None:
                # A schedule is read where the interval that is averaged over began. A half-life of 0 makes a copy.
                started = self.images_seen >= updates.ema_start_kimg * 1000
                before = self.images_seen - self.images_since_generator
                decay = ema.decay(
                    self.images_since_generator,
                    halflife_kimg=value_at(updates.ema_halflife_kimg, before, self.horizon_images) if started else 0.0,
                    images_seen=self.images_seen,
                    rampup=updates.ema_rampup,
                )
                for averager in self.averagers:
                    averager.update(decay)
            self.generator_moved = False
            self.batches_since_generator = 0
            self.images_since_generator = 0
        if self._row is not None:
            self.write_row()
        if self.budget_images is not None and self.images_seen >= self.budget_images:
            self.trainer.should_stop = True

    # How long a fit is, and what describes the model. ------------------------------------------------------

    def optimizer_steps_per_batch(self) -> float:
        """Return how many steps of optimizers there are for each batch of the loader, on average."""
        phases = [phase for slot in self.slots for phase in slot]
        updates = {phase.name: float(phase.repeats) for phase in phases} | {"generator": 1 / self.updates.critic_steps}
        steps = sum(len(phase.players) * updates[phase.follows or phase.name] / phase.every for phase in phases)
        return steps / self.batches_per_shown_batch()

    def batches_per_shown_batch(self) -> float:
        """Return 1, or up to 2 where the generator takes batches of its own."""
        # the k updates of 1/k share a batch
        return 1.0 if len(self.slots) == 1 else 1 + min(1.0, 1 / self.updates.critic_steps)

    def parts(self) -> dict[str, Any]:
        """Return the parts that every variant has."""
        mappings = {"regularizers": dict(self.regularizers), "stabilizers": dict(self.stabilizers)}
        return {name: getattr(self, name) for name in Parts.__annotations__} | mappings

    def replaced_parts(self) -> list[str]:
        """Return the dotted keys of the parts that are no longer as they were when the model was built."""
        (before, by_hand_before), (now, by_hand) = self._first_parts, plain_arguments(self.parts())
        changed = [f"model.{name}" for name in before.keys() & now.keys() if before[name] != now[name]]
        return [*(key for key in by_hand if key not in by_hand_before), *sorted(changed)]

    # What fits together. -------------------------------------------------------------------------------

    def check_parts(self) -> None:
        """Refuse parts that do not fit together; a variant adds what it cannot be trained with.

        Raises:
            ValueError: naming the part and the reason.
        """
        made = self.shown_shape()
        compatibility.check_shapes(made, self.discriminator)
        self.check_condition()
        self.prior.check(self.generator.latent_dim)
        for name, penalty in self.regularizers.items():
            if name in ROW_KEYS:
                raise ValueError(f"model.regularizers.{name}: logged rows already have a key of this name; rename it")
            penalty.check(self.generator if penalty.player == "generator" else self.discriminator)
        compatibility.check_augmentation(self.augment, made, self.loss)
        compatibility.check_accumulation(self.updates.accumulate, self.regularizers, self.stabilizers)
        compatibility.check_statistics(self.statistics, self.generator)
        compatibility.first_blocks(self.generator, self.updates.freeze_generator, key="freeze_generator")
        compatibility.first_blocks(self.discriminator, self.updates.freeze_discriminator, key="freeze_discriminator")

    def check_condition(self) -> None:
        """Refuse networks that wait for labels or codes: an unconditional model has neither.

        Raises:
            ValueError: naming the network.
        """
        compatibility.refuse_conditions(self.generator, self.discriminator, type(self).__name__)

    def check_data(self, data: RealDataModule) -> None:
        """Refuse data that the model cannot be trained on, before a run begins; a variant says which.

        Raises:
            ValueError: naming the reason.
        """
        made, real = self.generator.sample_shape, data.sample_shape
        if real is not None and real != made:
            raise ValueError(f"data: its samples have shape {real}, model.generator makes samples of shape {made}")

    def refuse_unfit_batch(self, batch: Batch) -> None:
        """Refuse a batch if the model cannot be trained on it, whatever loader it came from.

        Raises:
            ValueError: naming what is wrong with it.
        """
        weights = next(self.generator.parameters())
        check_batch(
            batch,
            shape=self.generator.sample_shape,
            dtype=weights.dtype,
            classes=self.classes,
            first=not self.batch_is_checked,
        )
        self.batch_is_checked = True

    def check_batch(self, batch_size: int, processes: int) -> None:
        """Refuse a batch that does not divide into what an update divides it into, before a run begins.

        Args:
            batch_size: real samples per discriminator update, over all processes.
            processes: how many train together.

        Raises:
            ValueError: naming the number that the batch size must be a multiple of.
        """
        micro, pack = self.updates.accumulate, self.discriminator.samples_per_logit
        if batch_size % (processes * micro * pack):
            parts = [f"{processes} processes"] if processes > 1 else []
            parts += [f"{micro} micro-batches (model.updates.accumulate)"] if micro > 1 else []
            parts += [f"packs of {pack} samples (model.discriminator)"] if pack > 1 else []
            raise ValueError(
                f"batch_size = {batch_size}: it must be a multiple of {processes * micro * pack}, to divide into "
                f"{' and '.join(parts)}"
            )

    def shown_shape(self) -> tuple[int, ...]:
        """Return the shape of what the discriminator sees of one sample."""
        return self.generator.sample_shape

    def compile_problem(self, player: str) -> str | None:
        """Say why ``torch.compile`` must not touch the networks of ``player``, or return None."""
        twice = [f"model.regularizers.{name}" for name, part in self.regularizers.items() if part.second_order]
        if player == "discriminator" and twice:
            return f"{', '.join(twice)} differentiates its gradient, and a compiled network can be differentiated once"
        return None

    def average_of(self, network: Generator) -> Any:
        """Return a copy of a network that will follow it as a running average; None where nothing is averaged."""
        if self.updates.ema_halflife_kimg is None:
            return None
        return copy.deepcopy(network).requires_grad_(False)

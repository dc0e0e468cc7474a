"""The two-optimizer protocol that every variant shares."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from gan_lightning.augment.base import Augmentation
from gan_lightning.core.seeding import seed_step
from gan_lightning.data.batch import Batch, as_batch
from gan_lightning.losses.base import AdversarialLoss
from gan_lightning.models.priors import Prior
from gan_lightning.models.turns import Fakes, share_ranked_right
from gan_lightning.models.two_player import OptimizerFactory
from gan_lightning.models.update_rule import UpdateRule
from gan_lightning.models.variant import Variant
from gan_lightning.networks.base import Discriminator, Generator
from gan_lightning.regularizers.base import CriticTurn, Regularizer
from gan_lightning.regularizers.stabilizer import GeneratorTurn, Stabilizer


class AdversarialModule(Variant):
    """Two players, one loss: the discriminator learns from every batch, the generator from every k-th.

    A step seeds itself, trains the discriminator with the generator frozen, then, when it is due, the generator
    with the discriminator frozen, and then the average of the generator. A variant overrides ``default_*`` for
    its paper's parts and the ``*_condition`` and ``*_terms`` hooks for its algorithm, all of which ``Variant`` lists.

    Args:
        generator: latent vectors to samples; None: the variant's default.
        discriminator: samples to logits; None: the variant's default.
        loss: adversarial loss of logits; None: the variant's default.
        generator_optimizer: parameters to an optimizer; None: the variant's default.
        discriminator_optimizer: likewise.
        prior: distribution of the latent vectors; None: the variant's default.
        updates: ratio, clipping, schedules, averaging, seed; None: the variant's default.
        regularizers: penalties of the discriminator by the name they are logged under; None: the variant's default.
        augment: transformation of everything the discriminator sees.
        stabilizers: further techniques, by name.

    Raises:
        ValueError: if the parts do not fit together.
    """

    def __init__(
        self,
        *,
        generator: Generator | None = None,
        discriminator: Discriminator | None = None,
        loss: AdversarialLoss | None = None,
        generator_optimizer: OptimizerFactory | None = None,
        discriminator_optimizer: OptimizerFactory | None = None,
        prior: Prior | None = None,
        updates: UpdateRule | None = None,
        regularizers: Mapping[str, Regularizer] | None = None,
        augment: Augmentation | None = None,
        stabilizers: Mapping[str, Stabilizer] | None = None,
    ) -> None:
        super().__init__(
            updates=updates or self.default_updates(),
            factories={
                "discriminator": discriminator_optimizer or self.default_optimizer("discriminator"),
                "generator": generator_optimizer or self.default_optimizer("generator"),
            },
        )
        self.generator = generator if generator is not None else self.default_generator()
        self.discriminator = discriminator if discriminator is not None else self.default_discriminator()
        self.loss = loss or self.default_loss()
        self.prior = prior or self.default_prior()
        self.regularizers = nn.ModuleDict(dict(self.default_regularizers() if regularizers is None else regularizers))
        self.augment = augment
        self.stabilizers = nn.ModuleDict(dict(stabilizers or {}))
        self.check_parts()
        self.generator_ema: Generator | None = None
        if self.updates.ema_halflife_kimg is not None:
            self.generator_ema = copy.deepcopy(self.generator).requires_grad_(False)

    def training_step(self, batch: Any, batch_idx: int) -> None:
        """Run one discriminator turn and, when it is due, one generator turn.

        Args:
            batch: anything ``as_batch`` accepts; images float32 ``(N, C, H, W)`` in [-1, 1].
            batch_idx: Lightning's; not used, since it restarts with every epoch and every resume.
        """
        batch = as_batch(batch)
        seed_step(self.updates.seed, self._rank, self.images_seen, self._device_of_step)
        batch = self.prepare_batch(batch)
        images = len(batch) * self._world_size
        generator_due = self.batches_since_generator + 1 >= self.critic_steps_now()
        log_due = self._log_due(
            generator_due, steps=self.discriminator_steps, since_generator=self.batches_since_generator
        )
        log: dict[str, Tensor | float] | None = {} if log_due else None

        self._discriminator_turn(batch, images, log)
        self.batches_since_generator += 1
        self.images_since_generator += images
        if generator_due:
            steps = self.updates.generator_steps_per_turn
            for step in range(1, steps + 1):
                self._generator_turn(batch, log if step == steps else None)
            self._update_average(self.images_seen + images)
            self.batches_since_generator = 0
            self.images_since_generator = 0
        self.images_seen += images
        if log is not None:
            self._write_log(log)
        if self.budget_images is not None and self.images_seen >= self.budget_images:
            self.trainer.should_stop = True

    def make_fakes(self, batch: Batch) -> Fakes:
        """Generate as many samples as ``batch`` has, from fresh latents."""
        latents = self.prior.draw(len(batch), self.generator.latent_dim, device=batch.images.device)
        condition = self.generator_condition(batch)
        return Fakes(self.generate(latents, condition), latents, condition)

    def discriminator_objective(self, batch: Batch, images: int, log: dict[str, Any] | None) -> dict[str, Tensor]:
        """Return the discriminator's terms on one micro-batch: the variant's, the due penalties', the stabilizers'."""
        with torch.no_grad():
            fakes = self.make_fakes(batch)
            fake_images = fakes.images
            for stabilizer in self._techniques.values():
                fake_images = stabilizer.discriminator_fakes(fake_images)
            fakes = Fakes(fake_images, fakes.latents, fakes.condition)
        condition = self.discriminator_condition(batch)
        real, fake = self.judge(batch.images, condition), self.judge(fakes.images, condition)
        terms = self.discriminator_terms(batch, fakes, real, fake)
        if self.regularizers:
            turn = CriticTurn(
                critic=lambda samples: self.judge(self.from_penalty_space(samples), condition).logits,
                real=self.to_penalty_space(batch.images),
                fake=self.to_penalty_space(fakes.images),
                real_logits=real.logits,
                fake_logits=fake.logits,
                images_seen=self.images_seen,
            )
            for name, regularizer in self._penalties.items():
                if self.discriminator_steps % regularizer.interval == 0:
                    terms[name] = regularizer.weight * regularizer.interval * regularizer(turn)
        for name, stabilizer in self._techniques.items():
            for key, term in stabilizer.discriminator_terms(self.discriminator).items():
                terms[f"{name}_{key}"] = term
        if self.augment is not None:
            self.augment.observe(real.logits.detach() - (self.loss.boundary or 0.0), images)
        if log is not None:
            observed = {
                "d/real": real.logits.detach().float().mean(),
                "d/fake": fake.logits.detach().float().mean(),
                "d/accuracy": share_ranked_right(real.logits, fake.logits),
            }
            for name, value in observed.items():
                log[name] = log.get(name, 0.0) + value / self.updates.accumulate
        return terms

    def generator_objective(self, batch: Batch) -> dict[str, Tensor]:
        """Return the generator's terms on one micro-batch."""
        fakes = self.make_fakes(batch)
        terms = self.generator_terms(batch, fakes, self.judge(fakes.images, self.discriminator_condition(batch)))
        turn = GeneratorTurn(
            generator=self.generator,
            discriminator=self.discriminator,
            real=batch.images,
            fake=fakes.images,
            condition=fakes.condition,
            images_seen=self.images_seen,
            shown=self.shown,
        )
        for name, stabilizer in self._techniques.items():
            for key, term in stabilizer.generator_terms(turn).items():
                terms[f"{name}_{key}"] = term
        return terms

    def _discriminator_turn(self, batch: Batch, images: int, log: dict[str, Any] | None) -> None:
        optimizer = self._open_turn("discriminator", log)
        self.before_discriminator_turn()
        parts = batch.chunk(self.updates.accumulate)
        for number, part in enumerate(parts, start=1):
            self._backward(self.discriminator_objective(part, images // len(parts), log), number, len(parts), log)
        self._close_turn(optimizer, log)
        if self.augment is not None:
            self.augment.end_step()
        self.discriminator_steps += 1

    def _generator_turn(self, batch: Batch, log: dict[str, Any] | None) -> None:
        optimizer = self._open_turn("generator", log)
        parts = batch.tile(self.updates.generator_batch_factor).chunk(self.updates.accumulate)
        for number, part in enumerate(parts, start=1):
            self._backward(self.generator_objective(part), number, len(parts), log)
        self._close_turn(optimizer, log)
        self.generator_steps += 1

"""What a variant says about itself: its paper's parts, what it refuses, and the hooks of its algorithm."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import torch
from torch import Tensor, nn

from gan_lightning.augment.base import Augmentation
from gan_lightning.data.base import RealDataModule
from gan_lightning.data.batch import Batch
from gan_lightning.losses import NonSaturating
from gan_lightning.losses.base import AdversarialLoss
from gan_lightning.models.heads import refuse_classes
from gan_lightning.models.priors import Normal, Prior
from gan_lightning.models.sampling import Sampling
from gan_lightning.models.turns import Fakes, Judgement
from gan_lightning.models.two_player import OptimizerFactory, TwoPlayerModule
from gan_lightning.models.update_rule import UpdateRule
from gan_lightning.networks.base import Discriminator, Generator
from gan_lightning.regularizers.base import Regularizer
from gan_lightning.regularizers.stabilizer import Stabilizer


class Variant(Sampling, TwoPlayerModule):
    """The part of ``AdversarialModule`` that a variant overrides; every method here has a sensible default.

    Attributes:
        generator: latent vectors to samples.
        discriminator: samples to logits.
        loss: adversarial loss of logits.
        prior: distribution of the latent vectors.
        regularizers: penalties of the discriminator by the name they are logged under.
        stabilizers: further techniques, by name.
        augment: transformation of everything the discriminator sees.
    """

    discriminator: Discriminator
    loss: AdversarialLoss
    regularizers: nn.ModuleDict
    stabilizers: nn.ModuleDict
    augment: Augmentation | None

    # What a variant is: its paper's parts. ---------------------------------------------------------------

    def default_generator(self) -> Generator:
        """Build the generator of the variant's paper."""
        raise NotImplementedError

    def default_discriminator(self) -> Discriminator:
        """Build the discriminator of the variant's paper."""
        raise NotImplementedError

    def default_loss(self) -> AdversarialLoss:
        """Return the loss of the variant's paper."""
        return NonSaturating()

    def default_optimizer(self, player: str) -> OptimizerFactory:
        """Return the optimizer of the variant's paper for one of ``PLAYERS``."""
        return lambda parameters: torch.optim.Adam(parameters, lr=2e-4, betas=(0.5, 0.999))

    def default_prior(self) -> Prior:
        """Return the latent distribution of the variant's paper."""
        return Normal()

    def default_updates(self) -> UpdateRule:
        """Return the update rule of the variant's paper, but constant rates: a decay needs to know the run's budget.

        The configuration knows it, and decays where the paper does.
        """
        return UpdateRule()

    def default_regularizers(self) -> Mapping[str, Regularizer]:
        """Return the penalties of the variant's paper, by the name they are logged under."""
        return {}

    def check_parts(self) -> None:
        """Refuse parts that do not fit together; a variant adds what it cannot be trained with.

        Raises:
            ValueError: naming the part and the reason.
        """
        made, judged = self.shown_shape(), self.discriminator.sample_shape
        if made != judged:
            raise ValueError(
                f"model.generator makes samples of shape {made}, model.discriminator judges samples of shape {judged}"
            )
        self.check_condition()
        self.prior.check(self.generator.latent_dim)
        for regularizer in self._penalties.values():
            regularizer.check(self.discriminator)
        if self.augment is not None:
            self.augment.check(made)
            if self.augment.reads_signs and self.loss.boundary is None:
                raise ValueError(
                    f"model.augment: {type(self.augment).__name__} adapts to how often D(real) is above what means "
                    f'"cannot tell", but of the logits of model.loss = {type(self.loss).__name__} only differences '
                    f"mean anything; fix the probability with model.augment.fixed_p"
                )
        self.check_accumulation()

    def check_accumulation(self) -> None:
        """Refuse parts that follow the steps, where a step has several micro-batches.

        Raises:
            ValueError: naming the part.
        """
        if self.updates.accumulate == 1:
            return
        parts = {f"model.regularizers.{name}": part.follows_steps for name, part in self._penalties.items()}
        parts |= {f"model.stabilizers.{name}": part.follows_steps for name, part in self._techniques.items()}
        following = [name for name, follows in parts.items() if follows]
        if following:
            raise ValueError(
                f"model.updates.accumulate = {self.updates.accumulate}: {', '.join(following)} would follow "
                f"micro-batches instead of steps; accumulate must be 1 with it"
            )

    def check_condition(self) -> None:
        """Refuse networks that wait for labels or codes, of which an unconditional model has none.

        Raises:
            ValueError: naming the network.
        """
        for player in ("generator", "discriminator"):
            refuse_classes(getattr(self, player), f"model.{player}", type(self).__name__)
        if self.generator.code_dim is not None:
            raise ValueError(
                f"model.generator: {type(self.generator).__name__} takes codes of length {self.generator.code_dim}, "
                f"but {type(self).__name__} gives none; InfoGAN does"
            )

    def check_data(self, data: RealDataModule) -> None:
        """Refuse data that the model cannot be trained on, before a run begins; a variant says which.

        Raises:
            ValueError: naming the reason.
        """
        made, real = self.generator.sample_shape, data.sample_shape
        if real is not None and real != made:
            raise ValueError(f"data: its samples have shape {real}, model.generator makes samples of shape {made}")

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
        """Shape of what the discriminator is shown of one sample."""
        return self.generator.sample_shape

    @property
    def _penalties(self) -> dict[str, Regularizer]:
        return cast(dict[str, Regularizer], self.regularizers)

    @property
    def _techniques(self) -> dict[str, Stabilizer]:
        return cast(dict[str, Stabilizer], self.stabilizers)

    def player_modules(self, player: str) -> list[nn.Module]:
        """Return the modules that are trained together as ``player``; a variant adds its heads here."""
        return [self.generator] if player == "generator" else [self.discriminator]

    def compile_problem(self, player: str) -> str | None:
        """Say why ``torch.compile`` must not touch the networks of ``player``, or return None."""
        twice = [f"model.regularizers.{name}" for name, part in self._penalties.items() if part.second_order]
        if player == "discriminator" and twice:
            return f"{', '.join(twice)} differentiates its gradient, and a compiled network can be differentiated once"
        return None

    # What a variant does: its algorithm's hooks. ---------------------------------------------------------

    def generator_condition(self, batch: Batch) -> Tensor | None:
        """Return what the generator is given besides latents for the fakes that accompany ``batch``."""
        return None

    def discriminator_condition(self, batch: Batch) -> Tensor | None:
        """Return the condition under which the discriminator judges ``batch`` and its fakes."""
        return None

    def prepare_batch(self, batch: Batch) -> Batch:
        """Return the real samples as this step shows them to the discriminator."""
        return batch

    def to_penalty_space(self, images: Tensor) -> Tensor:
        """Return samples in the coordinates in which the regularizers take gradients."""
        return images

    def from_penalty_space(self, images: Tensor) -> Tensor:
        """Return samples as the discriminator takes them, the inverse of ``to_penalty_space``."""
        return images

    def before_discriminator_turn(self) -> None:
        """Act on the discriminator before each of its updates (weight clipping)."""

    def critic_steps_now(self) -> float:
        """Return how many discriminator updates precede the next generator update."""
        return self.updates.critic_steps

    def judge(self, images: Tensor, condition: Tensor | None) -> Judgement:
        """Show augmented ``images`` to the discriminator."""
        features = self.discriminator.features(self.shown(images))
        return Judgement(self.discriminator.head(features, condition), features)

    def shown(self, images: Tensor) -> Tensor:
        """Return what the discriminator is shown of ``images``: augmented ones."""
        return images if self.augment is None else self.augment(images)

    def discriminator_terms(self, batch: Batch, fakes: Fakes, real: Judgement, fake: Judgement) -> dict[str, Tensor]:
        """Return the named, weighted scalars that the discriminator minimises the sum of."""
        return {"adversarial": self.loss.discriminator(real.logits, fake.logits).mean()}

    def generator_terms(self, batch: Batch, fakes: Fakes, fake: Judgement) -> dict[str, Tensor]:
        """Return the named, weighted scalars that the generator minimises the sum of."""
        real = None
        if self.loss.relativistic:
            with torch.no_grad():
                real = self.judge(batch.images, self.discriminator_condition(batch)).logits
        values = self.loss.generator(fake.logits, real)
        for stabilizer in self._techniques.values():
            values = stabilizer.generator_values(values, fake.logits, self.images_seen)
        return {"adversarial": values.mean()}

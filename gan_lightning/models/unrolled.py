"""The unrolled GAN (Metz 2016, arXiv 1611.02163)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor
from torch.func import functional_call

from gan_lightning.augment.base import Augmentation
from gan_lightning.data.batch import Batch
from gan_lightning.losses import Minimax
from gan_lightning.losses.base import AdversarialLoss
from gan_lightning.models.base import AdversarialModule
from gan_lightning.models.priors import Prior
from gan_lightning.models.specimen import specimen
from gan_lightning.models.turns import Fakes, Judgement
from gan_lightning.models.two_player import OptimizerFactory
from gan_lightning.models.unrolling import check_unrollable, unroll
from gan_lightning.models.update_rule import UpdateRule
from gan_lightning.networks import PointDiscriminator, PointGenerator
from gan_lightning.networks.base import Discriminator, Generator
from gan_lightning.regularizers.base import Regularizer
from gan_lightning.regularizers.stabilizer import Stabilizer


class UnrolledGAN(AdversarialModule):
    """The generator plays against the discriminator as it will be after K more updates, and sees through them.

    ``f_K(theta_G, theta_D) = f(theta_G, theta_D^K(theta_G, theta_D))``, equation 7 of the paper, where theta_D^K are
    the discriminator's parameters after K steps of its own optimizer, from that optimizer's present moments, on
    the samples of the generator's turn. The generator's gradient flows through these steps as well. The steps
    minimise the adversarial term alone: penalties and stabilizers of the discriminator act on its real updates
    only. The discriminator, its buffers and its optimizer are left as they were.

    The defaults are the released toy's: tanh networks of 49,666 and 17,025 parameters for points in the plane,
    Adam with rates 1e-3 and 1e-4 and betas (0.5, 0.999).

    Args:
        unroll_steps: K; at 0 the model is an ordinary GAN.
        objective: ``saddle``, the generator minimises minus the discriminator's loss, real samples included, as
            equation 7 says; or ``loss``, it minimises its own part of ``loss``.
        generator: see ``AdversarialModule``, as all that follow.
        discriminator: samples to logits.
        loss: adversarial loss of logits.
        generator_optimizer: parameters to an optimizer.
        discriminator_optimizer: likewise; Adam or SGD.
        prior: distribution of the latent vectors.
        updates: ratio, clipping, schedules, averaging, seed.
        regularizers: penalties of the discriminator.
        augment: transformation of everything the discriminator sees.
        stabilizers: further techniques.

    Raises:
        ValueError: if ``unroll_steps`` is negative, ``objective`` is unknown, or the parts do not fit together.
    """

    def __init__(
        self,
        *,
        unroll_steps: int = 5,
        objective: Literal["saddle", "loss"] = "saddle",
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
        if unroll_steps < 0:
            raise ValueError(f"model.unroll_steps must be at least 0, got {unroll_steps}")
        if objective not in ("saddle", "loss"):
            raise ValueError(f"model.objective must be 'saddle' or 'loss', got {objective!r}")
        self.unroll_steps = unroll_steps
        super().__init__(
            generator=generator,
            discriminator=discriminator,
            loss=loss,
            generator_optimizer=generator_optimizer,
            discriminator_optimizer=discriminator_optimizer,
            prior=prior,
            updates=updates,
            regularizers=regularizers,
            augment=augment,
            stabilizers=stabilizers,
        )
        self.objective = objective

    def default_generator(self) -> Generator:
        """Return the toy's generator of points in the plane."""
        return PointGenerator(
            latent_dim=256, widths=(128, 128), activation="tanh", batch_norm=False, initialization="orthogonal"
        )

    def default_discriminator(self) -> Discriminator:
        """Return the toy's discriminator of points in the plane."""
        return PointDiscriminator(widths=(128, 128), activation="tanh", initialization="orthogonal")

    def default_loss(self) -> AdversarialLoss:
        """Return the minimax loss."""
        return Minimax()

    def default_optimizer(self, player: str) -> OptimizerFactory:
        """Return Adam with the toy's rates."""
        lr = 1e-3 if player == "generator" else 1e-4
        return lambda parameters: torch.optim.Adam(parameters, lr=lr, betas=(0.5, 0.999))

    def compile_problem(self, player: str) -> str | None:
        """Refuse the discriminator too, through whose updates the generator's gradient flows."""
        if player == "discriminator" and self.unroll_steps:
            return "its unrolled updates are differentiated, and a compiled network can be differentiated once"
        return super().compile_problem(player)

    def check_parts(self) -> None:
        """Refuse an optimizer that cannot be unrolled.

        Raises:
            ValueError: naming it.
        """
        super().check_parts()
        if self.unroll_steps:
            check_unrollable(specimen(self.optimizer_factories["discriminator"]))

    def generator_terms(self, batch: Batch, fakes: Fakes, fake: Judgement) -> dict[str, Tensor]:
        """Return the adversarial term under the discriminator that is ``unroll_steps`` updates ahead."""
        condition = self.discriminator_condition(batch)
        with torch.autocast(fakes.images.device.type, enabled=False):  # gradients of gradients need float32
            real, generated = self.shown(batch.images.float()), self.shown(fakes.images.float())
            # Copies, so that running statistics and power iterations of the look-ahead leave no trace.
            buffers = {name: buffer.clone() for name, buffer in self.discriminator.named_buffers()}

            def logits(parameters: dict[str, Tensor], samples: Tensor) -> Tensor:
                return functional_call(self.discriminator, {**buffers, **parameters}, (samples, condition))

            def loss(parameters: dict[str, Tensor]) -> Tensor:
                return self.loss.discriminator(logits(parameters, real), logits(parameters, generated)).mean()

            ahead = unroll(
                loss,
                dict(self.discriminator.named_parameters()),
                self._two_player_optimizers["discriminator"].optimizer,
                steps=self.unroll_steps,
            )
            real_logits, fake_logits = logits(ahead, real), logits(ahead, generated)
        if self.objective == "saddle":
            values = -self.loss.discriminator(real_logits, fake_logits)
        else:
            values = self.loss.generator(fake_logits, real_logits if self.loss.relativistic else None)
        for stabilizer in self._techniques.values():
            values = stabilizer.generator_values(values, fake_logits, self.images_seen)
        return {"adversarial": values.mean()}

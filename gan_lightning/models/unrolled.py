"""The unrolled GAN (Metz 2016, arXiv 1611.02163)."""

from __future__ import annotations

from typing import Literal, Unpack

import torch
from torch import Tensor
from torch.func import functional_call

from gan_lightning.data.batch import Batch
from gan_lightning.models.adversarial import AdversarialModule, Parts
from gan_lightning.models.outputs import DiscriminatorOutput, GeneratedBatch
from gan_lightning.models.unrolling import check_unrollable, probe_optimizer, unroll


class UnrolledGAN(AdversarialModule):
    """The generator plays against the discriminator as it will be after K more updates, and sees through them.

    ``f_K(theta_G, theta_D) = f(theta_G, theta_D^K(theta_G, theta_D))``, equation 7 of the paper, where theta_D^K are
    the discriminator's parameters after K steps of its own optimizer, from that optimizer's present moments, on
    the samples of the generator's turn. The generator's gradient flows through these steps as well. The steps
    minimize the adversarial term alone: penalties and stabilizers of the discriminator act on its real updates
    only. The discriminator, its buffers and its optimizer are left as they were.

    Args:
        unroll_steps: K; at 0 the model is an ordinary GAN.
        objective: ``saddle``, the generator minimizes minus the discriminator's loss, real samples included, as
            equation 7 says; or ``loss``, it minimizes its own part of ``loss``.
        **parts: as in ``AdversarialModule``.

    Raises:
        ValueError: if ``unroll_steps`` is negative, ``objective`` is unknown, or the parts do not fit together.
    """

    def __init__(
        self,
        *,
        unroll_steps: int = 5,
        objective: Literal["saddle", "loss"] = "saddle",
        **parts: Unpack[Parts],
    ) -> None:
        if unroll_steps < 0:
            raise ValueError(f"model.unroll_steps must be at least 0, got {unroll_steps}")
        if objective not in ("saddle", "loss"):
            raise ValueError(f"model.objective must be 'saddle' or 'loss', got {objective!r}")
        self.unroll_steps = unroll_steps
        super().__init__(**parts)
        self.objective = objective

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
            check_unrollable(probe_optimizer(self.discriminator_optimizer))

    def generator_terms(self, batch: Batch, fakes: GeneratedBatch, fake: DiscriminatorOutput) -> dict[str, Tensor]:
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

            discriminator = self.active["discriminator"]
            learning = {id(parameter) for parameter in discriminator.parameters}
            ahead = unroll(
                loss,
                {name: p for name, p in self.discriminator.named_parameters() if id(p) in learning},
                discriminator.optimizer.optimizer,
                steps=self.unroll_steps,
            )
            real_logits, fake_logits = logits(ahead, real), logits(ahead, generated)
        if self.objective == "saddle":
            values = -self.loss.discriminator(real_logits, fake_logits)
        else:
            values = self.loss.generator(fake_logits, real_logits if self.loss.relativistic else None)
        for stabilizer in self.stabilizers.values():
            values = stabilizer.generator_values(values, fake_logits, self.images_seen)
        return {"adversarial": values.mean()}

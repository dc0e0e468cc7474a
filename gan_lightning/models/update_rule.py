"""How the players take turns: everything about the updates that no paper's algorithm owns."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal, get_args

from gan_lightning.core.schedules import Constant, Scalar, Schedule, smallest_of

First = Literal["discriminator", "generator"]
GeneratorBatch = Literal["same", "next"]
Fakes = Literal["fresh", "shared"]
Buffers = Literal["copied", "averaged"]


@dataclass(frozen=True, kw_only=True)
class UpdateRule:
    """Order, ratio, accumulation, clipping, freezing, schedules, averaging and seed of the players' updates.

    Attributes:
        critic_steps: discriminator updates per generator update, each on fresh real data (``n_critic``). A
            fraction 1/k means k generator updates per discriminator update.
        first: who moves first where both move on one batch.
        generator_batch: whether the generator's update sees the "same" real batch as the discriminator's, or takes
            the "next" one, which the discriminator is not shown; where the generator is first, the discriminator
            takes the next one, which the generator does not see.
        fakes: whether the second of two updates on one batch sees "fresh" samples, or those "shared" with the first,
            generated before either moved.
        generator_batch_factor: samples of a generator update per real image of the batch (2 in WGAN-GP and SNGAN).
        accumulate: micro-batches whose gradients are averaged into one update; must divide the batch.
        generator_clip_norm: largest global norm of the generator's gradient; None: no clipping.
        discriminator_clip_norm: likewise for the discriminator.
        replace_nonfinite: before each update, NaN in a gradient becomes 0, and an infinite component this number, with
            its sign; None: gradients stay as they are.
        freeze_generator: number of the generator's blocks, from the latents' side, that keep their weights; what
            batch and spectral norm follow in them moves on, as in training mode. None: all of it learns.
        freeze_discriminator: likewise for the discriminator, from the samples' side (FreezeD: Mo 2020, arXiv
            2002.10964).
        generator_schedule: factor of the generator's learning rate over images.
        discriminator_schedule: factor of the discriminator's learning rate over images.
        ema_halflife_kimg: half-life of the averaged generator in thousands of images: a number, or a schedule; None:
            no average.
        ema_rampup: the half-life is at most this fraction of the images seen so far; None: no ramp-up.
        ema_start_kimg: until then the average is a copy of the generator.
        ema_buffers: whether the average's statistics of batch norm are "copied" from the generator, or "averaged" as
            its weights are.
        seed: every training step draws from generators seeded by (seed, rank, images seen), and by the number of the
            batch where a round takes several.

    Raises:
        ValueError: for a value out of range.
    """

    critic_steps: float = 1
    first: First = "discriminator"
    generator_batch: GeneratorBatch = "same"
    fakes: Fakes = "fresh"
    generator_batch_factor: int = 1
    accumulate: int = 1
    generator_clip_norm: float | None = None
    discriminator_clip_norm: float | None = None
    replace_nonfinite: float | None = None
    freeze_generator: int | None = None
    freeze_discriminator: int | None = None
    generator_schedule: Schedule = field(default_factory=Constant)
    discriminator_schedule: Schedule = field(default_factory=Constant)
    ema_halflife_kimg: Scalar | None = 10.0
    ema_rampup: float | None = 0.05
    ema_start_kimg: float = 0.0
    ema_buffers: Buffers = "copied"
    seed: int = 0

    def __post_init__(self) -> None:
        ratio = self.critic_steps if self.critic_steps >= 1 else 1 / self.critic_steps if self.critic_steps > 0 else 0
        if not 1 <= ratio < math.inf or abs(ratio - round(ratio)) > 1e-6:
            raise ValueError(
                f"updates.critic_steps must be a positive integer k or a fraction 1/k, got {self.critic_steps}"
            )
        literals = {"first": First, "generator_batch": GeneratorBatch, "fakes": Fakes, "ema_buffers": Buffers}
        for key, choices in literals.items():
            if getattr(self, key) not in get_args(choices):
                raise ValueError(f"updates.{key} must be one of {get_args(choices)}, got {getattr(self, key)!r}")
        for key in ("generator_batch_factor", "accumulate"):
            if getattr(self, key) < 1:
                raise ValueError(f"updates.{key} must be at least 1, got {getattr(self, key)}")
        for key in ("freeze_generator", "freeze_discriminator"):
            value = getattr(self, key)
            if value is not None and value < 1:
                raise ValueError(f"updates.{key} must be at least 1, or null to freeze nothing, got {value}")
        for key in ("generator_clip_norm", "discriminator_clip_norm", "replace_nonfinite", "ema_rampup"):
            value = getattr(self, key)
            if value is not None and value <= 0:
                raise ValueError(f"updates.{key} must be positive or null, got {value}")
        for key in ("ema_halflife_kimg", "ema_start_kimg"):
            value = getattr(self, key)
            if value is not None and smallest_of(value) < 0:
                raise ValueError(f"updates.{key} must be at least 0, got {smallest_of(value)}")
        if self.fakes == "shared":
            reasons = {
                "generator_batch": self.generator_batch == "next",
                "generator_batch_factor": self.generator_batch_factor > 1,
                "critic_steps": self.generator_steps_per_turn > 1,
            }
            for key, excludes in reasons.items():
                if excludes:
                    raise ValueError(
                        f"updates.fakes = shared: both players learn from the same samples once, which "
                        f"updates.{key} = {getattr(self, key)} excludes"
                    )

    @property
    def generator_steps_per_turn(self) -> int:
        """Generator updates in one generator's turn: k when ``critic_steps`` is 1/k, else 1."""
        return 1 if self.critic_steps >= 1 else round(1 / self.critic_steps)

"""Progressive growing, ProGAN (Karras 2017, arXiv 1710.10196)."""

from __future__ import annotations

from typing import Literal, Unpack, get_args

from torch import Tensor

from gan_lightning.core.schedules import Scalar
from gan_lightning.data.batch import Batch
from gan_lightning.models.adversarial import AdversarialModule, Parts
from gan_lightning.models.compatibility import check_weights, require_network
from gan_lightning.models.outputs import DiscriminatorOutput, GeneratedBatch
from gan_lightning.networks import ProgressiveDiscriminator, ProgressiveGenerator
from gan_lightning.networks.growth import FIRST_LEVEL, double, fade, halve

PenaltyResolution = Literal["full", "current"]


class ProGAN(AdversarialModule):
    """Both networks start at 4x4 and grow: each new resolution is faded in, then trained, and so on.

    Section 2 of the paper, with WGAN-GP's loss and penalty and the drift term 0.001 E[D(x)^2] (appendix A.1).
    ``fade_kimg`` images fade a resolution in and ``stable_kimg`` train it. A fade begins and ends with fresh
    optimizer state, as in the authors' code. The batch size is the same at every resolution, where the paper's shrinks.
    A run that starts from the weights of another one grows again.

    Args:
        stable_kimg: thousands of images at a resolution once it is faded in.
        fade_kimg: thousands of images while a resolution is faded in.
        drift_weight: factor of the mean square of the real logits.
        penalty_resolution: whose pixels the regularizers differentiate by. In the authors' code these are the
            "full" image's, whatever is trained, so that a critic of a 2^k times smaller resolution may be 2^k times
            as steep in its own pixels; "current" holds it to the same slope at every resolution.
        **parts: as in ``AdversarialModule``.

    Raises:
        ValueError: for a value out of range, networks that do not grow, or a penalty of the full image's pixels where
            "current" is asked for.
    """

    generator: ProgressiveGenerator
    generator_ema: ProgressiveGenerator | None
    discriminator: ProgressiveDiscriminator

    def __init__(
        self,
        *,
        stable_kimg: float = 600,
        fade_kimg: float = 600,
        drift_weight: Scalar = 0.001,
        penalty_resolution: PenaltyResolution = "full",
        **parts: Unpack[Parts],
    ) -> None:
        for key, value in (("stable_kimg", stable_kimg), ("fade_kimg", fade_kimg)):
            if value <= 0:
                raise ValueError(f"model.{key} must be positive, got {value}")
        check_weights({"drift_weight": drift_weight})
        if penalty_resolution not in get_args(PenaltyResolution):
            choices = get_args(PenaltyResolution)
            raise ValueError(f"model.penalty_resolution must be one of {choices}, got {penalty_resolution!r}")
        super().__init__(**parts)
        self.stable_kimg = stable_kimg
        self.fade_kimg = fade_kimg
        self.drift_weight = drift_weight
        self.penalty_resolution = penalty_resolution
        sharing = [name for name, penalty in self.regularizers.items() if penalty.shares_forward]
        if penalty_resolution == "current" and sharing:
            raise ValueError(
                f"model.penalty_resolution = current: model.regularizers.{sharing[0]}.shares_forward = true "
                "differentiates by the pixels of the full image; it must be false with it"
            )
        self._grow(*self.stage(0))

    def check_parts(self) -> None:
        """Refuse networks that do not grow.

        Raises:
            ValueError: naming the network.
        """
        super().check_parts()
        require_network("generator", self.generator, ProgressiveGenerator)
        require_network("discriminator", self.discriminator, ProgressiveDiscriminator)

    def compile_problem(self, player: str) -> str | None:
        """Refuse both networks, which would be compiled again for every batch."""
        return "it changes with every batch while a resolution is faded in"

    def stage(self, images_seen: int) -> tuple[int, float]:
        """Return log2 of the resolution at ``images_seen``, and the share alpha in [0, 1] of its newest layers."""
        last = self.generator.growth.last_level
        level, left = FIRST_LEVEL, images_seen - self.stable_kimg * 1000
        while level < last and left >= 0:
            level += 1
            if left < self.fade_kimg * 1000:
                return level, left / (self.fade_kimg * 1000)
            left -= (self.fade_kimg + self.stable_kimg) * 1000
        return level, 1.0

    def _grow(self, level: int, alpha: float) -> None:
        networks: list[ProgressiveGenerator | ProgressiveDiscriminator] = [self.generator, self.discriminator]
        if self.generator_ema is not None:
            networks.append(self.generator_ema)
        for network in networks:
            network.grow_to(level=level, alpha=alpha)

    def prepare_batch(self, batch: Batch) -> Batch:
        """Move to the stage that is due, and show the real images as that stage sees them."""
        level, alpha = self.stage(self.images_seen)
        before, alpha_before = self.generator.growth.read()
        if (level, alpha < 1) != (before, alpha_before < 1):
            for active in self.active.values():
                active.optimizer.state.clear()
        self._grow(level, alpha)
        return Batch(fade(batch.images, level=level, alpha=alpha), batch.labels)

    def _halvings_of_penalties(self) -> int:
        if self.penalty_resolution == "full":
            return 0
        return self.generator.growth.last_level - self.generator.growth.read()[0]

    def to_penalty_space(self, images: Tensor) -> Tensor:
        """Shrink to the resolution whose pixels the regularizers differentiate by."""
        return halve(images, self._halvings_of_penalties())

    def from_penalty_space(self, images: Tensor) -> Tensor:
        """Enlarge to the full resolution, which the discriminator undoes."""
        return double(images, self._halvings_of_penalties())

    def discriminator_terms(
        self, batch: Batch, fakes: GeneratedBatch, real: DiscriminatorOutput, fake: DiscriminatorOutput
    ) -> dict[str, Tensor]:
        """Add the drift term."""
        terms = super().discriminator_terms(batch, fakes, real, fake)
        terms["drift"] = self.scalar(self.drift_weight) * real.logits.float().square().mean()
        return terms

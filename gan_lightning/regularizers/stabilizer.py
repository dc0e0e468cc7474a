"""The interface of a stabilizer: a technique that steps in at fixed points of the two turns."""

from __future__ import annotations

from torch import Tensor, nn

from gan_lightning.networks.base import Discriminator
from gan_lightning.regularizers.base import GeneratorTurn


class Stabilizer(nn.Module):
    """Base of all stabilizers; every hook does nothing unless overridden.

    State that must survive a resume lives in buffers.

    Attributes:
        follows_steps: whether its state moves with every step, so that a step may not have several micro-batches.
    """

    follows_steps: bool = False

    def discriminator_fakes(self, fakes: Tensor) -> Tensor:
        """Replace some of the generated samples that the discriminator learns from (replay)."""
        return fakes

    def generator_values(self, values: Tensor, logits: Tensor, images_seen: int) -> Tensor:
        """Select or reweigh the generator's per-sample losses ``(N,)`` by the samples' logits (top-k).

        Logits are ``(N,)``, or patch maps ``(N, 1, h, w)``.
        """
        return values

    def generator_terms(self, turn: GeneratorTurn) -> dict[str, Tensor]:
        """Return further weighted scalars of the generator's loss (feature matching)."""
        return {}

    def discriminator_terms(self, discriminator: Discriminator) -> dict[str, Tensor]:
        """Return further weighted scalars of the discriminator's loss (historical averaging)."""
        return {}

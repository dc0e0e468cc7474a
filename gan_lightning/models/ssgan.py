"""SSGAN (Chen 2018, arXiv 1811.11212)."""

from __future__ import annotations

from typing import Unpack

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan_lightning.core.schedules import Scalar
from gan_lightning.data.batch import Batch
from gan_lightning.models.adversarial import AdversarialModule, Parts
from gan_lightning.models.compatibility import check_features, check_weights
from gan_lightning.models.outputs import DiscriminatorOutput, GeneratedBatch
from gan_lightning.networks.spectral import normalized_if

TURNS = 4


def every_fourth(images: Tensor) -> Tensor:
    """Choose M = max(1, N // 4) of N images: together with their rotations they are as many as a batch."""
    return images[::TURNS][: max(1, len(images) // TURNS)]


def rotated(images: Tensor) -> tuple[Tensor, Tensor]:
    """Rotate every image by 0, 90, 180 and 270 degrees.

    Args:
        images: ``(M, C, R, R)``.

    Returns:
        ``(4 M, C, R, R)``, and the number of quarter turns of each: int64 ``(4 M,)``.
    """
    turned = torch.cat([torch.rot90(images, k, dims=(2, 3)) for k in range(TURNS)])
    return turned, torch.arange(TURNS, device=images.device).repeat_interleave(len(images))


class SSGAN(AdversarialModule):
    """The discriminator also learns by how much an image was turned, which keeps it from forgetting.

    Equations 3 and 4 of the paper, on SNGAN's networks: D minimizes the cross-entropy of the rotation on real
    images (weight 1), G on its own (weight 0.2), by a linear head on D's features, trained with D.

    Args:
        rotation_weight_discriminator: factor of the cross-entropy in D's loss.
        rotation_weight_generator: factor of the cross-entropy in G's loss.
        rotation_spectral_norm: whether the head is normalized, as the authors' code has it wherever the discriminator
            is; the config says the same as ``model.discriminator.spectral_norm``.
        **parts: as in ``AdversarialModule``.

    Raises:
        ValueError: for a negative weight, samples that are not square images, or other parts that do not fit together.
    """

    def __init__(
        self,
        *,
        rotation_weight_discriminator: Scalar = 1.0,
        rotation_weight_generator: Scalar = 0.2,
        rotation_spectral_norm: bool = True,
        **parts: Unpack[Parts],
    ) -> None:
        check_weights(
            {
                "rotation_weight_discriminator": rotation_weight_discriminator,
                "rotation_weight_generator": rotation_weight_generator,
            }
        )
        super().__init__(**parts)
        self.rotation_weight_discriminator = rotation_weight_discriminator
        self.rotation_weight_generator = rotation_weight_generator
        self.rotation_head = normalized_if(rotation_spectral_norm, nn.Linear(self.discriminator.feature_dim, TURNS))

    def check_parts(self) -> None:
        """Refuse samples that cannot be turned, and what hides by how much they were.

        Raises:
            ValueError: naming the part and the reason.
        """
        super().check_parts()
        shape = self.generator.sample_shape
        if len(shape) != 3 or shape[1] != shape[2]:
            raise ValueError(f"SSGAN turns square images; model.generator makes samples of shape {shape}")
        check_features(self.discriminator, reads="SSGAN's rotation")
        if self.augment is not None and self.augment.turns_images:
            # In either order the turns add up, and their sum says nothing about the one that is asked for.
            raise ValueError(
                f"model.augment: {type(self.augment).__name__} turns images itself, so that SSGAN's discriminator "
                "could not tell by how much the model did; for ADA set model.augment.blit=0 and "
                "model.augment.geometry=0, or choose another augmentation"
            )

    def player_modules(self, player: str) -> tuple[nn.Module, ...]:
        """Train the rotation head with the discriminator."""
        return (self.generator,) if player == "generator" else (self.discriminator, self.rotation_head)

    def discriminator_terms(
        self, batch: Batch, fakes: GeneratedBatch, real: DiscriminatorOutput, fake: DiscriminatorOutput
    ) -> dict[str, Tensor]:
        """Add the cross-entropy of real images' rotations."""
        terms = super().discriminator_terms(batch, fakes, real, fake)
        terms["rotation"] = self.scalar(self.rotation_weight_discriminator) * self._rotation_loss(batch.images)
        return terms

    def generator_terms(self, batch: Batch, fakes: GeneratedBatch, fake: DiscriminatorOutput) -> dict[str, Tensor]:
        """Add the cross-entropy of generated images' rotations."""
        terms = super().generator_terms(batch, fakes, fake)
        terms["rotation"] = self.scalar(self.rotation_weight_generator) * self._rotation_loss(fakes.images)
        return terms

    def _rotation_loss(self, images: Tensor) -> Tensor:
        chosen = every_fourth(images)
        # Augmented first: a mirror image of a left turn is a right turn, but a left turn of a mirror image stays one.
        turned, turns = rotated(chosen if self.augment is None else self.augment(chosen))
        return F.cross_entropy(self.rotation_head(self.discriminator.features(turned)).float(), turns)

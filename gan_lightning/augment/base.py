"""The interface of an augmentation of what the discriminator sees."""

from __future__ import annotations

from torch import Tensor, nn


class Augmentation(nn.Module):
    """A differentiable random transformation, applied to real and generated images alike in both turns.

    It draws from torch's global generator, which every training step seeds. State that must survive a resume
    (ADA's probability) lives in buffers.

    Attributes:
        turns_images: whether it may rotate an image, after which its orientation is unknown.
        reads_signs: whether ``observe`` takes a positive number for "real", which needs a loss with a boundary.
    """

    turns_images: bool = False
    reads_signs: bool = False

    def check(self, sample_shape: tuple[int, ...]) -> None:
        """Raise ``ValueError`` if samples of this shape cannot be augmented; called at construction of the model."""

    def forward(self, images: Tensor) -> Tensor:
        """Map images ``(N, C, H, W)`` in [-1, 1] to images of the same shape."""
        raise NotImplementedError

    def set_progress(self, images_seen: int, horizon_images: int | None) -> None:
        """Set what is scheduled, before a step that begins at ``images_seen``; see ``Schedule.value``."""

    def observe(self, real_logits: Tensor, images: int) -> None:
        """See real logits, less the loss's boundary, without graph; ``images`` counts them over all ranks.

        Called for each micro-batch of a discriminator step.
        """

    def end_step(self) -> None:
        """Act at the end of a discriminator step."""


def check_images(augmentation: Augmentation, sample_shape: tuple[int, ...]) -> None:
    """Refuse samples that are not images.

    Raises:
        ValueError: unless their shape is ``(C, H, W)``.
    """
    if len(sample_shape) != 3:
        raise ValueError(
            f"model.augment: {type(augmentation).__name__} transforms images (C, H, W), but the discriminator looks at "
            f"samples of shape {sample_shape}; instance_noise takes any shape"
        )

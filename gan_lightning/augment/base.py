"""The interface of an augmentation of what the discriminator sees."""

from __future__ import annotations

from torch import Tensor, nn


class Augmentation(nn.Module):
    """A differentiable random transformation, applied to real and generated images alike in both turns.

    It draws from torch's global generator, which every training step seeds. State that must survive a resume
    (ADA's probability) lives in buffers.
    """

    def forward(self, images: Tensor) -> Tensor:
        """Images ``(N, C, H, W)`` in [-1, 1] to images of the same shape."""
        raise NotImplementedError

    def observe(self, real_logits: Tensor, images: int) -> None:
        """See the real logits of a discriminator step, without graph; ``images`` counts them over all ranks."""

"""The interface of an adversarial loss, and the shape check at its boundary."""

from __future__ import annotations

import torch
from torch import Tensor


class AdversarialLoss:
    """Turns logits into one loss value per sample, for either player.

    Logits are ``(N,)``, or patch maps ``(N, 1, h, w)``; values are ``(N,)``, the mean over a sample's patches.

    Attributes:
        relativistic: whether the generator's loss needs the logits of real samples.
        boundary: the logit at which the best discriminator cannot tell real from generated; None where a constant
            added to all logits changes nothing, so that no logit means that.
    """

    relativistic: bool = False
    boundary: float | None = None

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return values ``(N,)`` that the discriminator minimizes."""
        raise NotImplementedError

    def generator(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        """Return values ``(N,)`` that the generator minimizes; ``real`` is given when ``relativistic``."""
        raise NotImplementedError


def per_sample(values: Tensor) -> Tensor:
    """Average patch maps ``(N, 1, h, w)`` over each sample; leave ``(N,)`` as it is."""
    return values if values.ndim == 1 else values.flatten(1).mean(dim=1)


def prepared(*logits: Tensor) -> tuple[Tensor, ...]:
    """Check logits, and raise half precision to float32, in which every loss is computed (autocast or not).

    Raises:
        ValueError: for shapes that broadcasting would turn into a wrong loss without a word: unless all logits are
            ``(N,)`` or all ``(N, 1, h, w)``, of one shape.
    """
    raised = []
    for logit in logits:
        if not (logit.ndim == 1 or (logit.ndim == 4 and logit.shape[1] == 1)):
            raise ValueError(f"logits must be (N,) or (N, 1, h, w), got {tuple(logit.shape)}")
        if logit.shape != logits[0].shape:
            raise ValueError(f"real and fake logits differ in shape: {[tuple(logit.shape) for logit in logits]}")
        raised.append(logit if logit.dtype == torch.float64 else logit.float())
    return tuple(raised)

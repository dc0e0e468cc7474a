"""The two losses of the first paper: the minimax game, and its non-saturating form."""

from __future__ import annotations

import math

import torch.nn.functional as F
from torch import Tensor

from gan_lightning.losses.base import AdversarialLoss, per_sample, prepared


def cross_entropy(logit: Tensor, target: float) -> Tensor:
    """Return the binary cross-entropy of logits against one target, elementwise.

    -t log sigmoid(l) - (1 - t) log(1 - sigmoid(l)) = t softplus(-l) + (1 - t) softplus(l), finite for any logit.

    Args:
        logit: logits of any shape.
        target: probability of "real", in [0, 1].
    """
    if target == 1.0:  # spares the second term its memory and its 0 * inf
        return F.softplus(-logit)
    if target == 0.0:
        return F.softplus(logit)
    return target * F.softplus(-logit) + (1 - target) * F.softplus(logit)


class Minimax(AdversarialLoss):
    """The zero-sum game, whose generator gradient saturates while the discriminator wins.

    L_D = softplus(-D(x)) + softplus(D(G(z))), L_G = -softplus(D(G(z))) = log(1 - sigmoid(D(G(z)))):
    Goodfellow et al. 2014 (arXiv 1406.2661), equation 1.
    """

    boundary = 0.0

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """Sum the cross-entropies of real and fake logits ``(N,)`` or ``(N, 1, h, w)``: ``(N,)``, at least 0."""
        real, fake = prepared(real, fake)
        return per_sample(cross_entropy(real, 1.0) + cross_entropy(fake, 0.0))

    def generator(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        """Return the log-probability of "fake" ``(N,)``, at most 0; ``real`` is not looked at."""
        (fake,) = prepared(fake)
        return per_sample(-cross_entropy(fake, 0.0))


class NonSaturating(AdversarialLoss):
    """The logistic loss: minimax for the discriminator, and -log D(G(z)) for the generator.

    L_D = softplus(-D(x)) + softplus(D(G(z))), L_G = softplus(-D(G(z))): Goodfellow et al. 2014
    (arXiv 1406.2661), section 3. With ``real_target`` t < 1 the real term is the cross-entropy against t:
    one-sided label smoothing, Salimans et al. 2016 (arXiv 1606.03498), section 3.4 (t = 0.9 is usual).

    Args:
        real_target: probability of "real" that the discriminator is asked to give real samples.

    Raises:
        ValueError: if ``real_target`` is outside (0, 1].
    """

    def __init__(self, *, real_target: float = 1.0) -> None:
        if not 0 < real_target <= 1:
            raise ValueError(f"real_target must be in (0, 1], got {real_target}")
        self.real_target = real_target
        # the cross-entropies against t and 0, where both kinds are as likely, are least at sigmoid(l) = t / 2
        self.boundary = math.log(real_target / (2 - real_target))

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """Sum the cross-entropies of real and fake logits ``(N,)`` or ``(N, 1, h, w)``: ``(N,)``, at least 0."""
        real, fake = prepared(real, fake)
        return per_sample(cross_entropy(real, self.real_target) + cross_entropy(fake, 0.0))

    def generator(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        """Return the negative log-probability of "real" ``(N,)``, at least 0; ``real`` is not looked at."""
        (fake,) = prepared(fake)
        return per_sample(cross_entropy(fake, 1.0))

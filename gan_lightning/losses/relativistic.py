"""Losses that compare real with fake logits, so that the generator's loss needs both."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, get_args

import torch.nn.functional as F
from torch import Tensor

from gan_lightning.core.process_group import mean_over_ranks
from gan_lightning.losses.base import AdversarialLoss, per_sample, prepared
from gan_lightning.losses.classic import cross_entropy

Kind = Literal["standard", "least_squares", "hinge"]

# Each maps relativistic logits to (value if taken for real, value if taken for fake).
_TERMS: dict[Kind, Callable[[Tensor], tuple[Tensor, Tensor]]] = {
    "standard": lambda logit: (cross_entropy(logit, 1.0), cross_entropy(logit, 0.0)),
    "least_squares": lambda logit: ((logit - 1).square(), (logit + 1).square()),
    "hinge": lambda logit: (F.relu(1 - logit), F.relu(1 + logit)),
}


def given(real: Tensor | None) -> Tensor:
    """Require the real logits of a generator's turn and return them.

    Raises:
        ValueError: if they are missing.
    """
    if real is None:
        raise ValueError("real logits must be given: a relativistic generator loss compares fake with real")
    return real


class RelativisticPairing(AdversarialLoss):
    """Asks whether a real sample looks more real than the fake one it is paired with in the batch (RpGAN).

    L_D = softplus(-(D(x) - D(G(z)))), L_G = softplus(-(D(G(z)) - D(x))): Jolicoeur-Martineau 2018 (arXiv
    1807.00734), there called RSGAN; Huang et al. 2024 (arXiv 2501.05441), equation 2.
    """

    relativistic: bool = True

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """Map logits ``(N,)`` or ``(N, 1, h, w)``, compared index by index, to values ``(N,)``, at least 0."""
        real, fake = prepared(real, fake)
        return per_sample(cross_entropy(real - fake, 1.0))

    def generator(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        """Do as ``discriminator`` does, with the players exchanged.

        Raises:
            ValueError: if ``real`` is missing.
        """
        fake, real = prepared(fake, given(real))
        return per_sample(cross_entropy(fake - real, 1.0))


class RelativisticAverage(AdversarialLoss):
    """Asks whether a sample looks more real than the average sample of the other kind.

    With r = D(x) - mean D(G(z)) and f = D(G(z)) - mean D(x), in D's turn:

    - standard (RaSGAN): L_D = 1/2 [softplus(-r) + softplus(f)]
    - least_squares (RaLSGAN): L_D = 1/2 [(r - 1)^2 + (f + 1)^2]
    - hinge (RaHingeGAN): L_D = 1/2 [relu(1 - r) + relu(1 + f)]

    and L_G is L_D with r and f exchanged: Jolicoeur-Martineau 2018 (arXiv 1807.00734); the half is that of
    its published code. The means run over all logits of the global batch (over all patches of all samples for patch
    maps), so a value depends on its whole batch.

    Args:
        kind: which loss is made relativistic.

    Raises:
        ValueError: for another ``kind``.
    """

    relativistic: bool = True

    def __init__(self, *, kind: Kind = "standard") -> None:
        if kind not in _TERMS:
            raise ValueError(f"kind must be one of {get_args(Kind)}, got {kind!r}")
        self.kind = kind

    def _values(self, above: Tensor, below: Tensor) -> Tensor:
        """Return the values of a player that wants ``above`` to exceed the mean of ``below``, and the reverse."""
        above, below = prepared(above, below)
        taken_for_real, _ = _TERMS[self.kind](above - mean_over_ranks(below.mean()))
        _, taken_for_fake = _TERMS[self.kind](below - mean_over_ranks(above.mean()))
        return per_sample(0.5 * (taken_for_real + taken_for_fake))

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """Map logits ``(N,)`` or ``(N, 1, h, w)`` to values ``(N,)``, at least 0."""
        return self._values(real, fake)

    def generator(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        """Do as ``discriminator`` does, with the players exchanged.

        Raises:
            ValueError: if ``real`` is missing.
        """
        return self._values(fake, given(real))

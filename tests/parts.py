"""The parts that every variant requires, for tests that care about a few of them only."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch

from gan_lightning.losses import NonSaturating
from gan_lightning.models import UpdateRule
from gan_lightning.models.priors import Normal


def parts_with(**given: Any) -> dict[str, Any]:
    """Return the arguments of a variant: those given, and for the rest what DCGAN's paper has."""
    adam = partial(torch.optim.Adam, lr=2e-4, betas=(0.5, 0.999))
    return {
        "loss": NonSaturating(),
        "generator_optimizer": adam,
        "discriminator_optimizer": adam,
        "prior": Normal(),
        "updates": UpdateRule(),
        **given,
    }

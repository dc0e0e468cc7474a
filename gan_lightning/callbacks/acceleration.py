"""Switches that make a step faster and leave its result as it is, up to rounding."""

from __future__ import annotations

from typing import Literal, get_args

import torch
from lightning import Callback, LightningModule, Trainer

from gan_lightning.models.adversarial import AdversarialModule

Compiled = Literal["none", "generator", "both"]


class Acceleration(Callback):
    """Stores convolutions channels-last and compiles networks before training begins.

    A compiled network can be differentiated once. Where a penalty differentiates the discriminator's gradient, only
    the generator can be compiled; sampling and the averaged generator are never compiled.

    Args:
        channels_last: store weights of convolutions with channels last, as the convolutions of tensor cores want them.
        compile: which networks go through ``torch.compile``: "none", "generator" or "both".
        backend: backend of ``torch.compile``.

    Raises:
        ValueError: for another value of ``compile``.
    """

    def __init__(self, *, channels_last: bool = False, compile: Compiled = "none", backend: str = "inductor") -> None:
        super().__init__()
        if compile not in get_args(Compiled):
            raise ValueError(f"callbacks.acceleration.compile must be one of {get_args(Compiled)}, got {compile!r}")
        self.channels_last = channels_last
        self.compiled = {"none": (), "generator": ("generator",), "both": ("discriminator", "generator")}[compile]
        self.backend = backend

    def check(self, model: AdversarialModule) -> None:
        """Refuse what would change the results of ``model``, or nothing at all.

        Raises:
            ValueError: naming the switch and the reason.
        """
        for player in self.compiled:
            if (problem := model.compile_problem(player)) is not None:
                raise ValueError(f"callbacks.acceleration.compile: the {player} cannot be compiled: {problem}")
        if self.channels_last and not any(parameter.ndim == 4 for parameter in model.parameters()):
            raise ValueError("callbacks.acceleration.channels_last: the model has no convolution, so it has no effect")

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Apply the switches, before optimizers and data-parallel wrappers see the parameters."""
        assert isinstance(pl_module, AdversarialModule)
        self.check(pl_module)
        if self.channels_last:
            pl_module.to(memory_format=torch.channels_last)
        if "generator" in self.compiled:
            pl_module.generator.compile(backend=self.backend)
        if "discriminator" in self.compiled:  # which is not called as a whole, but as its features and its head
            discriminator = pl_module.discriminator
            discriminator.features = torch.compile(discriminator.features, backend=self.backend)  # type: ignore[method-assign]

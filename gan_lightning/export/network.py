"""A generator as a plain function of tensors, for programs that know nothing of this package."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from gan_lightning.core.pixels import NonFiniteSamples
from gan_lightning.models.adversarial import AdversarialModule
from gan_lightning.models.sampling import GeneratorInputs, Weights
from gan_lightning.networks.base import Generator

EXAMPLES = 3
"""Rows of the example; not 1, which exporters take for a constant."""


class Plain(nn.Module):
    """Latents, a condition if there is one, and noise inputs if there are some, to float32 images.

    Args:
        generator: in evaluation mode.
        conditional: whether a condition follows the latents.
    """

    def __init__(self, generator: Generator, *, conditional: bool) -> None:
        super().__init__()
        self.generator = generator
        self.conditional = conditional

    def forward(self, latents: Tensor, *further: Tensor) -> Tensor:
        """Run the generator on the condition, if it takes one, and on its noise inputs, in their order."""
        condition, noise = (further[0], further[1:]) if self.conditional else (None, further)
        if noise:  # else it would draw its own, and the program's images would be no function of its inputs
            images = self.generator(latents, condition, noise=noise)
        else:
            images = self.generator(latents) if condition is None else self.generator(latents, condition)
        return images.float()


@dataclass(frozen=True)
class Exportable:
    """What an exporter needs.

    Attributes:
        network: on the CPU, in evaluation mode.
        inputs: name to example, in the order of the arguments.
        images: what the model itself makes of the example.
        example: the same inputs as ``Sampling.render`` takes them.
    """

    network: Plain
    inputs: dict[str, Tensor]
    images: Tensor
    example: GeneratorInputs

    def check(self, images: Tensor, *, tolerance: float, what: str) -> float:
        """Return the largest difference between ``images`` and the model's images.

        Raises:
            NonFiniteSamples: if a pixel is NaN or infinite.
            ValueError: if it is above ``tolerance``.
        """
        if images.shape != self.images.shape:
            raise ValueError(f"{what} made images {tuple(images.shape)}, the model makes {tuple(self.images.shape)}")
        if not images.isfinite().all():
            raise NonFiniteSamples(f"{what} made NaN or infinite pixel values")
        difference = float((images - self.images).abs().max())
        if difference > tolerance:
            raise ValueError(
                f"{what} differs from the model by {difference:.2g}, more than mode.tolerance = {tolerance:g}"
            )
        return difference


def exportable(model: AdversarialModule, weights: Weights) -> Exportable:
    """Copy a model's generator and draw an example of its inputs.

    Raises:
        ValueError: if the model has no such weights.
    """
    example = model.inputs(range(EXAMPLES), seed=0)
    images = model.render(example, weights=weights).cpu()
    trained = model.network(weights)
    with model.as_sampled(trained):
        network = copy.deepcopy(trained).cpu().requires_grad_(False)
    inputs = {"latents": example.latents}
    if example.condition is not None:
        inputs["codes" if example.condition.is_floating_point() else "labels"] = example.condition.cpu()
    inputs |= {f"noise_{number}": maps.cpu() for number, maps in enumerate(example.noise or ())}
    plain = Plain(network.for_export(), conditional=example.condition is not None)
    return Exportable(plain, inputs, images, example)


def batch_dimension(inputs: dict[str, Tensor]) -> tuple[Any, ...]:
    """Say that the first dimension of every input is the same, of any length."""
    first, *further = [{0: torch.export.Dim("batch", min=1)}] * len(inputs)
    return (first, tuple(further)) if further else (first,)

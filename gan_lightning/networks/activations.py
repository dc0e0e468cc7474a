"""Activations by their names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from torch import nn

Activation = Literal["relu", "tanh", "leaky_relu"]

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "leaky_relu": lambda: nn.LeakyReLU(0.2),
}


def activation_layer(activation: Activation) -> nn.Module:
    """Build the layer of that name.

    Raises:
        ValueError: for another name.
    """
    if activation not in ACTIVATIONS:
        raise ValueError(f"activation must be one of {sorted(ACTIVATIONS)}, got {activation!r}")
    return ACTIVATIONS[activation]()

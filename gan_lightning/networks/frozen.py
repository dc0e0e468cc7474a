"""A network inside another one that is never trained: its weights come from elsewhere and stay as they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from gan_lightning.core.determinism import undisturbed_rng
from gan_lightning.core.torch_internals import MovedAlong


class FrozenNetwork(MovedAlong):
    """Runs a network in evaluation mode whose parameters take no gradients; gradients flow through to the input.

    The network is not a submodule: it enters neither the parameters nor the state dict of what it is part of, so that
    optimizers, checkpoints, averages and the exchange between processes do not see it. It follows the module from
    device to device, and from dtype to dtype, and a copy of the module shares it.

    It is loaded when it is first run, so that a model can be rebuilt and sampled from without its weights.

    Args:
        load: returns the network with its weights; what it draws or seeds leaves no trace in the global generators.
    """

    def __init__(self, load: Callable[[], nn.Module]) -> None:
        super().__init__()
        self.load = load
        self._held: list[nn.Module] = []  # shared by all copies; a list, so that it holds no submodules

    @property
    def network(self) -> nn.Module | None:
        """Return the network, or None before it is loaded."""
        return self._held[0] if self._held else None

    def prepare(self, like: Tensor) -> nn.Module:
        """Load the network, unless it is loaded, and return it.

        Args:
            like: a tensor of the device and dtype that the network is to have.
        """
        if not self._held:
            # A tensor that is made in inference mode could never be differentiated through.
            with torch.inference_mode(False), undisturbed_rng(like.device):
                self._held.append(self.load().requires_grad_(False).eval().to(like.device, like.dtype))
        return self._held[0]

    def forward(self, *inputs: Tensor) -> Any:
        """Run the network."""
        return self.prepare(inputs[0])(*inputs)

    def __deepcopy__(self, memo: dict[int, Any]) -> FrozenNetwork:
        """Return a module with the same network: what never changes needs no copy."""
        other = FrozenNetwork(self.load)
        other._held = self._held
        return other

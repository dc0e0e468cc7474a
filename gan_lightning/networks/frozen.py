"""A network inside another one that is never trained: its weights come from elsewhere and stay as they are."""

from __future__ import annotations

from typing import Any

from torch import nn

from gan_lightning.core.torch_internals import MovedAlong


class FrozenNetwork(MovedAlong):
    """Runs a network in evaluation mode whose parameters take no gradients; gradients flow through to the input.

    The network is no submodule: it enters neither the parameters nor the state dict of what it is part of, so that
    optimizers, checkpoints, averages and the exchange between processes do not see it. It follows the module from
    device to device, and from dtype to dtype, and a copy of the module shares it.

    Args:
        network: with its weights loaded.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self._held = (network.requires_grad_(False).eval(),)

    @property
    def network(self) -> nn.Module:
        """Return the network."""
        return self._held[0]

    def forward(self, *inputs: Any) -> Any:
        """Run the network."""
        return self.network(*inputs)

    def __deepcopy__(self, memo: dict[int, Any]) -> FrozenNetwork:
        """Return a module with the same network: what never changes needs no copy."""
        return FrozenNetwork(self.network)

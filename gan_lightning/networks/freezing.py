"""The blocks of a network in the order in which data pass them; the first ones can be frozen (FreezeD)."""

from __future__ import annotations

from collections.abc import Iterable

from torch import nn
from torch.nn import Parameter

Block = tuple[Parameter, ...]
"""The parameters of a block."""


def block_of(*parts: nn.Module | Parameter) -> Block:
    """Return one block of all the parameters of modules, and of parameters that belong to none of them."""
    return tuple(p for part in parts for p in ([part] if isinstance(part, Parameter) else part.parameters()))


def layers_of(modules: Iterable[nn.Module]) -> list[Block]:
    """Return a block for each layer that has a matrix or a kernel; what has none, such as a norm, joins the one before.

    Args:
        modules: in the order in which data pass them.
    """
    blocks: list[Block] = []
    for module in modules:
        parameters = block_of(module)
        if any(parameter.ndim > 1 for parameter in parameters):
            blocks.append(parameters)
        elif blocks:
            blocks[-1] += parameters
    return blocks

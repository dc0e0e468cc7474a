"""Spectral normalization: a layer's weight divided by an estimate of its largest singular value."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrize

Layer = TypeVar("Layer", nn.Conv2d, nn.Linear, nn.Embedding)

# As many as torch's own spectral_norm does: the first estimate is then good on the first forward.
INITIAL_ITERATIONS = 15


def power_iteration(matrix: Tensor, u: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """Do one round ``u <- W v / |W v|``, ``v <- W^T u / |W^T u|`` for W ``(M, K)``, u ``(M,)``, v ``(K,)``."""
    u = F.normalize(matrix @ v, dim=0)
    v = F.normalize(matrix.T @ u, dim=0)
    return u, v


class SpectralNorm(nn.Module):
    """The map ``W -> W / sigma(W)``, ``sigma = u^T W v`` with u, v from power iteration (Miyato 2018, algorithm 1).

    W is a weight seen as a matrix, its first dimension against the rest. Each forward in training mode makes one
    iteration; in evaluation mode u and v stay. Gradients do not pass through u and v. Float32 also under autocast:
    torch's own version multiplies a half-precision product with float32 vectors there.

    Args:
        weight: the weight to normalize, which fixes the shapes of u and v and starts them.

    Source: arXiv 1802.05957.
    """

    u: Tensor
    v: Tensor

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        with torch.no_grad():
            matrix = weight.flatten(1)
            u = F.normalize(torch.randn_like(matrix[:, 0]), dim=0)
            v = F.normalize(torch.randn_like(matrix[0]), dim=0)
            # without memory, as in a rehearsal, there are no numbers to iterate on, and each round is slow
            for _ in range(0 if weight.is_meta else INITIAL_ITERATIONS):
                u, v = power_iteration(matrix, u, v)
        self.register_buffer("u", u)
        self.register_buffer("v", v)

    def forward(self, weight: Tensor) -> Tensor:
        """Normalize a weight of any shape."""
        with torch.autocast(weight.device.type, enabled=False):
            matrix = weight.flatten(1)
            if self.training:
                with torch.no_grad():
                    u, v = power_iteration(matrix, self.u, self.v)
                    self.u.copy_(u)
                    self.v.copy_(v)
            # Copies, because the next forward changes the buffers before this one's backward has read them.
            u, v = self.u.clone(), self.v.clone()
            return weight / torch.dot(u, matrix @ v)


def spectral_norm(layer: Layer) -> Layer:
    """Normalize the weight of a layer in place from now on, and return the layer."""
    # "unsafe" only skips a trial forward, which would make one more iteration and cannot run on the meta device.
    parametrize.register_parametrization(layer, "weight", SpectralNorm(layer.weight), unsafe=True)
    return layer


def normalized_if(enabled: bool, layer: Layer) -> Layer:
    """Return the layer, with spectral norm if ``enabled``."""
    return spectral_norm(layer) if enabled else layer

"""What the transcriptions of training steps share: an optimizer by hand, and latents that are known."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gan_lightning.core.seeding import generator_for
from gan_lightning.models.priors import Prior


class Adam:
    """Kingma 2014 (arXiv 1412.6980), algorithm 1."""

    def __init__(self, network: nn.Module, *, rate: float, betas: tuple[float, float], eps: float) -> None:
        self.parameters = list(network.parameters())
        self.rate, self.betas, self.eps, self.time = rate, betas, eps, 0
        self.m, self.v = ([torch.zeros_like(p) for p in self.parameters] for _ in range(2))

    def step(self, loss: Tensor) -> None:
        """Move the parameters that the loss depends on."""
        gradients = torch.autograd.grad(loss, self.parameters, materialize_grads=True)
        self.time += 1
        with torch.no_grad():
            for p, g, m, v in zip(self.parameters, gradients, self.m, self.v, strict=True):
                m.copy_(self.betas[0] * m + (1 - self.betas[0]) * g)
                v.copy_(self.betas[1] * v + (1 - self.betas[1]) * g**2)
                unbiased = m / (1 - self.betas[0] ** self.time), v / (1 - self.betas[1] ** self.time)
                p.sub_(self.rate * unbiased[0] / (unbiased[1].sqrt() + self.eps))


class Listed(Prior):
    """Hands out latents in float64 one after the other, and keeps them."""

    def __init__(self) -> None:
        self.drawn: list[Tensor] = []

    def draw(self, count: int, dim: int, *, device: torch.device) -> Tensor:
        """Draw from a generator of its own."""
        random = generator_for(5, len(self.drawn))
        self.drawn.append(torch.randn(count, dim, generator=random, dtype=torch.float64))
        return self.drawn[-1]


def largest_difference(found: nn.Module, expected: dict[str, Tensor]) -> float:
    """Return the largest difference between a network's parameters and buffers and those expected."""
    ours = found.state_dict()
    assert ours.keys() == expected.keys()
    return max(float((ours[name] - tensor).abs().max()) for name, tensor in expected.items())

"""The gradient of a critic in its input, which every gradient penalty is built on."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def at_least_float32(tensor: Tensor) -> Tensor:
    """Raise half precision to float32 and leave float64 alone."""
    return tensor if tensor.dtype == torch.float64 else tensor.float()


def input_gradient(critic: Callable[[Tensor], Tensor], samples: Tensor) -> Tensor:
    """Return the gradient of each logit in its sample, itself differentiable in the critic's parameters.

    A critic that gives sample n a logit (or a patch map, which is summed) that depends on sample n alone has
    grad_{x_n} sum_m D(x_m) = grad_{x_n} D(x_n), so one backward pass serves the whole batch. The critic runs in
    float32 even inside autocast: squares of half-precision gradients overflow or vanish.

    Args:
        critic: samples to logits ``(N,)`` or ``(N, 1, h, w)``.
        samples: ``(N, *sample_shape)``; they are detached first.

    Returns:
        Gradients ``(N, *sample_shape)``, float32, with their graph.
    """
    samples = at_least_float32(samples.detach()).requires_grad_(True)
    with torch.enable_grad(), torch.autocast(samples.device.type, enabled=False):
        logits = critic(samples)
        (gradient,) = torch.autograd.grad(logits.sum(), samples, create_graph=True)
    return gradient


def shared_gradient(logits: Tensor | None, leaf: Tensor | None) -> Tensor:
    """Return the gradient of each logit in its sample, from a forward pass that another term has made.

    Args:
        logits: logits of the pass, ``(N,)`` or ``(N, 1, h, w)``, with their graph.
        leaf: the samples ``(N, *sample_shape)`` that the graph begins with.

    Returns:
        Gradients ``(N, *sample_shape)``, at least float32, with their graph.
    """
    assert logits is not None
    assert leaf is not None
    (gradient,) = torch.autograd.grad(logits.sum(), leaf, create_graph=True)
    return at_least_float32(gradient)


def squared_norm(gradient: Tensor) -> Tensor:
    """Return the squared Euclidean norm over all values of each sample: ``(N, ...)`` to ``(N,)``."""
    return gradient.square().flatten(1).sum(dim=1)


def norm(gradient: Tensor) -> Tensor:
    """Return the Euclidean norm over all values of each sample, ``(N, ...)`` to ``(N,)``; its gradient at 0 is 0."""
    return torch.linalg.vector_norm(gradient.flatten(1), dim=1)

"""One optimizer step as a differentiable function of parameters and gradients, continuing a torch optimizer."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import Parameter
from torch.optim import SGD, Adam, AdamW, Optimizer

from gan_lightning.core.process_group import mean_over_ranks
from gan_lightning.models.players import OptimizerFactory, with_first_values

_TINY = 1e-30  # far below eps squared: only keeps the square root's slope finite where the gradient is exactly 0

Step = Callable[[Tensor, Tensor], Tensor]
"""Value and gradient of one parameter to its next value; it remembers its moments from call to call."""


def adam_step(
    *, lr: float, betas: tuple[float, float], eps: float, step: float, mean: Tensor | None, square: Tensor | None
) -> Step:
    """Return Adam (Kingma 2014, arXiv 1412.6980, algorithm 1) from given moments.

    Args:
        lr: learning rate.
        betas: decay of the two moments.
        eps: added to the root of the second moment.
        step: updates made so far.
        mean: first moment, or None before the first update.
        square: second moment, likewise.
    """
    beta1, beta2 = betas
    t, m, v = step, mean, square

    def update(value: Tensor, gradient: Tensor) -> Tensor:
        nonlocal t, m, v
        t += 1
        m = (1 - beta1) * gradient + (0 if m is None else beta1 * m)
        v = (1 - beta2) * gradient.square() + (0 if v is None else beta2 * v)
        scale = (v + _TINY).sqrt() / math.sqrt(1 - beta2**t) + eps
        return value - lr / (1 - beta1**t) * m / scale

    return update


def sgd_step(*, lr: float, momentum: float, buffer: Tensor | None) -> Step:
    """Return gradient descent with momentum as torch defines it, from a given buffer.

    Args:
        lr: learning rate.
        momentum: decay of the buffer.
        buffer: sum of past gradients, or None before the first update.
    """
    b = buffer

    def update(value: Tensor, gradient: Tensor) -> Tensor:
        nonlocal b
        b = gradient if b is None else momentum * b + gradient
        return value - lr * b

    return update


def probe_optimizer(factory: OptimizerFactory) -> Optimizer:
    """Build an optimizer of one small matrix, to see of what kind the factory's are.

    On the CPU, also where a config is rehearsed without memory: there, fused optimizers would be refused.
    """
    return with_first_values(factory)([Parameter(torch.zeros(2, 2, device="cpu"))])


def check_unrollable(optimizer: Optimizer) -> None:
    """Refuse an optimizer whose steps are not available as differentiable functions.

    Raises:
        ValueError: unless it is Adam or SGD without weight decay, Nesterov momentum, dampening or AMSGrad.
    """
    plain = isinstance(optimizer, Adam | SGD) and not isinstance(optimizer, AdamW)
    extras = ("weight_decay", "nesterov", "dampening", "amsgrad", "maximize")
    used = [f"{key}={group[key]}" for group in optimizer.param_groups for key in extras if group.get(key)]
    if not plain or used:
        raise ValueError(
            "model.discriminator_optimizer must be torch.optim.Adam or torch.optim.SGD without "
            f"{', '.join(extras)}, since its steps are unrolled; got {' '.join([type(optimizer).__name__, *used])}"
        )


def steps_of(optimizer: Optimizer, parameters: Sequence[Parameter]) -> list[Step]:
    """Return the differentiable steps that continue where ``optimizer`` stands; it is not changed.

    Args:
        optimizer: one that ``check_unrollable`` accepts.
        parameters: those of its parameters to step.
    """
    group_of = {id(p): group for group in optimizer.param_groups for p in group["params"]}
    steps = []
    for parameter in parameters:
        group, state = group_of[id(parameter)], optimizer.state.get(parameter, {})
        if isinstance(optimizer, Adam):
            steps.append(
                adam_step(
                    lr=float(group["lr"]),
                    betas=group["betas"],
                    eps=group["eps"],
                    step=float(state.get("step", 0)),
                    mean=state.get("exp_avg"),
                    square=state.get("exp_avg_sq"),
                )
            )
        else:
            buffer = state.get("momentum_buffer")
            steps.append(sgd_step(lr=float(group["lr"]), momentum=group["momentum"], buffer=buffer))
    return steps


def unroll(
    loss: Callable[[dict[str, Tensor]], Tensor], parameters: dict[str, Parameter], optimizer: Optimizer, *, steps: int
) -> dict[str, Tensor]:
    """Return the parameters after ``steps`` updates on ``loss``, with the graph of how they came about.

    ``theta^0 = theta``, ``theta^{k+1} = step(theta^k, d loss(theta^k) / d theta^k)``: Metz 2016
    (arXiv 1611.02163), equations 4 to 6. Parameters and optimizer stay as they are. ``loss`` is this process's share
    of a mean over the global batch.

    Args:
        loss: scalar of named parameters.
        parameters: where the updates start.
        optimizer: whose manner, rates and moments the updates have.
        steps: number of updates.
    """
    names = list(parameters)
    values: list[Tensor] = [p.detach().clone().requires_grad_(True) for p in parameters.values()]
    updates = steps_of(optimizer, list(parameters.values()))
    for _ in range(steps):
        gradients = torch.autograd.grad(
            loss(dict(zip(names, values, strict=True))), values, create_graph=True, allow_unused=True
        )
        values = [
            value if gradient is None else update(value, mean_over_ranks(gradient))
            for update, value, gradient in zip(updates, values, gradients, strict=True)
        ]
    return dict(zip(names, values, strict=True))

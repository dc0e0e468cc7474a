"""Penalties that pull the critic's gradient norm to a target between or around samples: WGAN-GP and DRAGAN."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gan_lightning.core.process_group import mean_over_ranks
from gan_lightning.core.schedules import Scalar
from gan_lightning.core.torch_internals import AnyBatchNorm
from gan_lightning.networks.minibatch import MinibatchDiscrimination
from gan_lightning.regularizers.base import DiscriminatorTurn, Regularizer
from gan_lightning.regularizers.gradients import at_least_float32, input_gradient, norm


def uniform_per_sample(samples: Tensor) -> Tensor:
    """Draw one number in [0, 1) per sample of ``(N, ...)``, shaped ``(N, 1, ...)`` to broadcast over it."""
    return torch.rand(len(samples), *[1] * (samples.ndim - 1), device=samples.device)


def interpolates(real: Tensor, fake: Tensor) -> Tensor:
    """Draw a point on the segment between each real sample ``(N, ...)`` and its fake: alpha x + (1 - alpha) x~."""
    alpha = uniform_per_sample(real)
    return alpha * real + (1 - alpha) * fake


def surroundings(real: Tensor, scale: float) -> Tensor:
    """Draw points beside real samples: x + alpha scale std(x) U, U ~ [0, 1) a value, alpha ~ [0, 1) a sample.

    std is over all values of the global batch (the biased estimate, numpy's default).
    """
    mean = mean_over_ranks(real.mean())
    std = mean_over_ranks((real - mean).square().mean()).sqrt()
    perturbation = scale * std * torch.rand_like(real)
    return real + uniform_per_sample(real) * perturbation


def distance_to_target(gradient: Tensor, target: float) -> Tensor:
    """Return the batch mean of the squared distance between each sample's gradient norm and ``target``."""
    return (norm(gradient) - target).square().mean()


class WGANGP(Regularizer):
    """Keeps the critic's gradient norm near 1 on the segments between real and fake samples.

    weight * E[(||grad D(x^)||_2 - target)^2], x^ = alpha x + (1 - alpha) x~, alpha ~ U[0, 1) for each sample, the
    norm over all values of a sample: Gulrajani et al. 2017 (arXiv 1704.00028), equation 3.

    Args:
        weight: lambda.
        target: the norm to keep.
        interval: the penalty joins every ``interval``-th discriminator step, times ``interval``.
    """

    second_order = True

    def __init__(self, *, weight: Scalar = 10.0, target: float = 1.0, interval: int = 1) -> None:
        super().__init__(weight=weight, interval=interval)
        self.target = target

    def forward(self, turn: DiscriminatorTurn) -> Tensor:
        """Return the penalty of this step: a float32 scalar, before ``weight``."""
        assert turn.fake is not None
        points = interpolates(at_least_float32(turn.real), at_least_float32(turn.fake))
        return distance_to_target(input_gradient(turn.critic, points), self.target)

    def check(self, discriminator: nn.Module) -> None:
        """Refuse batch normalization and minibatch discrimination: a sample's logit depends on the other samples.

        So it does with minibatch standard deviation, in a group of a few; but Karras et al. 2018 (arXiv 1710.10196)
        train with that and this penalty together, so it is allowed.

        Raises:
            ValueError: naming the first such layer.
        """
        for name, module in discriminator.named_modules():
            where = f"{name or 'the discriminator itself'!r} is {type(module).__name__}"
            if isinstance(module, AnyBatchNorm):
                raise ValueError(
                    f"the WGAN-GP penalty needs a discriminator without batch normalization, but {where}: the penalty "
                    "is on each sample's own gradient (arXiv 1704.00028, section 4). Use layer, instance or no "
                    "normalization."
                )
            if isinstance(module, MinibatchDiscrimination):
                raise ValueError(
                    f"the WGAN-GP penalty needs a discriminator without minibatch discrimination, but {where}: the "
                    "penalty is on each sample's own gradient (arXiv 1704.00028, section 4), and here every logit is a "
                    "function of the whole batch. Use model/discriminator=minibatch_stddev."
                )


class DRAGAN(Regularizer):
    """Keeps the critic's gradient norm near 1 in the surroundings of real samples.

    weight * E[(||grad D(x^)||_2 - target)^2], x^ = x + alpha scale std(x) U: Kodali et al. 2017
    (arXiv 1705.07215), section 2.3, with the perturbation of the authors' notebook (upwards only, one standard
    deviation for the whole batch). A critic with batch norm is allowed: the gradient is then that of all logits' sum.

    Args:
        weight: lambda.
        scale: size of the surroundings in standard deviations of the batch.
        target: k, the norm to keep.
        interval: the penalty joins every ``interval``-th discriminator step, times ``interval``.

    Raises:
        ValueError: if ``scale`` is negative.
    """

    second_order = True

    def __init__(self, *, weight: Scalar = 10.0, scale: float = 0.5, target: float = 1.0, interval: int = 1) -> None:
        super().__init__(weight=weight, interval=interval)
        if scale < 0:
            raise ValueError(f"scale must be at least 0, got {scale}")
        self.scale = scale
        self.target = target

    def forward(self, turn: DiscriminatorTurn) -> Tensor:
        """Return the penalty of this step: a float32 scalar, before ``weight``."""
        points = surroundings(at_least_float32(turn.real), self.scale)
        return distance_to_target(input_gradient(turn.critic, points), self.target)

"""Path length regularization: a step in style space changes every image by the same amount."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from gan_lightning.core.process_group import mean_over_ranks
from gan_lightning.core.schedules import Scalar
from gan_lightning.networks.stylegan2_generator import StyleGAN2Generator
from gan_lightning.regularizers.base import GeneratorTurn, Regularizer
from gan_lightning.regularizers.gradients import at_least_float32


class PathLength(Regularizer):
    """Holds the length of the generator's Jacobian in style space near its running mean.

    weight * E[(||J_w^T y|| - a)^2], y ~ N(0, I) / sqrt(H W), a the running mean of the lengths, this batch's included:
    Karras 2020 (arXiv 1912.04958), equation 4. The norm is the root of the squares' sum over a style and their mean
    over layers, by which the authors' weight of 2 is that of their appendix B at every resolution.

    Args:
        weight: gamma_pl.
        interval: the penalty makes an update of its own after every ``interval``-th of the generator, times
            ``interval``.
        decay: share of the running mean that an update replaces.
        batch_shrink: factor by which the penalty's batch is smaller than a training batch.

    Raises:
        ValueError: if ``decay`` is outside (0, 1] or ``batch_shrink`` below 1.
    """

    player = "generator"
    second_order = True
    follows_steps = True
    needs_fakes = False
    mean_length: Tensor

    def __init__(self, *, weight: Scalar = 2.0, interval: int = 4, decay: float = 0.01, batch_shrink: int = 2) -> None:
        super().__init__(weight=weight, interval=interval, own_step=True)
        if not 0 < decay <= 1:
            raise ValueError(f"decay must lie in (0, 1], got {decay}")
        if batch_shrink < 1:
            raise ValueError(f"batch_shrink must be at least 1, got {batch_shrink}")
        self.decay = decay
        self.batch_shrink = batch_shrink
        self.register_buffer("mean_length", torch.zeros(()))

    def forward(self, turn: GeneratorTurn) -> Tensor:
        """Return the penalty of this update: a float32 scalar, before ``weight``."""
        generator = turn.generator
        assert isinstance(generator, StyleGAN2Generator)
        latents, condition = turn.draw(max(1, len(turn.real) // self.batch_shrink))
        styles = generator.training_styles(latents, condition)
        if not styles.requires_grad:  # the mapping network is frozen
            styles = styles.detach().requires_grad_(True)
        lengths = path_lengths(styles, generator.synthesize(styles))
        # Not detached in the loss, as in the authors' code: the mean moves with this batch's lengths.
        mean = self.mean_length.lerp(mean_over_ranks(lengths.mean()), self.decay)
        self.mean_length.copy_(mean.detach())
        return (lengths - mean).square().mean()

    def check(self, network: nn.Module) -> None:
        """Refuse a generator without styles.

        Raises:
            ValueError: naming it.
        """
        if not isinstance(network, StyleGAN2Generator):
            raise ValueError(
                "path length regularization needs a generator with styles, StyleGAN2Generator; "
                f"model.generator is a {type(network).__name__}"
            )


def path_lengths(styles: Tensor, images: Tensor, noise: Tensor | None = None) -> Tensor:
    """Return ||J_w^T y|| of each sample: float32 ``(N,)``, with its graph.

    Args:
        styles: ``(N, L, style_dim)``, that ``images`` were made from.
        images: ``(N, C, H, W)``, with their graph.
        noise: y sqrt(H W), of the shape of ``images``; None draws it from N(0, I).
    """
    noise = torch.randn_like(images) if noise is None else noise
    directions = noise / math.sqrt(images.shape[2] * images.shape[3])
    (gradient,) = torch.autograd.grad((images * directions).sum(), styles, create_graph=True)
    return at_least_float32(gradient).square().sum(dim=2).mean(dim=1).sqrt()

"""Discriminators that also see how alike the samples of a batch are, built around any other one."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from gan_lightning.networks.base import Discriminator
from gan_lightning.networks.freezing import Block
from gan_lightning.networks.minibatch import MinibatchDiscrimination, MinibatchStdDev


class AppendingDiscriminator(Discriminator):
    """Appends statistics of the batch to a discriminator's features, and what they weigh to its logit.

    With features f(x) and statistics o(x), the features are [f(x), o(x)] and the logit is D(x) + v o(x), where v is
    learned from 0. If D ends in a linear layer, w f(x) + b + v o(x) is that layer on [f(x), o(x)]; other heads, such as
    the projection of a class, see f(x) as before. To a patch map, each image's number is added everywhere.

    Args:
        discriminator: to build around.
        layer: features ``(N, F)``, or maps, to the same with ``F + appended``.
        appended: number of statistics.
    """

    def __init__(self, *, discriminator: Discriminator, layer: nn.Module, appended: int) -> None:
        super().__init__(feature_dim=discriminator.feature_dim + appended, sample_shape=discriminator.sample_shape)
        self.samples_per_logit = discriminator.samples_per_logit
        self.feature_maps = discriminator.feature_maps
        self.classes = discriminator.classes
        self.discriminator = discriminator
        self.layer = layer
        # No bias: the discriminator's own logit has one, or leaves it out on purpose.
        self.output = nn.Linear(appended, 1, bias=False)
        # The closeness of a large batch is a large number, which would drown the untrained discriminator's logit.
        nn.init.zeros_(self.output.weight)

    def blocks_from_input(self) -> Sequence[Block]:
        """Return the blocks of the discriminator inside."""
        return self.discriminator.blocks_from_input()

    def features(self, samples: Tensor) -> Tensor:
        """Map samples to features ``(N, feature_dim)``, or maps, the statistics last."""
        return self.layer(self.discriminator.features(samples))

    def head(self, features: Tensor, condition: Tensor | None = None) -> Tensor:
        """Map features to logits, ``(N,)`` or a map, under a condition if the inner discriminator takes one."""
        own = self.discriminator.feature_dim
        logits = self.discriminator.head(features[:, :own], condition)
        statistics = features[:, own:].flatten(2).mean(dim=2) if self.feature_maps else features[:, own:]
        return logits + self.output(statistics).view(-1, *[1] * (logits.ndim - 1))


class WithMinibatchDiscrimination(AppendingDiscriminator):
    """Lets a discriminator see how close each sample is to the others: Salimans et al. 2016 (arXiv 1606.03498).

    Section 3.2, before the last layer, as in the paper. Every logit is then a function of the whole batch.

    Args:
        discriminator: one with a feature vector a sample.
        out_features: B, number of appended features.
        kernel_dim: C, dimension in which each of them measures distances.

    Raises:
        ValueError: if a size is below 1, or the discriminator judges patches.
    """

    def __init__(self, *, discriminator: Discriminator, out_features: int = 100, kernel_dim: int = 5) -> None:
        if discriminator.feature_maps:
            raise ValueError(
                f"minibatch discrimination measures distances between feature vectors, but "
                f"{type(discriminator).__name__} judges patches, whose features are maps; use minibatch_stddev"
            )
        layer = MinibatchDiscrimination(
            in_features=discriminator.feature_dim, out_features=out_features, kernel_dim=kernel_dim
        )
        super().__init__(discriminator=discriminator, layer=layer, appended=out_features)


class WithMinibatchStdDev(AppendingDiscriminator):
    """Lets a discriminator see how much a group of samples varies: Karras et al. 2018 (arXiv 1710.10196), section 3.

    Here it is the last layer but one. Their own networks have it a convolution earlier (``model=progan``).

    Args:
        discriminator: to build around.
        group_size: samples in a group.
        channels: number of appended features; must divide the discriminator's.

    Raises:
        ValueError: if an argument is below 1, or ``channels`` does not divide the features.
    """

    def __init__(self, *, discriminator: Discriminator, group_size: int = 4, channels: int = 1) -> None:
        layer = MinibatchStdDev(group_size=group_size, channels=channels)
        if discriminator.feature_dim % channels:
            raise ValueError(
                f"channels must divide the discriminator's number of features, {discriminator.feature_dim}, "
                f"got {channels}"
            )
        super().__init__(discriminator=discriminator, layer=layer, appended=channels)

"""The fully connected networks of conditional GANs (Mirza 2014, arXiv 1411.1784)."""

from __future__ import annotations

from math import prod

import torch
from torch import Tensor, nn

from gan_lightning.networks.base import Discriminator, Generator
from gan_lightning.networks.checks import check_positive, check_probability
from gan_lightning.networks.conditional import one_hot, require_condition
from gan_lightning.networks.freezing import Block, block_of, layers_of
from gan_lightning.networks.init import uniform_init, xavier_init
from gan_lightning.networks.maxout import Maxout
from gan_lightning.networks.mlp import ScaledSigmoid


class CGANGenerator(Generator):
    """Latent and one-hot label pass a ReLU layer each, are joined, and pass another to a sigmoid output.

    Latents float ``(N, latent_dim)`` and labels int64 ``(N,)`` become images ``(N, channels, resolution,
    resolution)``; the sigmoid is scaled to [-1, 1]. The defaults are the paper's for MNIST.

    Args:
        resolution: height and width of an image.
        channels: channels of an image.
        classes: number of classes.
        latent_dim: length of a latent vector.
        latent_width: units of the latent's layer.
        label_width: units of the label's layer.
        joint_width: units of the joint layer.
        dropout: probability that a hidden unit is dropped.

    Raises:
        ValueError: if an argument is out of its range, or the condition is missing.

    Source: arXiv 1411.1784, section 4.1; Xavier weights, as in :class:`~gan_lightning.networks.MLPGenerator`.
    """

    classes: int

    def __init__(
        self,
        *,
        resolution: int = 28,
        channels: int = 1,
        classes: int = 10,
        latent_dim: int = 100,
        latent_width: int = 200,
        label_width: int = 1000,
        joint_width: int = 1200,
        dropout: float = 0.5,
    ) -> None:
        check_positive(resolution=resolution, channels=channels, classes=classes, latent_dim=latent_dim)
        check_positive(latent_width=latent_width, label_width=label_width, joint_width=joint_width)
        check_probability(dropout=dropout)
        super().__init__(latent_dim=latent_dim, sample_shape=(channels, resolution, resolution))
        self.classes = classes
        self.latent_layer = nn.Sequential(nn.Linear(latent_dim, latent_width), nn.ReLU(), nn.Dropout(dropout))
        self.label_layer = nn.Sequential(nn.Linear(classes, label_width), nn.ReLU(), nn.Dropout(dropout))
        self.joint = nn.Sequential(
            nn.Linear(latent_width + label_width, joint_width),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(joint_width, prod(self.sample_shape)),
            ScaledSigmoid(),
            nn.Unflatten(1, self.sample_shape),
        )
        xavier_init(self)

    def blocks_from_input(self) -> list[Block]:
        """Return both inputs' layers as one block, then the joint layer."""
        return [block_of(self.latent_layer, self.label_layer), *layers_of(self.joint)[:-1]]

    def forward(self, latents: Tensor, condition: Tensor | None = None) -> Tensor:
        """Map latents ``(N, latent_dim)`` and labels int64 ``(N,)`` to images in [-1, 1]."""
        codes = one_hot(require_condition(condition), self.classes, like=latents)
        return self.joint(torch.cat([self.latent_layer(latents), self.label_layer(codes)], dim=1))


class CGANDiscriminator(Discriminator):
    """Image and one-hot label pass a maxout layer each, are joined, and pass another to a linear logit.

    The image's maxout layer gives the features; the label enters in the head. The defaults are the paper's for
    MNIST: 240 units of 5 pieces, 50 of 5, and 240 of 4.

    Args:
        resolution: height and width of an image.
        channels: channels of an image.
        classes: number of classes.
        image_width: maxout units of the image's layer.
        label_width: maxout units of the label's layer.
        joint_width: maxout units of the joint layer.
        pieces: affine maps per unit of the first two layers.
        joint_pieces: affine maps per unit of the joint layer.
        dropout: probability that a hidden unit is dropped.

    Raises:
        ValueError: if an argument is out of its range, or the condition is missing.

    Source: arXiv 1411.1784, section 4.1; U(-0.005, 0.005) weights as in the first GAN's released configuration.
    """

    classes: int

    def __init__(
        self,
        *,
        resolution: int = 28,
        channels: int = 1,
        classes: int = 10,
        image_width: int = 240,
        label_width: int = 50,
        joint_width: int = 240,
        pieces: int = 5,
        joint_pieces: int = 4,
        dropout: float = 0.5,
    ) -> None:
        check_positive(resolution=resolution, channels=channels, classes=classes, image_width=image_width)
        check_positive(label_width=label_width, joint_width=joint_width, pieces=pieces, joint_pieces=joint_pieces)
        check_probability(dropout=dropout)
        super().__init__(feature_dim=image_width, sample_shape=(channels, resolution, resolution))
        self.classes = classes
        self.image_layer = nn.Sequential(
            nn.Flatten(),
            Maxout(inputs=prod(self.sample_shape), units=image_width, pieces=pieces),
            nn.Dropout(dropout),
        )
        self.label_layer = nn.Sequential(Maxout(inputs=classes, units=label_width, pieces=pieces), nn.Dropout(dropout))
        self.joint = nn.Sequential(
            Maxout(inputs=image_width + label_width, units=joint_width, pieces=joint_pieces),
            nn.Dropout(dropout),
            nn.Linear(joint_width, 1),
        )
        uniform_init(self, bound=0.005)

    def blocks_from_input(self) -> list[Block]:
        """Return the layer that the image passes as one block."""
        return layers_of(self.image_layer)

    def features(self, samples: Tensor) -> Tensor:
        """Map images ``(N, channels, resolution, resolution)`` to the image's maxout layer ``(N, feature_dim)``."""
        return self.image_layer(samples)

    def head(self, features: Tensor, condition: Tensor | None = None) -> Tensor:
        """Map features and labels int64 ``(N,)`` to logits ``(N,)``."""
        codes = one_hot(require_condition(condition), self.classes, like=features)
        return self.joint(torch.cat([features, self.label_layer(codes)], dim=1)).squeeze(1)

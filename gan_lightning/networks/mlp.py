"""Fully connected networks for images: the first GAN's, and a plain discriminator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from math import prod
from typing import Literal

from torch import Tensor, nn

from gan_lightning.networks.activations import Activation, activation_layer
from gan_lightning.networks.base import Discriminator, Generator
from gan_lightning.networks.checks import check_positive, check_probability, check_widths
from gan_lightning.networks.freezing import Block, layers_of
from gan_lightning.networks.init import he_init, uniform_init, xavier_init
from gan_lightning.networks.maxout import Maxout

Initialization = Literal["xavier", "he"]
INITIALIZATIONS: dict[str, Callable[[nn.Module], None]] = {
    "xavier": lambda module: xavier_init(module),
    "he": lambda module: he_init(module),
}


def _initialize(module: nn.Module, initialization: Initialization) -> None:
    if initialization not in INITIALIZATIONS:
        raise ValueError(f"initialization must be one of {sorted(INITIALIZATIONS)}, got {initialization!r}")
    INITIALIZATIONS[initialization](module)


class ScaledSigmoid(nn.Module):
    """``2 sigmoid(x) - 1``: the papers' sigmoid output, moved from [0, 1] to [-1, 1]."""

    def forward(self, x: Tensor) -> Tensor:
        """Map any tensor to one of the same shape in [-1, 1]; ``2 sigmoid(x) - 1 = tanh(x / 2)``."""
        return (x / 2).tanh()


class MLPGenerator(Generator):
    """Hidden ReLU layers and a sigmoid output, scaled to [-1, 1].

    Latents float ``(N, latent_dim)`` become images ``(N, channels, resolution, resolution)``. The defaults are the
    MNIST generator of the first GAN.

    Args:
        resolution: height and width of an image.
        channels: channels of an image.
        latent_dim: length of a latent vector.
        widths: units of the hidden layers.
        initialization: ``xavier``, or ``he``: normal with variance 2 / fan_in.

    Raises:
        ValueError: if an argument is out of its range.

    Source: Goodfellow 2014, arXiv 1406.2661, section 5; the sizes of its released configuration, whose U(-0.05, 0.05)
    is what Xavier's rule gives a 1200x1200 layer. The rule keeps narrower networks from starting gray.
    """

    def __init__(
        self,
        *,
        resolution: int = 28,
        channels: int = 1,
        latent_dim: int = 100,
        widths: Sequence[int] = (1200, 1200),
        initialization: Initialization = "xavier",
    ) -> None:
        check_positive(resolution=resolution, channels=channels, latent_dim=latent_dim)
        widths = check_widths(widths)
        super().__init__(latent_dim=latent_dim, sample_shape=(channels, resolution, resolution))
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise([latent_dim, *widths]):
            layers += [nn.Linear(inputs, outputs), nn.ReLU()]
        layers += [nn.Linear(widths[-1], prod(self.sample_shape)), ScaledSigmoid()]
        self.stack = nn.Sequential(*layers, nn.Unflatten(1, self.sample_shape))
        _initialize(self, initialization)

    def blocks_from_input(self) -> list[Block]:
        """Return a block for each layer but the last."""
        return layers_of(self.stack)[:-1]

    def forward(self, latents: Tensor, condition: Tensor | None = None) -> Tensor:
        """Map latents ``(N, latent_dim)`` to images in [-1, 1]; the condition is not used."""
        return self.stack(latents)


class MaxoutDiscriminator(Discriminator):
    """Maxout layers with dropout and one linear logit.

    The defaults are the MNIST discriminator of the first GAN: twice 240 units of 5 pieces, of the inputs 80 % kept,
    of the hidden units 50 %.

    Args:
        resolution: height and width of an image.
        channels: channels of an image.
        widths: units of the maxout layers.
        pieces: affine maps per unit.
        input_dropout: probability that an input is dropped.
        hidden_dropout: probability that a hidden unit is dropped.

    Raises:
        ValueError: if an argument is out of its range.

    Source: Goodfellow 2014, arXiv 1406.2661, section 5; the sizes and U(-0.005, 0.005) weights of its released
    configuration.
    """

    def __init__(
        self,
        *,
        resolution: int = 28,
        channels: int = 1,
        widths: Sequence[int] = (240, 240),
        pieces: int = 5,
        input_dropout: float = 0.2,
        hidden_dropout: float = 0.5,
    ) -> None:
        check_positive(resolution=resolution, channels=channels)
        check_probability(input_dropout=input_dropout, hidden_dropout=hidden_dropout)
        widths = check_widths(widths)
        super().__init__(feature_dim=widths[-1], sample_shape=(channels, resolution, resolution))
        layers: list[nn.Module] = [nn.Flatten(), nn.Dropout(input_dropout)]
        for inputs, units in pairwise([prod(self.sample_shape), *widths]):
            layers += [Maxout(inputs=inputs, units=units, pieces=pieces), nn.Dropout(hidden_dropout)]
        self.body = nn.Sequential(*layers)
        self.output = nn.Linear(self.feature_dim, 1)
        uniform_init(self, bound=0.005)

    def blocks_from_input(self) -> list[Block]:
        """Return a block for each hidden layer."""
        return layers_of(self.body)

    def features(self, samples: Tensor) -> Tensor:
        """Map images ``(N, channels, resolution, resolution)`` to the last maxout layer ``(N, feature_dim)``."""
        return self.body(samples)

    def head(self, features: Tensor, condition: Tensor | None = None) -> Tensor:
        """Map features to logits ``(N,)``; the condition is not used."""
        return self.output(features).squeeze(1)


class MLPDiscriminator(Discriminator):
    """Linear layers with an activation and one linear logit.

    Args:
        resolution: height and width of an image.
        channels: channels of an image.
        widths: units of the hidden layers.
        dropout: probability that a hidden unit is dropped.
        activation: ``relu``, ``tanh`` or ``leaky_relu`` (slope 0.2).
        initialization: ``xavier``, or ``he``: normal with variance 2 / fan_in.

    Raises:
        ValueError: if an argument is out of its range.
    """

    def __init__(
        self,
        *,
        resolution: int = 28,
        channels: int = 1,
        widths: Sequence[int] = (512, 256),
        dropout: float = 0.0,
        activation: Activation = "leaky_relu",
        initialization: Initialization = "xavier",
    ) -> None:
        check_positive(resolution=resolution, channels=channels)
        check_probability(dropout=dropout)
        widths = check_widths(widths)
        super().__init__(feature_dim=widths[-1], sample_shape=(channels, resolution, resolution))
        layers: list[nn.Module] = [nn.Flatten()]
        for inputs, outputs in pairwise([prod(self.sample_shape), *widths]):
            layers += [nn.Linear(inputs, outputs), activation_layer(activation), nn.Dropout(dropout)]
        self.body = nn.Sequential(*layers)
        self.output = nn.Linear(self.feature_dim, 1)
        _initialize(self, initialization)

    def blocks_from_input(self) -> list[Block]:
        """Return a block for each hidden layer."""
        return layers_of(self.body)

    def features(self, samples: Tensor) -> Tensor:
        """Map images ``(N, channels, resolution, resolution)`` to the last hidden layer ``(N, feature_dim)``."""
        return self.body(samples)

    def head(self, features: Tensor, condition: Tensor | None = None) -> Tensor:
        """Map features to logits ``(N,)``; the condition is not used."""
        return self.output(features).squeeze(1)

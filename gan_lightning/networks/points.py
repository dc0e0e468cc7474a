"""Small networks for points in the plane: the mode-collapse benchmarks of PacGAN, WGAN-GP and unrolled GANs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Literal

from torch import Tensor, nn

from gan_lightning.networks.activations import Activation, activation_layer
from gan_lightning.networks.base import Discriminator, Generator
from gan_lightning.networks.checks import check_positive, check_widths
from gan_lightning.networks.freezing import Block, layers_of
from gan_lightning.networks.init import he_init, normal_init, orthogonal_init, xavier_init
from gan_lightning.networks.maxout import Maxout

Initialization = Literal["normal", "xavier", "orthogonal", "he"]

# PacGAN's code averages the population statistics with a decay of 0.95, torch's default is 0.9.
BATCH_NORM_MOMENTUM = 0.05

# The unrolled GAN's toy uses gain 1.4, its authors' choice for tanh layers.
INITIALIZATIONS: dict[str, Callable[[nn.Module], None]] = {
    "normal": lambda module: normal_init(module, std=0.02),
    "xavier": lambda module: xavier_init(module),
    "orthogonal": lambda module: orthogonal_init(module, gain=1.4),
    "he": lambda module: he_init(module, uniform=True),
}


def _hidden_layers(sizes: list[int], *, activation: Activation, batch_norm: bool) -> nn.Sequential:
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(sizes):
        layers.append(nn.Linear(inputs, outputs, bias=not batch_norm))
        if batch_norm:
            layers.append(nn.BatchNorm1d(outputs, momentum=BATCH_NORM_MOMENTUM))
        layers.append(activation_layer(activation))
    return nn.Sequential(*layers)


def _initialize(module: nn.Module, output: nn.Module, initialization: Initialization) -> None:
    if initialization not in INITIALIZATIONS:
        raise ValueError(f"initialization must be one of {sorted(INITIALIZATIONS)}, got {initialization!r}")
    INITIALIZATIONS[initialization](module)
    if initialization == "he":  # whose factor 2 makes up for a ReLU, which does not follow the output
        xavier_init(output)


class PointGenerator(Generator):
    """Hidden layers and a linear output: latents float ``(N, latent_dim)`` to points ``(N, dimensions)``.

    The defaults are PacGAN's ring and grid generator (Lin 2017, arXiv 1712.04086, appendix): four layers of 400
    without bias, batch norm, ReLU. ``widths=[512, 512, 512], batch_norm=False`` is that of WGAN-GP's toy data
    (Gulrajani 2017, arXiv 1704.00028); ``latent_dim=256, widths=[128, 128], batch_norm=False, activation=tanh`` that of
    the unrolled GAN (Metz 2016, arXiv 1611.02163).

    Args:
        dimensions: coordinates of a point.
        latent_dim: length of a latent vector.
        widths: units of the hidden layers.
        activation: ``relu``, ``tanh`` or ``leaky_relu`` (slope 0.2).
        batch_norm: normalize the hidden layers, which then have no bias.
        initialization: ``normal`` (N(0, 0.02)), ``xavier``, ``orthogonal`` (gain 1.4), or ``he``: uniform, and Xavier's
            in the output (the toy of WGAN-GP).

    Raises:
        ValueError: if an argument is out of its range.
    """

    def __init__(
        self,
        *,
        dimensions: int = 2,
        latent_dim: int = 2,
        widths: Sequence[int] = (400, 400, 400, 400),
        activation: Activation = "relu",
        batch_norm: bool = True,
        initialization: Initialization = "normal",
    ) -> None:
        check_positive(dimensions=dimensions, latent_dim=latent_dim)
        widths = check_widths(widths)
        super().__init__(latent_dim=latent_dim, sample_shape=(dimensions,))
        self.body = _hidden_layers([latent_dim, *widths], activation=activation, batch_norm=batch_norm)
        self.output = nn.Linear(widths[-1], dimensions)
        _initialize(self, self.output, initialization)

    def blocks_from_input(self) -> list[Block]:
        """Return a block for each hidden layer."""
        return layers_of(self.body)

    def forward(self, latents: Tensor, condition: Tensor | None = None) -> Tensor:
        """Map latents ``(N, latent_dim)`` to points, unbounded; the condition is not used."""
        return self.output(self.body(latents))


class PointDiscriminator(Discriminator):
    """Hidden layers and a linear logit; the defaults are the critic of WGAN-GP's toy (arXiv 1704.00028).

    ``widths=[128, 128], activation=tanh, initialization=orthogonal`` is the unrolled GAN's (arXiv 1611.02163).

    Args:
        dimensions: coordinates of a point, times the points in a pack.
        widths: units of the hidden layers.
        activation: ``relu``, ``tanh`` or ``leaky_relu`` (slope 0.2).
        initialization: ``normal`` (N(0, 0.02)), ``xavier``, ``orthogonal`` (gain 1.4), or ``he``: uniform, and Xavier's
            in the output (the toy of WGAN-GP).

    Raises:
        ValueError: if an argument is out of its range.
    """

    def __init__(
        self,
        *,
        dimensions: int = 2,
        widths: Sequence[int] = (512, 512, 512),
        activation: Activation = "relu",
        initialization: Initialization = "xavier",
    ) -> None:
        check_positive(dimensions=dimensions)
        widths = check_widths(widths)
        super().__init__(feature_dim=widths[-1], sample_shape=(dimensions,))
        self.body = _hidden_layers([dimensions, *widths], activation=activation, batch_norm=False)
        self.output = nn.Linear(self.feature_dim, 1)
        _initialize(self, self.output, initialization)

    def blocks_from_input(self) -> list[Block]:
        """Return a block for each hidden layer."""
        return layers_of(self.body)

    def features(self, samples: Tensor) -> Tensor:
        """Map points ``(N, dimensions)`` to the last hidden layer ``(N, feature_dim)``."""
        return self.body(samples)

    def head(self, features: Tensor, condition: Tensor | None = None) -> Tensor:
        """Map features to logits ``(N,)``; the condition is not used."""
        return self.output(features).squeeze(1)


class PointMaxoutDiscriminator(Discriminator):
    """Maxout layers and a linear logit, weights N(0, 0.02); no normalization, no dropout.

    The defaults are PacGAN's ring and grid discriminator (Lin 2017, arXiv 1712.04086): three layers of 200 units
    with 5 pieces. A pack of m points needs ``dimensions = 2 m``.

    Args:
        dimensions: coordinates of a point, times the points in a pack.
        widths: units of the maxout layers.
        pieces: affine maps per unit.

    Raises:
        ValueError: if an argument is out of its range.
    """

    def __init__(self, *, dimensions: int = 2, widths: Sequence[int] = (200, 200, 200), pieces: int = 5) -> None:
        check_positive(dimensions=dimensions)
        widths = check_widths(widths)
        super().__init__(feature_dim=widths[-1], sample_shape=(dimensions,))
        layers = [Maxout(inputs=i, units=o, pieces=pieces) for i, o in pairwise([dimensions, *widths])]
        self.body = nn.Sequential(*layers)
        self.output = nn.Linear(self.feature_dim, 1)
        normal_init(self, std=0.02)

    def blocks_from_input(self) -> list[Block]:
        """Return a block for each hidden layer."""
        return layers_of(self.body)

    def features(self, samples: Tensor) -> Tensor:
        """Map points ``(N, dimensions)`` to the last maxout layer ``(N, feature_dim)``."""
        return self.body(samples)

    def head(self, features: Tensor, condition: Tensor | None = None) -> Tensor:
        """Map features to logits ``(N,)``; the condition is not used."""
        return self.output(features).squeeze(1)

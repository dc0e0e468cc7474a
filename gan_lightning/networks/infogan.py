"""The InfoGAN networks for MNIST (Chen 2016, arXiv 1606.03657), for any resolution divisible by 4."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gan_lightning.networks.base import Discriminator, Generator
from gan_lightning.networks.checks import check_multiple, check_positive
from gan_lightning.networks.freezing import Block, layers_of
from gan_lightning.networks.init import normal_init
from gan_lightning.networks.mlp import ScaledSigmoid

# The released code leaves the slope at its library's 0.01, where the paper's appendix says 0.1.
SLOPE = 0.01


class InfoGANGenerator(Generator):
    """Latent and code pass two linear layers and two transposed convolutions, with batch norm and ReLU between.

    Latents float ``(N, latent_dim)`` and codes float ``(N, code_dim)`` become images ``(N, channels, resolution,
    resolution)``; the sigmoid output is scaled to [-1, 1].

    Args:
        resolution: height and width of an image, divisible by 4.
        channels: channels of an image.
        latent_dim: length of the incompressible noise.
        code_dim: length of the code: one-hot categories and continuous values side by side.
        width: channels of the last hidden map; the one before has twice as many.
        hidden_width: units of the first linear layer.

    Raises:
        ValueError: if an argument is out of its range, or the condition is missing or of another length.

    Source: arXiv 1606.03657, appendix C.1; biases as in the released code.
    """

    code_dim: int

    def __init__(
        self,
        *,
        resolution: int = 28,
        channels: int = 1,
        latent_dim: int = 62,
        code_dim: int = 12,
        width: int = 64,
        hidden_width: int = 1024,
    ) -> None:
        base = check_multiple(resolution, of=4, because="two transposed convolutions double the map")
        check_positive(channels=channels, latent_dim=latent_dim, code_dim=code_dim, width=width)
        check_positive(hidden_width=hidden_width)
        super().__init__(latent_dim=latent_dim, sample_shape=(channels, resolution, resolution))
        self.code_dim = code_dim
        units = 2 * width * base**2
        self.stack = nn.Sequential(
            nn.Linear(latent_dim + code_dim, hidden_width),
            nn.BatchNorm1d(hidden_width),
            nn.ReLU(),
            nn.Linear(hidden_width, units),
            nn.BatchNorm1d(units),
            nn.ReLU(),
            nn.Unflatten(1, (2 * width, base, base)),
            nn.ConvTranspose2d(2 * width, width, 4, 2, 1),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.ConvTranspose2d(width, channels, 4, 2, 1),
            ScaledSigmoid(),
        )
        normal_init(self)

    def blocks_from_input(self) -> list[Block]:
        """Return a block for each layer but the last, with the norm behind it."""
        return layers_of(self.stack)[:-1]

    def forward(self, latents: Tensor, condition: Tensor | None = None) -> Tensor:
        """Map latents ``(N, latent_dim)`` and codes float ``(N, code_dim)`` to images in [-1, 1]."""
        if condition is None or condition.ndim != 2 or condition.shape[1] != self.code_dim:
            shape = None if condition is None else tuple(condition.shape)
            raise ValueError(f"condition must be codes, float (N, {self.code_dim}), got {shape}")
        return self.stack(torch.cat([latents, condition], dim=1))


class InfoGANDiscriminator(Discriminator):
    """Two strided convolutions and a linear layer with LeakyReLU 0.01, and a linear logit.

    Args:
        resolution: height and width of an image, divisible by 4.
        channels: channels of an image.
        width: channels of the first map; the second has twice as many.
        hidden_width: units of the linear layer, which gives the features.

    Raises:
        ValueError: if an argument is out of its range.

    Source: arXiv 1606.03657, appendix C.1; biases as in the released code.
    """

    def __init__(self, *, resolution: int = 28, channels: int = 1, width: int = 64, hidden_width: int = 1024) -> None:
        base = check_multiple(resolution, of=4, because="two convolutions halve the map")
        check_positive(channels=channels, width=width, hidden_width=hidden_width)
        super().__init__(feature_dim=hidden_width, sample_shape=(channels, resolution, resolution))
        self.body = nn.Sequential(
            nn.Conv2d(channels, width, 4, 2, 1),
            nn.LeakyReLU(SLOPE),
            nn.Conv2d(width, 2 * width, 4, 2, 1),
            nn.BatchNorm2d(2 * width),
            nn.LeakyReLU(SLOPE),
            nn.Flatten(),
            nn.Linear(2 * width * base**2, hidden_width),
            nn.BatchNorm1d(hidden_width),
            nn.LeakyReLU(SLOPE),
        )
        self.output = nn.Linear(hidden_width, 1)
        normal_init(self)

    def blocks_from_input(self) -> list[Block]:
        """Return a block for each layer, with the norm behind it."""
        return layers_of(self.body)

    def features(self, samples: Tensor) -> Tensor:
        """Map images ``(N, channels, resolution, resolution)`` to the last hidden layer ``(N, feature_dim)``."""
        return self.body(samples)

    def head(self, features: Tensor, condition: Tensor | None = None) -> Tensor:
        """Map features to logits ``(N,)``; the condition is not used."""
        return self.output(features).squeeze(1)


class CodeHead(nn.Module):
    """The network Q on the discriminator's features: one hidden layer to the parameters of Q(c | x).

    The defaults give MNIST's 14 outputs: 10 logits of the category, and a mean and a deviation for each of two
    continuous codes.

    Args:
        feature_dim: length of a feature vector.
        outputs: parameters of the code's distribution.
        hidden_width: units of the hidden layer.

    Raises:
        ValueError: if a size is below 1.

    Source: arXiv 1606.03657, appendix C.1.
    """

    def __init__(self, *, feature_dim: int, outputs: int = 14, hidden_width: int = 128) -> None:
        check_positive(feature_dim=feature_dim, outputs=outputs, hidden_width=hidden_width)
        super().__init__()
        self.stack = nn.Sequential(
            nn.Linear(feature_dim, hidden_width),
            nn.BatchNorm1d(hidden_width),
            nn.LeakyReLU(SLOPE),
            nn.Linear(hidden_width, outputs),
        )
        normal_init(self)

    def forward(self, features: Tensor) -> Tensor:
        """Map features ``(N, feature_dim)`` to distribution parameters ``(N, outputs)``, unbounded."""
        return self.stack(features)

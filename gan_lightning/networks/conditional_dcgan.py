"""DCGAN networks that know the class: one-hot label beside the latent, projection in the discriminator."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gan_lightning.networks.base import Discriminator, Generator
from gan_lightning.networks.checks import check_positive
from gan_lightning.networks.conditional import one_hot, project, require_condition
from gan_lightning.networks.dcgan import dcgan_widths, downsampling_stack, upsampling_stack
from gan_lightning.networks.freezing import Block, layers_of
from gan_lightning.networks.init import normal_init


class ConditionalDCGANGenerator(Generator):
    """The DCGAN generator on the latent joined with the one-hot label (Mirza 2014, arXiv 1411.1784, section 3.2).

    Latents float ``(N, latent_dim)`` and labels int64 ``(N,)`` become images ``(N, channels, resolution,
    resolution)`` in [-1, 1].

    Args:
        resolution: height and width of an image, a power of two of at least 8.
        channels: channels of an image.
        classes: number of classes.
        latent_dim: length of a latent vector, without the label.
        width: channels of the last hidden map.

    Raises:
        ValueError: if an argument is out of its range, or the condition is missing.
    """

    classes: int

    def __init__(
        self, *, resolution: int = 64, channels: int = 3, classes: int = 10, latent_dim: int = 100, width: int = 64
    ) -> None:
        widths = dcgan_widths(resolution, width)
        check_positive(channels=channels, classes=classes, latent_dim=latent_dim)
        super().__init__(latent_dim=latent_dim, sample_shape=(channels, resolution, resolution))
        self.classes = classes
        self.stack = upsampling_stack(latent_dim=latent_dim + classes, widths=widths, channels=channels)
        normal_init(self)

    def blocks_from_input(self) -> list[Block]:
        """Return a block for each layer but the last, with the norm behind it."""
        return layers_of(self.stack)[:-1]

    def forward(self, latents: Tensor, condition: Tensor | None = None) -> Tensor:
        """Map latents ``(N, latent_dim)`` and labels int64 ``(N,)`` to images in [-1, 1]."""
        codes = one_hot(require_condition(condition), self.classes, like=latents)
        return self.stack(torch.cat([latents, codes], dim=1)[:, :, None, None])


class ConditionalDCGANDiscriminator(Discriminator):
    """The DCGAN discriminator with a projection head, ``D(x, y) = psi(phi(x)) + <v_y, phi(x)>``.

    phi are the flattened 4x4 maps, so that features need no label and packing, augmentation and auxiliary heads work
    as without one (Miyato 2018, arXiv 1802.05637, eq. 3; there phi is pooled). The class vectors start at 0, so that
    training starts as DCGAN's: from random ones the generator may stay at a gray image.

    Args:
        resolution: height and width of an image, a power of two of at least 8.
        channels: channels of an image.
        classes: number of classes.
        width: channels of the first hidden map.
        batch_norm: normalize all hidden maps but the first.

    Raises:
        ValueError: if an argument is out of its range, or the condition is missing.
    """

    def __init__(
        self,
        *,
        resolution: int = 64,
        channels: int = 3,
        classes: int = 10,
        width: int = 64,
        batch_norm: bool = True,
    ) -> None:
        widths = dcgan_widths(resolution, width)[::-1]
        check_positive(channels=channels, classes=classes)
        super().__init__(feature_dim=16 * widths[-1], sample_shape=(channels, resolution, resolution))
        self.body = downsampling_stack(channels=channels, widths=widths, batch_norm=batch_norm)
        self.output = nn.Linear(self.feature_dim, 1, bias=False)
        self.classes = classes
        self.class_vectors = nn.Embedding(classes, self.feature_dim)
        normal_init(self)
        nn.init.zeros_(self.class_vectors.weight)

    def blocks_from_input(self) -> list[Block]:
        """Return a block for each layer, with the norm behind it."""
        return layers_of(self.body)

    def features(self, samples: Tensor) -> Tensor:
        """Map images ``(N, channels, resolution, resolution)`` to flattened 4x4 maps ``(N, feature_dim)``."""
        return self.body(samples)

    def head(self, features: Tensor, condition: Tensor | None = None) -> Tensor:
        """Map features and labels int64 ``(N,)`` to logits ``(N,)``."""
        vectors = self.class_vectors(require_condition(condition))
        return self.output(features).squeeze(1) + project(features, vectors)

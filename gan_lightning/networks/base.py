"""What every generator and discriminator promises: the sizes at its two ends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from torch import Tensor, nn

from gan_lightning.networks.freezing import Block

TruncationSpace = Literal["latent", "style"]


class Generator(nn.Module):
    """A map from latent vectors (and a condition) to samples.

    Subclasses implement ``forward(latents, condition=None)`` with ``latents`` float ``(N, latent_dim)``,
    ``condition`` as their model gives it (class labels int64 ``(N,)``, codes float ``(N, K)``, or None), and
    return samples ``(N, *sample_shape)``; images lie in [-1, 1].

    Attributes:
        latent_dim: length of a latent vector.
        sample_shape: ``(C, H, W)`` of an image, or ``(D,)`` of a point.
        classes: number of classes its condition may be one of, or None if it takes no labels.
        code_dim: length K of the codes it takes, or None if it takes none.
        noise_shapes: shape of each noise input of a sample. Its ``forward`` takes ``noise``, a tensor ``(N, *shape)``
            for each; without it, in training, it draws its own.
        truncation_space: where truncation acts: on the "latent" vectors, before the network, or in a "style" space
            inside of it: its ``forward`` then takes ``truncation``, psi, and, if it can, ``cutoff``, a number of
            layers.
    """

    classes: int | None = None
    code_dim: int | None = None
    noise_shapes: tuple[tuple[int, ...], ...] = ()
    truncation_space: TruncationSpace = "latent"

    def __init__(self, *, latent_dim: int, sample_shape: tuple[int, ...]) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.sample_shape = tuple(sample_shape)

    def blocks_from_input(self) -> Sequence[Block]:
        """Return the weights of the blocks that can be frozen, from the latents' side on; () declares none."""
        return ()

    def for_export(self) -> Generator:
        """Return this network, a private copy, without decisions that depend on values of tensors."""
        return self


class Discriminator(nn.Module):
    """A map from samples (and a condition) to logits, in two halves: ``features`` and ``head``.

    The halves let auxiliary heads (class, code, rotation) and feature matching share the body.

    Attributes:
        feature_dim: length F of a feature vector.
        sample_shape: ``(C, H, W)`` of an image, or ``(D,)`` of a point.
        classes: number of classes its condition may be one of, or None if it takes no labels.
        samples_per_logit: consecutive samples that share features and a logit; 1 unless it packs them.
        feature_maps: whether features are maps ``(N, feature_dim, h, w)`` and logits ``(N, 1, h, w)``.
    """

    classes: int | None = None
    samples_per_logit: int = 1
    feature_maps: bool = False

    def __init__(self, *, feature_dim: int, sample_shape: tuple[int, ...]) -> None:
        super().__init__()
        self.feature_dim = feature_dim
        self.sample_shape = tuple(sample_shape)

    def features(self, samples: Tensor) -> Tensor:
        """Map samples ``(N, *sample_shape)`` to features ``(N, feature_dim)``, or maps ``(N, feature_dim, h, w)``."""
        raise NotImplementedError

    def head(self, features: Tensor, condition: Tensor | None = None) -> Tensor:
        """Map features to real-or-fake logits: ``(N,)``, or a map ``(N, 1, h, w)`` with one logit a patch."""
        raise NotImplementedError

    def blocks_from_input(self) -> Sequence[Block]:
        """Return the weights of the blocks that can be frozen, from the samples' side on; () declares none."""
        return ()

    def forward(self, samples: Tensor, condition: Tensor | None = None) -> Tensor:
        """Map samples to logits; no sigmoid."""
        return self.head(self.features(samples), condition)

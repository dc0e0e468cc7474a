"""The generator of StyleGAN2 (Karras 2020, arXiv 1912.04958) and StyleGAN2-ADA (Karras 2020, arXiv 2006.06676)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from gan_lightning.core.process_group import from_first_rank, mean_over_ranks
from gan_lightning.networks.base import Generator
from gan_lightning.networks.checks import check_positive
from gan_lightning.networks.freezing import Block, block_of
from gan_lightning.networks.stylegan2_layers import Architecture, check_architecture, stylegan2_widths
from gan_lightning.networks.stylegan2_mapping import MappingNetwork
from gan_lightning.networks.stylegan2_synthesis import NoiseMode, SynthesisNetwork, check_noise_mode


def mix_styles(first: Tensor, second: Tensor, *, cutoff: int) -> Tensor:
    """Take the styles of the layers below ``cutoff`` from ``first``, and the others from ``second``.

    Karras 2019 (arXiv 1812.04948), section 3.1.

    Args:
        first: ``(N, L, style_dim)``.
        second: the same shape.
        cutoff: between 1 and L - 1.

    Raises:
        ValueError: if ``cutoff`` is out of its range.
    """
    layers = first.shape[1]
    if not 1 <= cutoff < layers:
        raise ValueError(f"cutoff must lie between 1 and {layers - 1}, got {cutoff}")
    return torch.cat([first[:, :cutoff], second[:, cutoff:]], dim=1)


class StyleGAN2Generator(Generator):
    """A mapping network from latents to styles, and a synthesis network from styles to images.

    Latents float ``(N, latent_dim)``, with labels int64 ``(N,)`` if ``classes`` is given, become images
    ``(N, channels, resolution, resolution)``: around [-1, 1], but unbounded, as there is no tanh.

    Training mode follows the mean style, over the batch of all processes, for truncation; evaluation mode leaves it.
    With random noise a network in evaluation mode draws too, so that its images vary from call to call.

    Args:
        resolution: height and width of an image, a power of two of at least 8.
        channels: channels of an image.
        latent_dim: length of a latent vector.
        style_dim: length of a style.
        channel_base: product of a map's channels and its resolution, before the limit.
        channel_max: limit of channels.
        mapping_layers: dense layers of the mapping network.
        classes: number of classes, or None without labels.
        architecture: how blocks are connected: ``skip``, ``resnet`` or ``orig``.
        noise: default source of noise: drawn for each call (``random``), maps that belong to the network
            (``constant``), or ``none``.
        average_decay: share of the mean style that an update keeps.
        style_mixing: in training mode, how probable it is that the layers from a random one on take the styles of
            other latents, for a whole batch.
        conv_clamp: limit of activations after 3x3 convolutions and of layers to an image, or None; the authors' 256
            keeps float16 in range.
        fused: whether evaluation mode convolves each sample with kernels of its own, in groups, instead of scaling
            activations; equal up to rounding.

    Attributes:
        style_count: number L of styles that an image takes.

    Raises:
        ValueError: if an argument is out of its range, or the condition is missing.

    Source: arXiv 1912.04958, sections 2 and 4, figures 2 and 7; labels as in arXiv 2006.06676.
    """

    average_style: Tensor
    truncation_space = "style"

    def __init__(
        self,
        *,
        resolution: int = 256,
        channels: int = 3,
        latent_dim: int = 512,
        style_dim: int = 512,
        channel_base: int = 32768,
        channel_max: int = 512,
        mapping_layers: int = 8,
        classes: int | None = None,
        architecture: Architecture = "skip",
        noise: NoiseMode = "random",
        average_decay: float = 0.995,
        style_mixing: float = 0.0,
        conv_clamp: float | None = None,
        fused: bool = False,
    ) -> None:
        widths = stylegan2_widths(resolution, channel_base=channel_base, channel_max=channel_max)
        check_positive(channels=channels, latent_dim=latent_dim, classes=1 if classes is None else classes)
        check_architecture(architecture)
        check_noise_mode(noise)
        for name, share in (("average_decay", average_decay), ("style_mixing", style_mixing)):
            if not 0 <= share <= 1:
                raise ValueError(f"{name} must lie in [0, 1], got {share}")
        super().__init__(latent_dim=latent_dim, sample_shape=(channels, resolution, resolution))
        self.classes = classes
        self.noise = noise
        self.average_decay = average_decay
        self.style_mixing = style_mixing
        self.mapping = MappingNetwork(
            latent_dim=latent_dim, classes=classes, style_dim=style_dim, layers=mapping_layers
        )
        self.synthesis = SynthesisNetwork(
            widths=widths,
            channels=channels,
            style_dim=style_dim,
            architecture=architecture,
            clamp=conv_clamp,
            fused=fused,
        )
        self.style_count = self.synthesis.style_count
        if noise == "random":
            self.noise_shapes = tuple((1, side, side) for side in self.synthesis.noise_sides)
        self.register_buffer("average_style", torch.zeros(style_dim))

    def blocks_from_input(self) -> list[Block]:
        """Return the mapping network, then a block for each resolution; layers to an image are in none."""
        return [block_of(self.mapping), *self.synthesis.blocks_from_input()]

    def map_latents(self, latents: Tensor, condition: Tensor | None = None, *, follow: bool = False) -> Tensor:
        """Map latents ``(N, latent_dim)`` and labels to styles ``(N, L, style_dim)``, the same for every layer.

        Args:
            latents: float ``(N, latent_dim)``.
            condition: labels int64 ``(N,)`` if there are classes.
            follow: whether to move the mean style toward that of this batch. All processes must agree.
        """
        style = self.mapping(latents, condition)
        if follow:
            batch_mean = mean_over_ranks(style.detach().mean(dim=0))
            self.average_style.lerp_(batch_mean.to(self.average_style.dtype), 1 - self.average_decay)
        return style.unsqueeze(1).expand(-1, self.style_count, -1)

    def training_styles(self, latents: Tensor, condition: Tensor | None = None) -> Tensor:
        """Map latents ``(N, latent_dim)`` and labels to styles ``(N, L, style_dim)``, mixed as ``style_mixing`` says.

        Karras 2019 (arXiv 1812.04948), section 3.1. The mean style follows those of ``latents``.
        """
        styles = self.map_latents(latents, condition, follow=True)
        if self.style_mixing == 0 or float(from_first_rank(torch.rand(1, device=latents.device))) >= self.style_mixing:
            return styles
        cutoff = int(from_first_rank(torch.randint(1, self.style_count, (1,), device=latents.device)))
        return mix_styles(styles, self.map_latents(torch.randn_like(latents), condition), cutoff=cutoff)

    def truncate(self, styles: Tensor, *, psi: float, cutoff: int | None = None) -> Tensor:
        """Pull styles toward their mean: ``w' = mean + psi (w - mean)`` (arXiv 1812.04948, appendix B).

        Args:
            styles: ``(N, L, style_dim)``.
            psi: 1 changes nothing, 0 gives the mean style.
            cutoff: number of layers, from the first, to change; None changes all.

        Raises:
            ValueError: if ``cutoff`` does not lie between 0 and L.
        """
        if cutoff is not None and not 0 <= cutoff <= self.style_count:
            raise ValueError(f"cutoff must lie between 0 and {self.style_count}, got {cutoff}")
        pulled = self.average_style.lerp(styles, psi)
        return pulled if cutoff is None else torch.cat([pulled[:, :cutoff], styles[:, cutoff:]], dim=1)

    def synthesize(self, styles: Tensor, *, noise: NoiseMode | Sequence[Tensor] | None = None) -> Tensor:
        """Map styles ``(N, L, style_dim)``, which may differ from layer to layer, to images.

        Args:
            styles: from :meth:`map_latents`, :meth:`truncate` or :func:`mix_styles`.
            noise: its origin, or the maps themselves, ``(N or 1, 1, H, W)`` for each layer (see
                :meth:`draw_noise`); None is the constructor's choice.
        """
        return self.synthesis(styles, self.noise if noise is None else noise)

    def draw_noise(self, count: int, *, generator: torch.Generator | None = None) -> list[Tensor]:
        """Draw noise for ``count`` samples, to be given to :meth:`synthesize` or the network itself."""
        return self.synthesis.draw_noise(count, generator=generator)

    def for_export(self) -> StyleGAN2Generator:
        """Return this network with unfused convolutions: the number of groups of a fused one is the batch size."""
        self.synthesis.fused = False
        return self

    def forward(
        self,
        latents: Tensor,
        condition: Tensor | None = None,
        *,
        truncation: float | None = None,
        cutoff: int | None = None,
        noise: NoiseMode | Sequence[Tensor] | None = None,
    ) -> Tensor:
        """Map latents ``(N, latent_dim)``, and labels int64 ``(N,)`` if conditional, to images.

        Args:
            latents: vectors of any length; only their direction counts.
            condition: labels if there are classes.
            truncation: psi, see :meth:`truncate`; None changes nothing.
            cutoff: number of layers to truncate, or None for all.
            noise: see :meth:`synthesize`.
        """
        styles = self.training_styles(latents, condition) if self.training else self.map_latents(latents, condition)
        if truncation is not None:
            styles = self.truncate(styles, psi=truncation, cutoff=cutoff)
        return self.synthesize(styles, noise=noise or None)

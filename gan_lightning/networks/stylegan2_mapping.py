"""The mapping network of StyleGAN2 (Karras 2020, arXiv 1912.04958): latents and labels to styles."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gan_lightning.networks.checks import check_positive
from gan_lightning.networks.conditional import one_hot, require_condition
from gan_lightning.networks.equalized import pixel_norm
from gan_lightning.networks.stylegan2_layers import EqualizedDense, scaled_leaky_relu


class MappingNetwork(nn.Module):
    """Dense layers from normalized latents, an embedding of the label, or both joined, to a style.

    The layers learn at a hundredth of the rate of all others: Karras 2019 (arXiv 1812.04948), appendix C.

    Args:
        latent_dim: length of a latent vector, or None to map labels only.
        classes: number of classes, or None to map latents only.
        style_dim: length of a style and of every layer in between.
        layers: number of dense layers.
        lr_multiplier: speed at which they learn.

    Raises:
        ValueError: if a size is below 1, or there is neither latent nor label.
    """

    def __init__(
        self,
        *,
        latent_dim: int | None,
        classes: int | None,
        style_dim: int,
        layers: int = 8,
        lr_multiplier: float = 0.01,
    ) -> None:
        if latent_dim is None and classes is None:
            raise ValueError("a mapping network needs latent_dim or classes, got neither")
        if lr_multiplier <= 0:
            raise ValueError(f"lr_multiplier must be above 0, got {lr_multiplier}")
        check_positive(style_dim=style_dim, layers=layers)
        super().__init__()
        self.takes_latents = latent_dim is not None
        self.classes = classes
        inputs = (latent_dim or 0) + (0 if classes is None else style_dim)
        self.embedding = None if classes is None else EqualizedDense(classes, style_dim)
        self.layers = nn.ModuleList(
            EqualizedDense(inputs if index == 0 else style_dim, style_dim, lr_multiplier=lr_multiplier)
            for index in range(layers)
        )

    def forward(self, latents: Tensor | None, condition: Tensor | None = None) -> Tensor:
        """Map latents ``(N, latent_dim)`` and labels int64 ``(N,)``, where it takes them, to styles ``(N, style_dim)``.

        Raises:
            ValueError: if it takes latents or labels and gets none.
        """
        parts = []
        if self.takes_latents:
            if latents is None:
                raise ValueError("latents must be float (N, latent_dim), got None")
            parts.append(pixel_norm(latents))
        if self.embedding is not None and self.classes is not None:
            weights = next(self.embedding.parameters())
            codes = one_hot(require_condition(condition), self.classes, like=weights)
            parts.append(pixel_norm(self.embedding(codes)))
        h = torch.cat(parts, dim=1)
        for layer in self.layers:
            h = scaled_leaky_relu(layer(h))
        return h

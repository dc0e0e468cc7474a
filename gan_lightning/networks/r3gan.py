"""The networks of R3GAN (Huang 2024, arXiv 2501.05441): residual blocks of grouped convolutions, without any norm."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from gan_lightning.networks.base import Discriminator, Generator
from gan_lightning.networks.checks import check_multiple, check_positive, check_widths
from gan_lightning.networks.conditional import project, require_condition
from gan_lightning.networks.freezing import Block, block_of
from gan_lightning.networks.r3gan_blocks import Convolution, Stage, doubling, halving, normal, residual_blocks


def _check_stages(
    *,
    resolution: int,
    widths: Sequence[int],
    cardinalities: Sequence[int],
    blocks: Sequence[int],
    expansion: int,
    bfloat16_resolutions: Sequence[int],
) -> int:
    """Return the height of the smallest map.

    Raises:
        ValueError: if an argument is out of its range.
    """
    check_positive(expansion=expansion)
    check_widths(widths)
    for name, values in (("cardinalities", cardinalities), ("blocks", blocks)):
        if len(check_widths(values, name=name)) != len(widths):
            raise ValueError(f"{name} must have {len(widths)} entries, one for each width, got {list(values)}")
    for width, cardinality in zip(widths, cardinalities, strict=True):
        if width * expansion % cardinality:
            raise ValueError(f"cardinalities must divide widths x expansion = {width * expansion}, got {cardinality}")
    halvings = len(widths) - 1
    base = check_multiple(resolution, of=2**halvings, because="one doubling or halving between two widths")
    sizes = [base * 2**stage for stage in range(len(widths))]
    if not set(bfloat16_resolutions) <= set(sizes):
        raise ValueError(f"bfloat16_resolutions must be among {sizes}, got {list(bfloat16_resolutions)}")
    return base


class R3GANGenerator(Generator):
    """A basis of maps scaled by a linear layer, then stages of residual blocks, each but the first after a doubling.

    Latents float ``(N, latent_dim)``, with labels int64 ``(N,)`` if ``classes`` is given, become float32 images
    ``(N, channels, resolution, resolution)``: around [-1, 1], but unbounded, as there is no tanh. As the last layer of
    every block starts at 0, the network starts as a linear function of the latents.

    Args:
        resolution: height and width of an image; divisible by ``2 ** (len(widths) - 1)``.
        channels: channels of an image.
        latent_dim: length of a latent vector.
        widths: channels of each stage, from the smallest map to the largest.
        cardinalities: groups of the 3x3 convolutions of each stage.
        blocks: residual blocks of each stage.
        expansion: how many times wider a block is inside.
        classes: number of classes, or None without labels.
        embedding_dim: length of the class vector beside the latent vector; used with ``classes`` only.
        bfloat16_resolutions: heights of the maps whose stages compute in bfloat16; the rest and all weights are
            float32. For CIFAR-10 the authors choose all but the smallest.

    Raises:
        ValueError: if an argument is out of its range, or the condition is missing.

    Source: arXiv 2501.05441, table 9.
    """

    def __init__(
        self,
        *,
        resolution: int = 32,
        channels: int = 3,
        latent_dim: int = 64,
        widths: Sequence[int] = (768, 768, 768, 768),
        cardinalities: Sequence[int] = (96, 96, 96, 96),
        blocks: Sequence[int] = (2, 2, 2, 2),
        expansion: int = 2,
        classes: int | None = None,
        embedding_dim: int = 64,
        bfloat16_resolutions: Sequence[int] = (),
    ) -> None:
        check_positive(channels=channels, latent_dim=latent_dim, embedding_dim=embedding_dim)
        check_positive(classes=1 if classes is None else classes)
        base = _check_stages(
            resolution=resolution,
            widths=widths,
            cardinalities=cardinalities,
            blocks=blocks,
            expansion=expansion,
            bfloat16_resolutions=bfloat16_resolutions,
        )
        super().__init__(latent_dim=latent_dim, sample_shape=(channels, resolution, resolution))
        self.classes = classes
        inputs = latent_dim
        self.class_vectors: nn.Embedding | None = None
        if classes is not None:
            inputs += embedding_dim
            self.class_vectors = nn.Embedding(classes, embedding_dim)
            normal(self.class_vectors.weight, fan_in=classes)
        self.stem = nn.Linear(inputs, widths[0], bias=False)
        normal(self.stem.weight, fan_in=inputs)
        self.basis = nn.Parameter(torch.randn(widths[0], base, base))
        self.stages = nn.ModuleList()
        for index, residual in enumerate(residual_blocks(widths, cardinalities, blocks, expansion=expansion)):
            transition = [] if index == 0 else doubling(widths[index - 1], widths[index])
            self.stages.append(Stage(*transition, *residual, bfloat16=base * 2**index in bfloat16_resolutions))
        self.to_image = Convolution(widths[-1], channels)

    def blocks_from_input(self) -> list[Block]:
        """Return a block for each stage, the first layer with the first; class vectors are in none."""
        first, *others = self.stages
        return [block_of(self.stem, self.basis, first), *map(block_of, others)]

    def forward(self, latents: Tensor, condition: Tensor | None = None) -> Tensor:
        """Map latents ``(N, latent_dim)``, and labels int64 ``(N,)`` if conditional, to images, unbounded."""
        if self.class_vectors is not None:
            latents = torch.cat([latents, self.class_vectors(require_condition(condition))], dim=1)
        h = self.stem(latents)[:, :, None, None] * self.basis
        for stage in self.stages:
            h = stage(h)
        return self.to_image(h.to(self.basis.dtype))


class R3GANDiscriminator(Discriminator):
    """Stages of residual blocks, each but the last before a halving, a depthwise convolution and a linear layer.

    With classes the linear layer's output is as long as a class vector, and the logit is their inner product. Nothing
    normalizes activations, so gradient penalties are allowed. As the last layer of every block starts at 0, logits
    start as linear functions of the image.

    Args:
        resolution: height and width of an image; divisible by ``2 ** (len(widths) - 1)``.
        channels: channels of an image.
        widths: channels of each stage, from the largest map to the smallest.
        cardinalities: groups of the 3x3 convolutions of each stage.
        blocks: residual blocks of each stage.
        expansion: how many times wider a block is inside.
        classes: number of classes, or None for a head that ignores the condition.
        embedding_dim: length of a class vector; used with ``classes`` only. The authors take the last width.
        bfloat16_resolutions: heights of the maps whose stages compute in bfloat16; the rest and all weights are
            float32. For CIFAR-10 the authors choose all but the smallest.

    Raises:
        ValueError: if an argument is out of its range, or the condition is missing.

    Source: arXiv 2501.05441, table 9.
    """

    def __init__(
        self,
        *,
        resolution: int = 32,
        channels: int = 3,
        widths: Sequence[int] = (768, 768, 768, 768),
        cardinalities: Sequence[int] = (96, 96, 96, 96),
        blocks: Sequence[int] = (2, 2, 2, 2),
        expansion: int = 2,
        classes: int | None = None,
        embedding_dim: int = 768,
        bfloat16_resolutions: Sequence[int] = (),
    ) -> None:
        check_positive(channels=channels, embedding_dim=embedding_dim, classes=1 if classes is None else classes)
        base = _check_stages(
            resolution=resolution,
            widths=widths,
            cardinalities=cardinalities,
            blocks=blocks,
            expansion=expansion,
            bfloat16_resolutions=bfloat16_resolutions,
        )
        super().__init__(feature_dim=widths[-1], sample_shape=(channels, resolution, resolution))
        self.classes = classes
        self.from_image = Convolution(channels, widths[0])
        self.stages = nn.ModuleList()
        for index, residual in enumerate(residual_blocks(widths, cardinalities, blocks, expansion=expansion)):
            transition = [] if index == len(widths) - 1 else halving(widths[index], widths[index + 1])
            bfloat16 = resolution // 2**index in bfloat16_resolutions
            self.stages.append(Stage(*residual, *transition, bfloat16=bfloat16))
        self.pool = Convolution(self.feature_dim, self.feature_dim, kernel=base, groups=self.feature_dim)
        self.output = nn.Linear(self.feature_dim, 1 if classes is None else embedding_dim, bias=False)
        normal(self.output.weight, fan_in=self.feature_dim)
        self.class_vectors: nn.Embedding | None = None
        if classes is not None:
            self.class_vectors = nn.Embedding(classes, embedding_dim)
            # The logit sums embedding_dim products.
            normal(self.class_vectors.weight, fan_in=classes, gain=1 / math.sqrt(embedding_dim))

    def blocks_from_input(self) -> list[Block]:
        """Return a block for each stage, the first layer with the first."""
        first, *others = self.stages
        return [block_of(self.from_image, first), *map(block_of, others)]

    def features(self, samples: Tensor) -> Tensor:
        """Map images ``(N, channels, resolution, resolution)`` to weighted sums of the maps, ``(N, feature_dim)``."""
        h = self.from_image(samples)
        for stage in self.stages:
            h = stage(h)
        return self.pool(h.to(self.pool.weight.dtype)).flatten(1)

    def head(self, features: Tensor, condition: Tensor | None = None) -> Tensor:
        """Map features, and labels int64 ``(N,)`` if there are classes, to logits ``(N,)``."""
        outputs = self.output(features)
        if self.class_vectors is None:
            return outputs.squeeze(1)
        return project(outputs, self.class_vectors(require_condition(condition)))

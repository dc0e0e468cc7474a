"""The discriminator of Projected GAN (Sauer 2021, arXiv 2111.01007): four networks on mixed maps of frozen features."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gan_lightning.core.determinism import undisturbed_rng
from gan_lightning.core.torch_internals import MovedAlong
from gan_lightning.networks.backbone import SCALES, Backbone
from gan_lightning.networks.base import Discriminator
from gan_lightning.networks.checks import check_positive
from gan_lightning.networks.conditional import require_condition
from gan_lightning.networks.spectral import spectral_norm


class FrozenNetwork(MovedAlong):
    """Runs a network in evaluation mode whose parameters take no gradients; gradients flow through to the input.

    The network is not a submodule: it enters neither the parameters nor the state dict of what it is part of, so that
    optimizers, checkpoints, averages and the exchange between processes do not see it. It follows the module from
    device to device, and from dtype to dtype, and a copy of the module shares it.

    It is loaded when it is first run, so that a model can be rebuilt and sampled from without its weights.

    Args:
        load: returns the network with its weights; what it draws or seeds leaves no trace in the global generators.
    """

    def __init__(self, load: Callable[[], nn.Module]) -> None:
        super().__init__()
        self.load = load
        self._held: list[nn.Module] = []  # shared by all copies; a list, so that it holds no submodules

    @property
    def network(self) -> nn.Module | None:
        """Return the network, or None before it is loaded."""
        return self._held[0] if self._held else None

    def prepare(self, like: Tensor) -> nn.Module:
        """Load the network, unless it is loaded, and return it.

        Args:
            like: a tensor of the device and dtype that the network is to have.
        """
        if not self._held:
            # A tensor that is made in inference mode could never be differentiated through.
            with torch.inference_mode(False), undisturbed_rng(like.device):
                self._held.append(self.load().requires_grad_(False).eval().to(like.device, like.dtype))
        return self._held[0]

    def forward(self, *inputs: Tensor) -> Any:
        """Run the network."""
        return self.prepare(inputs[0])(*inputs)

    def __deepcopy__(self, memo: dict[int, Any]) -> FrozenNetwork:
        """Return a module with the same network: what never changes needs no copy."""
        other = FrozenNetwork(self.load)
        other._held = self._held
        return other


# Of an image to the last map of each of the four networks, in strides of the backbone's largest map.
REDUCTION = 8
# The 4x4 convolutions to logits need this much.
LEAST_SIDE = 4
EMBEDDING_DIM = 128
CLASS_DIM = 64


class RandomProjection(nn.Module):
    """A 1x1 convolution that keeps torch's random start: its weights are buffers, which checkpoints hold.

    Args:
        inputs: channels in.
        outputs: channels out.
    """

    weight: Tensor
    bias: Tensor

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        start = nn.Conv2d(inputs, outputs, 1)
        self.register_buffer("weight", start.weight.detach())
        self.register_buffer("bias", None if start.bias is None else start.bias.detach())

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, inputs, H, W)`` to ``(N, outputs, H, W)``."""
        return F.conv2d(x, self.weight, self.bias)


class FeatureMixing(nn.Module):
    """Random projections of four feature maps, never trained: across channels, and from small maps to large ones.

    With l_k the maps, CCM ``c_k = A_k l_k`` and CSM ``m_k = B_k up(c_k + m_{k + 1})``, ``up`` bilinear to twice the
    size and ``m_4`` absent (section 3.2; the authors' code has 1x1 convolutions without residual blocks).

    Args:
        channels: channels of the four maps, the largest map first.
        width: w of the results, which have w_k = w, w, 2 w and 4 w channels.
    """

    def __init__(self, channels: Sequence[int], *, width: int) -> None:
        super().__init__()
        between = [width * 2**index for index in range(SCALES)]
        outputs = [max(width, inputs // 2) for inputs in between]
        self.across_channels = nn.ModuleList(RandomProjection(*pair) for pair in zip(channels, between, strict=True))
        self.across_scales = nn.ModuleList(RandomProjection(*pair) for pair in zip(between, outputs, strict=True))

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """Map ``(N, channels[k], H / 2^k, W / 2^k)`` to maps ``(N, w_k, 2 H / 2^k, 2 W / 2^k)``."""
        mixed: list[Tensor] = []
        for across_channels, across_scales, features in reversed(
            list(zip(self.across_channels, self.across_scales, maps, strict=True))
        ):
            h = across_channels(features)
            if mixed:
                h = h + mixed[-1]
            # A 1x1 convolution may as well come before the enlargement, where it has a quarter of the pixels.
            mixed.append(F.interpolate(across_scales(h), scale_factor=2, mode="bilinear", align_corners=True))
        return mixed[::-1]


def down_block(inputs: int, outputs: int, *, separable: bool) -> nn.Sequential:
    """Return layers that halve a map: a 4x4 convolution of stride 2, or a separable one of 3x3 and average pooling.

    Batch norm and LeakyReLU 0.2 follow the convolution, whose weights are spectrally normalized.
    """
    activation = [nn.BatchNorm2d(outputs), nn.LeakyReLU(0.2)]
    if not separable:
        return nn.Sequential(spectral_norm(nn.Conv2d(inputs, outputs, 4, stride=2, padding=1)), *activation)
    return nn.Sequential(
        spectral_norm(nn.Conv2d(inputs, inputs, 3, padding=1, groups=inputs, bias=False)),
        spectral_norm(nn.Conv2d(inputs, outputs, 1, bias=False)),
        *activation,
        nn.AvgPool2d(2),
    )


class PatchHead(nn.Module):
    """A 4x4 convolution to logits, or to vectors whose inner product with the class's vector is the logit.

    Args:
        inputs: channels in.
        classes: number of classes, or None without labels.
    """

    def __init__(self, inputs: int, *, classes: int | None) -> None:
        super().__init__()
        outputs = 1 if classes is None else CLASS_DIM
        self.output = spectral_norm(nn.Conv2d(inputs, outputs, LEAST_SIDE, bias=False))
        self.class_vectors = (
            None
            if classes is None
            else nn.Sequential(
                nn.Embedding(classes, EMBEDDING_DIM), nn.Linear(EMBEDDING_DIM, CLASS_DIM), nn.LeakyReLU(0.2)
            )
        )

    def forward(self, x: Tensor, condition: Tensor | None) -> Tensor:
        """Map ``(N, inputs, H, W)``, and labels int64 ``(N,)`` if there are classes, to ``(N, 1, H - 3, W - 3)``."""
        h = self.output(x)
        if self.class_vectors is None:
            return h
        vectors = self.class_vectors(require_condition(condition))[:, :, None, None]
        return (h * vectors).sum(dim=1, keepdim=True) / math.sqrt(CLASS_DIM)


class ProjectedDiscriminator(Discriminator):
    """Judges what a frozen network sees of images, mixed at random, on four scales.

    Four maps of the frozen network are mixed by :class:`FeatureMixing` and each judged by a network of its own, with
    4, 3, 2 and 1 blocks that halve it, so that all end at one size. Features are those ends beside one another,
    logits those of the four networks one above the other: a plain mean weighs all alike.

    Args:
        backbone: the frozen network; its weights are loaded when first needed, and are not in checkpoints.
        resolution: height and width of an image.
        channels: channels of an image, 1 or 3.
        width: w; the ends have 8 w channels.
        separable: whether blocks have separable convolutions.
        classes: number of classes, or None without labels.
        least_size: height and width that smaller images are enlarged to, bilinearly.

    Raises:
        ValueError: if an argument is out of its range, or the condition is missing.

    Source: arXiv 2111.01007, sections 3.2 and 3.3, with the numbers of the authors' code.
    """

    feature_maps = True

    def __init__(
        self,
        *,
        backbone: Backbone,
        resolution: int = 256,
        channels: int = 3,
        width: int = 64,
        separable: bool = False,
        classes: int | None = None,
        least_size: int = 224,
    ) -> None:
        check_positive(resolution=resolution, width=width, least_size=least_size)
        check_positive(classes=1 if classes is None else classes)
        if channels not in (1, 3):
            raise ValueError(f"channels must be 1 or 3, got {channels}")
        side, unit = max(resolution, least_size), REDUCTION * backbone.stride
        if side % unit or side < LEAST_SIDE * unit:
            name = "least_size" if side == least_size else "resolution"
            raise ValueError(
                f"{name} must be a multiple of {unit}, and at least {LEAST_SIDE * unit}, with a "
                f"{type(backbone).__name__}; got {side}"
            )
        super().__init__(feature_dim=SCALES * 8 * width, sample_shape=(channels, resolution, resolution))
        self.classes = classes
        self.side = side
        self.backbone = backbone
        self.frozen = FrozenNetwork(backbone.load)
        self.mixing = FeatureMixing(backbone.channels, width=width)
        widths = [width, width, 2 * width, 4 * width, 8 * width]
        self.bodies = nn.ModuleList(
            nn.Sequential(
                *(down_block(widths[index], widths[index + 1], separable=separable) for index in range(scale, SCALES))
            )
            for scale in range(SCALES)
        )
        self.heads = nn.ModuleList(PatchHead(8 * width, classes=classes) for _ in range(SCALES))

    def features(self, samples: Tensor) -> Tensor:
        """Map images ``(N, channels, resolution, resolution)`` in [-1, 1] to maps ``(N, feature_dim, h, w)``."""
        images = samples.expand(-1, 3, -1, -1)
        if images.shape[-1] != self.side:
            images = F.interpolate(images, size=(self.side, self.side), mode="bilinear", align_corners=False)
        mixed = self.mixing(self.frozen(images))
        return torch.cat([body(maps) for body, maps in zip(self.bodies, mixed, strict=True)], dim=1)

    def head(self, features: Tensor, condition: Tensor | None = None) -> Tensor:
        """Map features, and labels int64 ``(N,)`` if there are classes, to logits ``(N, 1, 4 (h - 3), w - 3)``."""
        ends = features.chunk(SCALES, dim=1)
        return torch.cat([head(end, condition) for head, end in zip(self.heads, ends, strict=True)], dim=2)

"""What every image-to-image generator promises: a picture in, a picture of the same size out."""

from __future__ import annotations

from torch import Tensor

from gan_lightning.networks.base import Generator
from gan_lightning.networks.checks import check_multiple, check_positive


class Translator(Generator):
    """A map from source images to images, convolutional, so that it takes sizes it was not trained at.

    It is a generator without latent vectors whose condition is the source image; subclasses implement ``translate``.

    Attributes:
        source_shape: ``(C', H, W)`` of a source image in training.
        multiple: height and width must be multiples of it.

    Args:
        source_channels: channels of a source image.
        channels: channels of a translation.
        resolution: height and width in training.
        multiple: see above.

    Raises:
        ValueError: if a number is below 1, or ``resolution`` is not a multiple of ``multiple``.
    """

    def __init__(self, *, source_channels: int, channels: int, resolution: int, multiple: int) -> None:
        check_positive(source_channels=source_channels, channels=channels)
        check_multiple(resolution, of=multiple, because="the network halves and doubles that often")
        super().__init__(latent_dim=0, sample_shape=(channels, resolution, resolution))
        self.source_shape = (source_channels, resolution, resolution)
        self.multiple = multiple

    def translate(self, images: Tensor) -> Tensor:
        """Map source images ``(N, C', H, W)`` in [-1, 1] to images ``(N, C, H, W)`` in [-1, 1]."""
        raise NotImplementedError

    def forward(self, latents: Tensor, condition: Tensor | None = None) -> Tensor:
        """Translate ``condition``, the source images; latents of length 0 are not looked at.

        Raises:
            ValueError: without source images.
        """
        if condition is None:
            raise ValueError(f"{type(self).__name__} translates images: its condition must be the source images")
        return self.translate(condition)

    def check_images(self, images: Tensor) -> None:
        """Refuse images that the network cannot take.

        Raises:
            ValueError: naming what it takes.
        """
        if images.ndim != 4 or images.shape[1] != self.source_shape[0]:
            raise ValueError(f"source images must be (N, {self.source_shape[0]}, H, W), got {tuple(images.shape)}")
        height, width = images.shape[2:]
        if not self.allows(height, width):
            raise ValueError(
                f"height and width must be multiples of {self.multiple} for {type(self).__name__}, "
                f"got {height} and {width}"
            )

    def allows(self, height: int, width: int) -> bool:
        """Return whether the network takes images of this size."""
        return min(height, width) >= self.multiple and height % self.multiple == 0 and width % self.multiple == 0

"""Instance noise: real and generated samples are blurred into each other until both have learned."""

from __future__ import annotations

import torch
from torch import Tensor

from gan_lightning.augment.base import Augmentation


class InstanceNoise(Augmentation):
    """Adds Gaussian noise to whatever the discriminator sees, less of it as training proceeds.

    x + sigma_t e, e ~ N(0, I), sigma_t = sigma max(0, 1 - t / decay): Sonderby et al. 2017 (arXiv 1610.04490),
    section 3.1, and Arjovsky and Bottou 2017 (arXiv 1701.04862), section 3. t counts real images shown to the
    discriminator.

    Args:
        sigma: standard deviation at the start, in units of the samples (images lie in [-1, 1]).
        decay_kimg: thousands of images after which there is no noise left, or None for noise that stays.

    Raises:
        ValueError: if ``sigma`` is negative or ``decay_kimg`` not positive.
    """

    images_seen: Tensor

    def __init__(self, *, sigma: float = 0.1, decay_kimg: float | None = None) -> None:
        super().__init__()
        if sigma < 0:
            raise ValueError(f"sigma must be at least 0, got {sigma}")
        if decay_kimg is not None and decay_kimg <= 0:
            raise ValueError(f"decay_kimg must be positive or null, got {decay_kimg}")
        self.sigma = sigma
        self.decay_kimg = decay_kimg
        self.register_buffer("images_seen", torch.zeros((), dtype=torch.int64))

    def sigma_now(self) -> Tensor:
        """Return the present standard deviation as a scalar on the device, which spares a wait."""
        if self.decay_kimg is None:
            return torch.full_like(self.images_seen, self.sigma, dtype=torch.float32)
        return self.sigma * (1 - self.images_seen / (1000 * self.decay_kimg)).clamp(min=0)

    def forward(self, images: Tensor) -> Tensor:
        """Add noise to samples of any shape, images in [-1, 1] or points; the result may leave that range."""
        return images + (self.sigma_now() * torch.randn_like(images)).to(images.dtype)

    def observe(self, real_logits: Tensor, images: int) -> None:
        """Count the images of a discriminator step."""
        self.images_seen += images

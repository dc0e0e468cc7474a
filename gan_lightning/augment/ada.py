"""ADA: augmentation whose probability follows the discriminator's overfitting."""

from __future__ import annotations

import math

import torch
from torch import Tensor, distributed

from gan_lightning.augment.base import Augmentation, check_images
from gan_lightning.augment.pipeline import Strengths, augment
from gan_lightning.augment.precision import full_precision
from gan_lightning.augment.warp import MIN_SIZE
from gan_lightning.core.schedules import Scalar, Schedule, smallest_of, value_at
from gan_lightning.core.torch_internals import version


class HostScalar:
    """Remembers the value of a scalar buffer until something else writes to it.

    Reading a tensor on an accelerator waits for all the work queued there. The buffer stays the truth: a loaded
    checkpoint, a broadcast or a direct write raises its version, and the next read fetches the value again.
    """

    def __init__(self) -> None:
        self._buffer: Tensor | None = None
        self._version = -1
        self._value = 0.0

    def read(self, buffer: Tensor) -> float:
        """Return the value of ``buffer``, a scalar."""
        if buffer is not self._buffer or version(buffer) != self._version:
            self._remember(buffer, float(buffer))
        return self._value

    def write(self, buffer: Tensor, value: float) -> None:
        """Set ``buffer`` to ``value``, rounded to the buffer's dtype."""
        buffer.fill_(value)
        self._remember(buffer, float(torch.tensor(value, dtype=buffer.dtype)))

    def _remember(self, buffer: Tensor, value: float) -> None:
        self._buffer, self._version, self._value = buffer, version(buffer), value


class ADA(Augmentation):
    r"""Adaptive discriminator augmentation.

    Karras et al. 2020, "Training Generative Adversarial Networks with Limited Data" (arXiv 2006.06676), section 3.
    The overfitting heuristic is r_t = E[sign D(real)] (equation 1), where D is 0 for what may as well be generated:
    losses without such a logit are refused unless p is fixed. Every ``interval_steps`` discriminator steps

        p ← max(0, p + sign(r_t - target) · images / (1000 · speed_kimg)),

    where r_t averages over the real images of all ranks since the last update and ``images`` counts them. p may exceed
    1; every transformation is then certain. At p = 0 the images pass through untouched.

    The default groups are the paper's ``bgc``. R3GAN (arXiv 2501.05441) uses ``color=0.5, cutout=1`` and a scheduled
    p: give ``fixed_p`` and call ``set_p``. Computes in float32 (float64 for float64
    images), also under autocast. Draws that place and color come from torch's global CPU generator, so they
    do not depend on the device.

    Args:
        target: target of r_t.
        interval_steps: discriminator steps between two updates of p.
        speed_kimg: thousands of real images in which p can move by 1; the paper uses 500, and 100 when resuming
            from trained weights.
        initial_p: p at the start.
        fixed_p: p without control: a number, or a schedule; None to adapt it.
        blit: factor of p for flips, quarter turns and integer shifts.
        geometry: factor of p for scales, rotations and fractional shifts.
        color: factor of p for color transformations; needs 1 or 3 channels.
        filter: factor of p for the amplification of frequency bands.
        noise: factor of p for additive noise.
        cutout: factor of p for the zeroed rectangle.

    Attributes:
        p: float32 scalar buffer.

    Raises:
        ValueError: if an argument lies outside its range, or both ``initial_p`` and ``fixed_p`` are given.
    """

    p: Tensor
    sign_sum: Tensor
    sign_count: Tensor
    images_since_update: Tensor
    steps_since_update: Tensor

    def __init__(
        self,
        *,
        target: float = 0.6,
        interval_steps: int = 4,
        speed_kimg: float = 500.0,
        initial_p: float = 0.0,
        fixed_p: Scalar | None = None,
        blit: float = 1.0,
        geometry: float = 1.0,
        color: float = 1.0,
        filter: float = 0.0,
        noise: float = 0.0,
        cutout: float = 0.0,
    ) -> None:
        super().__init__()
        if not -1 < target < 1:
            raise ValueError(f"target must lie between -1 and 1, got {target}")
        if interval_steps < 1:
            raise ValueError(f"interval_steps must be at least 1, got {interval_steps}")
        if not speed_kimg > 0:
            raise ValueError(f"speed_kimg must be above 0, got {speed_kimg}")
        for name, value in (("initial_p", initial_p), ("fixed_p", fixed_p)):
            if value is not None and not 0 <= smallest_of(value) < math.inf:
                raise ValueError(f"{name} must be at least 0, got {smallest_of(value)}")
        if fixed_p is not None and initial_p != 0:
            raise ValueError(
                f"only one of initial_p and fixed_p can be set, got initial_p={initial_p}, fixed_p={fixed_p}"
            )
        self.target = target
        self.interval_steps = interval_steps
        self.speed_kimg = speed_kimg
        self.adaptive = self.reads_signs = fixed_p is None
        self.strengths = Strengths(blit=blit, geometry=geometry, color=color, filter=filter, noise=noise, cutout=cutout)
        self.turns_images = blit > 0 or geometry > 0
        self.schedule = fixed_p if isinstance(fixed_p, Schedule) else None
        p = initial_p if fixed_p is None else value_at(fixed_p, 0, 1)
        self.register_buffer("p", torch.tensor(p, dtype=torch.float32))
        self.register_buffer("sign_sum", torch.tensor(0.0))
        self.register_buffer("sign_count", torch.tensor(0.0))
        self.register_buffer("images_since_update", torch.tensor(0))
        self.register_buffer("steps_since_update", torch.tensor(0))
        self._p_on_host = HostScalar()
        self._images_on_host = HostScalar()
        self._steps_on_host = HostScalar()

    def check(self, sample_shape: tuple[int, ...]) -> None:
        """Refuse samples that would stop the training only once p is above 0.

        Raises:
            ValueError: naming their shape, unless they are images that all groups in use can transform.
        """
        check_images(self, sample_shape)
        channels, *sides = sample_shape
        if self.strengths.color > 0 and channels not in (1, 3):
            raise ValueError(
                f"model.augment.color = {self.strengths.color}: colors need 1 or 3 channels, but the discriminator "
                f"looks at samples of shape {sample_shape}; set it to 0"
            )
        if self.strengths.geometry > 0 and min(sides) < MIN_SIZE:
            raise ValueError(
                f"model.augment.geometry = {self.strengths.geometry}: sides must be at least {MIN_SIZE} pixels, but "
                f"the discriminator looks at samples of shape {sample_shape}; set it to 0"
            )

    def forward(self, images: Tensor) -> Tensor:
        """Map images ``(N, C, H, W)`` in [-1, 1] to images of the same shape and dtype, not clipped to [-1, 1]."""
        probability = self._p_on_host.read(self.p)
        if probability <= 0:
            return images
        with full_precision(images) as exact:
            augmented = augment(exact, probability, self.strengths)
        return augmented.to(images.dtype)

    def set_progress(self, images_seen: int, horizon_images: int | None) -> None:
        """Set p if it has a schedule."""
        if self.schedule is not None:
            self.set_p(self.schedule.value(images_seen, horizon_images))

    def set_p(self, p: float) -> None:
        """Set p; raises ``ValueError`` if it is negative or not finite."""
        if not 0 <= p < math.inf:
            raise ValueError(f"p must be at least 0, got {p}")
        self._p_on_host.write(self.p, p)

    @torch.no_grad()
    def observe(self, real_logits: Tensor, images: int) -> None:
        """Count the signs of real logits (any shape, this rank's).

        Args:
            real_logits: D(real), less the logit that means "cannot tell".
            images: how many real images they belong to, over all ranks.
        """
        if not self.adaptive:
            return
        seen = torch.stack([real_logits.float().sign().sum(), self.sign_count.new_tensor(real_logits.numel())])
        # Reduced at every step, so that the accumulators are the same on all ranks and one checkpoint holds them.
        if distributed.is_available() and distributed.is_initialized():
            distributed.all_reduce(seen)
        self.sign_sum += seen[0]
        self.sign_count += seen[1]
        images_since = self._images_on_host.read(self.images_since_update) + images
        self._images_on_host.write(self.images_since_update, images_since)

    @torch.no_grad()
    def end_step(self) -> None:
        """Count a discriminator step, and update p when that is due."""
        if not self.adaptive:
            return
        steps_since = self._steps_on_host.read(self.steps_since_update) + 1
        if steps_since >= self.interval_steps:
            self._update(self._images_on_host.read(self.images_since_update))
            self._images_on_host.write(self.images_since_update, 0)
            steps_since = 0
        self._steps_on_host.write(self.steps_since_update, steps_since)

    def _update(self, images: float) -> None:
        """Move p by one step toward the target and empty the accumulators."""
        # Divided in double precision, or a mean of exactly 3/5 would lie above a target of 0.6.
        total, count = torch.stack([self.sign_sum, self.sign_count]).tolist()
        mean_sign = total / count
        direction = int(mean_sign > self.target) - int(mean_sign < self.target)
        step = direction * images / (1000 * self.speed_kimg)
        self.set_p(max(0.0, self._p_on_host.read(self.p) + step))
        self.sign_sum.zero_()
        self.sign_count.zero_()

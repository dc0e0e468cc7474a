"""Distributions of the latent vector z."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from gan_lightning.seeding import sample_generators


class Prior:
    """A distribution of latent vectors with independent components."""

    def draw(self, count: int, dim: int, *, device: torch.device) -> Tensor:
        """Draw float32 ``(count, dim)`` from torch's global generator, which the training step has seeded."""
        raise NotImplementedError

    def draw_one(self, dim: int, random: np.random.Generator) -> np.ndarray:
        """Draw float32 ``(dim,)`` from ``random``."""
        raise NotImplementedError

    def draw_indexed(self, indices: Sequence[int], dim: int, *, seed: int) -> Tensor:
        """Draw float32 ``(len(indices), dim)`` on the CPU, row by row a function of (seed, index) alone."""
        rows = [self.draw_one(dim, random) for random in sample_generators(seed, indices)]
        return torch.from_numpy(np.stack(rows)) if rows else torch.empty(0, dim)


class Normal(Prior):
    """z ~ N(0, I)."""

    def draw(self, count: int, dim: int, *, device: torch.device) -> Tensor:
        """Draw float32 ``(count, dim)``."""
        return torch.randn(count, dim, device=device)

    def draw_one(self, dim: int, random: np.random.Generator) -> np.ndarray:
        """Draw float32 ``(dim,)`` from ``random``."""
        return random.standard_normal(dim, dtype=np.float32)


class Uniform(Prior):
    """z ~ U(-bound, bound) in every component.

    Args:
        bound: largest absolute value; sqrt(3) gives unit variance.

    Raises:
        ValueError: unless ``bound`` is positive.
    """

    def __init__(self, *, bound: float = 1.0) -> None:
        if bound <= 0:
            raise ValueError(f"prior.bound must be positive, got {bound}")
        self.bound = bound

    def draw(self, count: int, dim: int, *, device: torch.device) -> Tensor:
        """Draw float32 ``(count, dim)``."""
        return torch.empty(count, dim, device=device).uniform_(-self.bound, self.bound)

    def draw_one(self, dim: int, random: np.random.Generator) -> np.ndarray:
        """Draw float32 ``(dim,)`` from ``random``."""
        return (random.random(dim, dtype=np.float32) * 2 - 1) * np.float32(self.bound)

"""Distributions of the latent vector z."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from gan_lightning.seeding import sample_generators


class Prior:
    """A distribution of latent vectors."""

    def check(self, dim: int) -> None:
        """Raise ``ValueError`` if a latent vector of ``dim`` components cannot be drawn; called at construction."""

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


class Clusters(Prior):
    """z = (sqrt(K) e_k, epsilon): which of K clusters, k uniform, and where in it, epsilon ~ N(0, I).

    A generator is continuous: from one Gaussian it must also draw what lies between two kinds of images. From K
    clusters it need not. The factor gives the one-hot part the variance of a normal one.

    Args:
        clusters: K; these are the first K components of z.

    Raises:
        ValueError: unless there are at least two clusters.

    Source: ClusterGAN, Mukherjee 2019 (arXiv 1809.03627), section 2.1, which scales epsilon by 0.1 instead.
    """

    def __init__(self, *, clusters: int) -> None:
        if clusters < 2:
            raise ValueError(f"prior.clusters must be at least 2, got {clusters}")
        self.clusters = clusters

    def check(self, dim: int) -> None:
        """Refuse latent vectors without a continuous component."""
        if dim <= self.clusters:
            raise ValueError(f"generator.latent_dim must be above prior.clusters={self.clusters}, got {dim}")

    def draw(self, count: int, dim: int, *, device: torch.device) -> Tensor:
        """Draw float32 ``(count, dim)``."""
        chosen = torch.randint(self.clusters, (count,), device=device)
        one_hot = torch.nn.functional.one_hot(chosen, self.clusters) * self.clusters**0.5
        return torch.cat([one_hot, torch.randn(count, dim - self.clusters, device=device)], dim=1)

    def draw_one(self, dim: int, random: np.random.Generator) -> np.ndarray:
        """Draw float32 ``(dim,)`` from ``random``."""
        one_hot = np.zeros(self.clusters, dtype=np.float32)
        one_hot[random.integers(self.clusters)] = self.clusters**0.5
        return np.concatenate([one_hot, random.standard_normal(dim - self.clusters, dtype=np.float32)])

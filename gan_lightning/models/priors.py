"""Distributions of the latent vector z."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from gan_lightning.core.seeding import sample_generators


class Prior:
    """A distribution of latent vectors.

    Attributes:
        path: how to go from one latent vector to another so that what lies between is as likely: straight or, where
            nearly all vectors have the same length, along a great circle.
    """

    path: Literal["lerp", "slerp"] = "lerp"

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

    def reach(self, component: int) -> float:
        """Return how far from 0 a walk along one component should go: 2 standard deviations of a normal one.

        Args:
            component: its index in z.

        Raises:
            ValueError: for a component that is not a quantity.
        """
        return 2.0

    def truncate(self, latents: Tensor, threshold: float) -> Tensor:
        """Move latents of this distribution to the same distribution under the condition |z_k| <= threshold.

        With F the distribution function of a component and F_t that of the truncated one, z becomes
        ``F_t^-1(F(z))``: truncated latents as Brock 2018 (arXiv 1809.11096, section 3.1) gets them by redrawing
        what lies outside, but each is still the same sample, which changes smoothly with the threshold.

        Args:
            latents: float32 ``(N, dim)`` as drawn.
            threshold: largest absolute value of a component.

        Raises:
            ValueError: unless ``threshold`` is positive, or if the distribution cannot be truncated.
        """
        raise ValueError(f"truncation: latents of {type(self).__name__} cannot be truncated")


def check_threshold(threshold: float) -> None:
    """Raise ``ValueError`` unless a truncation is positive and finite."""
    if not 0 < threshold < float("inf"):
        raise ValueError(f"truncation must be a positive number, got {threshold}")


def lower_tail(magnitudes: Tensor) -> Tensor:
    """Return the probability that a standard normal variable is below ``-magnitudes``."""
    return torch.special.erfc(magnitudes / math.sqrt(2)) / 2


def truncate_normal(latents: Tensor, threshold: float) -> Tensor:
    """Map normal components to normal ones within [-threshold, threshold]; see ``Prior.truncate``."""
    check_threshold(threshold)
    # All in the lower tail, where the distribution function keeps its digits; torch.special.ndtr does not.
    lower = lower_tail(torch.tensor(threshold, dtype=torch.float64))
    mass = lower + lower_tail(latents.double().abs()) * (1 - 2 * lower)
    magnitudes = -torch.special.ndtri(mass)
    return magnitudes.clamp(0, threshold).copysign(latents.double()).to(latents.dtype)


class Normal(Prior):
    """z ~ N(0, I)."""

    path = "slerp"

    def draw(self, count: int, dim: int, *, device: torch.device) -> Tensor:
        """Draw float32 ``(count, dim)``."""
        return torch.randn(count, dim, device=device)

    def draw_one(self, dim: int, random: np.random.Generator) -> np.ndarray:
        """Draw float32 ``(dim,)`` from ``random``."""
        return random.standard_normal(dim, dtype=np.float32)

    def truncate(self, latents: Tensor, threshold: float) -> Tensor:
        """Draw truncated normal components; see ``Prior.truncate``."""
        return truncate_normal(latents, threshold)


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

    def reach(self, component: int) -> float:
        """Return the bound: beyond it the generator was never trained."""
        return self.bound

    def truncate(self, latents: Tensor, threshold: float) -> Tensor:
        """Draw components uniform in [-threshold, threshold], or within the bound if less; see ``Prior.truncate``."""
        check_threshold(threshold)
        return latents * (min(threshold, self.bound) / self.bound)


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

    def reach(self, component: int) -> float:
        """Refuse the components that tell the cluster; the others are normal."""
        if component < self.clusters:
            raise ValueError(
                f"component {component} is one of the {self.clusters} that tell in which cluster z is; those from "
                f"{self.clusters} on vary within it"
            )
        return super().reach(component)

    def truncate(self, latents: Tensor, threshold: float) -> Tensor:
        """Draw truncated normal components, in the same cluster; see ``Prior.truncate``."""
        return torch.cat([latents[:, : self.clusters], truncate_normal(latents[:, self.clusters :], threshold)], dim=1)

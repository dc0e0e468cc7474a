"""Points in the plane, from mixtures of Gaussians whose modes can be counted."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, TypedDict, Unpack

import torch
from torch import Tensor

from gan_lightning.core.seeding import generator_for
from gan_lightning.core.signatures import inherit_parameters
from gan_lightning.data.base import RealDataModule
from gan_lightning.data.images import EvaluationSet
from gan_lightning.data.loader import InMemoryLoader


def ring_means(modes: int, radius: float) -> Tensor:
    """Return float32 ``(modes, 2)``, the points of angles 2 pi k / modes on a circle."""
    angles = torch.arange(modes, dtype=torch.float64) * (2 * math.pi / modes)
    return (radius * torch.stack([angles.cos(), angles.sin()], dim=1)).float()


def grid_means(side: int, spacing: float) -> Tensor:
    """Return float32 ``(side^2, 2)``, a square grid around the origin."""
    ticks = (torch.arange(side, dtype=torch.float64) - (side - 1) / 2) * spacing
    return torch.cartesian_prod(ticks, ticks).float()


@dataclass(frozen=True)
class Mixture(EvaluationSet):
    """Equally likely Gaussians of one isotropic width.

    Attributes:
        name: name of the data set.
        means: float32 ``(K, D)``, one row a mode.
        sigma: standard deviation of every coordinate around its mean.
        split: the whole distribution, hence "true".
    """

    name: str
    means: Tensor
    sigma: float
    split: str = "true"

    def draw(self, count: int, *, seed: int) -> Tensor:
        """Draw float32 ``(count, D)``, a function of the seed."""
        random = generator_for(seed)
        modes = torch.randint(len(self.means), (count,), generator=random)
        noise = torch.randn(count, self.means.shape[1], generator=random)
        return self.means[modes] + self.sigma * noise


class PointSet(TypedDict, total=False):
    """The arguments that a mixture's data module hands on to ``MixtureDataModule``, which describes them."""

    points: int
    batch_size: int
    seed: int
    data_seed: int


class MixtureDataModule(RealDataModule):
    """A finite set of points, drawn once from a mixture; they are not rescaled.

    Args:
        mixture: what they are drawn from, and what samples are compared with; a subclass gives it.
        points: size of the training set.
        batch_size: points per discriminator update, over all processes.
        seed: seed of the order of the points.
        data_seed: seed of the points themselves; runs that differ in ``seed`` alone see the same set.

    Raises:
        ValueError: for a value out of range.
    """

    def __init__(
        self, mixture: Mixture, /, *, points: int = 100_000, batch_size: int = 100, seed: int = 0, data_seed: int = 0
    ) -> None:
        if points < 1:
            raise ValueError(f"data.points must be at least 1, got {points}")
        if not 0 < mixture.sigma < math.inf:
            raise ValueError(f"data.sigma must be positive and finite, got {mixture.sigma}")
        super().__init__(dataset=mixture.name, classes=None, batch_size=batch_size, seed=seed)
        self.mixture = mixture
        self.sample_shape = tuple(mixture.means.shape[1:])
        self.points = points
        self.data_seed = data_seed

    def __init_subclass__(cls, **arguments: Any) -> None:
        """Give a subclass's constructor, in help texts and config checks, the arguments that it hands on."""
        super().__init_subclass__(**arguments)
        inherit_parameters(cls)

    @property
    def images_per_epoch(self) -> int:
        """Number of points."""
        return self.points

    def endless_loader(self) -> InMemoryLoader:
        """Return an endless loader over the points on the training device."""
        return self.loader_in_memory(self.mixture.draw(self.points, seed=self.data_seed), None, self.loader_options())

    def evaluation_set(self, split: str) -> Mixture:
        """Return the mixture itself.

        Raises:
            ValueError: for another split than "true".
        """
        if split != self.mixture.split:
            raise ValueError(f"points are compared with the distribution itself, split 'true', got {split!r}")
        return self.mixture


class RingDataModule(MixtureDataModule):
    """Gaussians on a circle; the defaults are those of PacGAN (Lin 2017, arXiv 1712.04086, section 4.1).

    Args:
        modes: number of Gaussians.
        radius: radius of the circle.
        sigma: width of a Gaussian.
        set_of_points: see ``MixtureDataModule``.

    Raises:
        ValueError: for a value out of range.
    """

    def __init__(
        self, *, modes: int = 8, radius: float = 1.0, sigma: float = 0.01, **set_of_points: Unpack[PointSet]
    ) -> None:
        if modes < 1:
            raise ValueError(f"data.modes must be at least 1, got {modes}")
        if not 0 < radius < math.inf:
            raise ValueError(f"data.radius must be positive and finite, got {radius}")
        super().__init__(Mixture("ring", ring_means(modes, radius), sigma), **set_of_points)


class GridDataModule(MixtureDataModule):
    """Gaussians on a square grid; the defaults are those of PacGAN (Lin 2017, arXiv 1712.04086, section 4.1).

    Args:
        side: Gaussians per row and column.
        spacing: distance between neighbors.
        sigma: width of a Gaussian.
        set_of_points: see ``MixtureDataModule``.

    Raises:
        ValueError: for a value out of range.
    """

    def __init__(
        self, *, side: int = 5, spacing: float = 2.0, sigma: float = 0.05, **set_of_points: Unpack[PointSet]
    ) -> None:
        if side < 1:
            raise ValueError(f"data.side must be at least 1, got {side}")
        if not 0 < spacing < math.inf:
            raise ValueError(f"data.spacing must be positive and finite, got {spacing}")
        super().__init__(Mixture("grid", grid_means(side, spacing), sigma), **set_of_points)

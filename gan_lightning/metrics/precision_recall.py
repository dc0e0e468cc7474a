"""Precision, recall, density, coverage and authenticity: five metrics of one look at nearest neighbors."""

from __future__ import annotations

from typing import Any

from gan_lightning.metrics.metric import Estimate, Evidence, Metric, Needs, at_least
from gan_lightning.metrics.neighborhood import Neighborhood, neighborhood
from gan_lightning.metrics.neighbors import squared_radii
from gan_lightning.metrics.scores import Closest

CLOSEST_NEIGHBORS = 5
"""Nearest real samples that are told of a suspected copy."""


class _OfNeighbors(Metric):
    """A metric of balls around real or generated samples; all of them share one look at the pairs."""

    higher_is_better = True
    needs = Needs(features=True, real="features")

    def look(self, evidence: Evidence) -> Neighborhood:
        """Compare the two sets for this metric and for all others with the same settings, once."""
        wanted = (self, *(metric for metric in evidence.metrics if isinstance(metric, _OfNeighbors)))
        # what is not asked for must not fail for want of samples
        k_precision = next((m.precision_neighbours for m in wanted if isinstance(m, Precision | Recall)), 1)
        k_density = next((m.density_neighbours for m in wanted if isinstance(m, Density | Coverage)), 1)
        asked = {
            "k_precision": k_precision,
            "k_density": k_density,
            "nearest": min(CLOSEST_NEIGHBORS, len(evidence.real_features))
            if any(isinstance(m, Authenticity) for m in wanted)
            else 0,
            "recall": any(isinstance(m, Recall) for m in wanted),
            "density": any(isinstance(m, Density | Coverage) for m in wanted),
        }
        found: Neighborhood = evidence.once(
            ("neighborhood", *asked.values()), lambda: self._look(evidence, max(k_precision, k_density), asked)
        )
        return found

    def _look(self, evidence: Evidence, largest: int, asked: dict[str, Any]) -> Neighborhood:
        real = evidence.real_features
        radii = evidence.derived.get(f"radii-{largest}", lambda: squared_radii(real, largest))
        return neighborhood(evidence.features, real, real_radii=radii.to(real.device), **asked)


class _OfPrecision(_OfNeighbors):
    def __init__(self, *, precision_neighbours: int = 3) -> None:
        self.precision_neighbours = at_least(1, "precision_neighbours", precision_neighbours)
        self.least_generated = self.least_real = precision_neighbours + 1

    def facts(self) -> dict[str, Any]:
        """Return which neighbor gives the radius."""
        return {"neighbours": self.precision_neighbours}


class _OfDensity(_OfNeighbors):
    def __init__(self, *, density_neighbours: int = 5) -> None:
        self.density_neighbours = at_least(1, "density_neighbours", density_neighbours)
        self.least_real = density_neighbours + 1

    def facts(self) -> dict[str, Any]:
        """Return which neighbor gives the radius."""
        return {"neighbours": self.density_neighbours}


class Precision(_OfPrecision):
    """Improved precision (Kynkaanniemi 2019, arXiv:1904.06991).

    Args:
        precision_neighbours: which neighbor gives the radius of a ball.

    Raises:
        ValueError: for less than one.
    """

    name = key = "precision"

    def estimate(self, evidence: Evidence) -> Estimate:
        """Count the generated samples in a ball around a real one."""
        return self.look(evidence).precision


class Recall(_OfPrecision):
    """Improved recall (Kynkaanniemi 2019, arXiv:1904.06991).

    Args:
        precision_neighbours: which neighbor gives the radius of a ball.

    Raises:
        ValueError: for less than one.
    """

    name = key = "recall"

    def estimate(self, evidence: Evidence) -> Estimate:
        """Count the real samples in a ball around a generated one."""
        return _present(self.look(evidence).recall)


class Density(_OfDensity):
    """Density (Naeem 2020, arXiv:2002.09797).

    Args:
        density_neighbours: which neighbor gives the radius of a ball.

    Raises:
        ValueError: for less than one.
    """

    name = key = "density"

    def estimate(self, evidence: Evidence) -> Estimate:
        """Count the balls around real samples that each generated one lies in."""
        return _present(self.look(evidence).density)


class Coverage(_OfDensity):
    """Coverage (Naeem 2020, arXiv:2002.09797).

    Args:
        density_neighbours: which neighbor gives the radius of a ball.

    Raises:
        ValueError: for less than one.
    """

    name = key = "coverage"

    def estimate(self, evidence: Evidence) -> Estimate:
        """Count the balls around real samples with a generated one in them."""
        return _present(self.look(evidence).coverage)


class Authenticity(_OfNeighbors):
    """The share of samples that are not copies of real ones (Alaa 2022, arXiv:2102.08921, section 3.3).

    Args:
        closest_shown: number of suspected copies that are told.

    Raises:
        ValueError: for less than one.
    """

    name = key = "authenticity"
    least_real = 2

    def __init__(self, *, closest_shown: int = 16) -> None:
        self.closest_shown = at_least(1, "closest_shown", closest_shown)

    def estimate(self, evidence: Evidence) -> Estimate:
        """Compare each sample with the real one nearest to it."""
        return _present(self.look(evidence).authenticity)

    def findings(self, evidence: Evidence) -> dict[str, Any]:
        """Return the suspected copies, the closest first."""
        found = self.look(evidence)
        assert found.closeness is not None
        assert found.nearest is not None
        order = found.closeness.sort(stable=True).indices[: self.closest_shown].tolist()
        return {"closest": [Closest(i, found.nearest[i].tolist(), found.closeness[i].item()) for i in order]}


def _present(estimate: Estimate | None) -> Estimate:
    assert estimate is not None  # asked for by ``look``
    return estimate

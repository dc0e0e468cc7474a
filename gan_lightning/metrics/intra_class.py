"""The Frechet distance within each class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from gan_lightning.data.layout import listed
from gan_lightning.metrics.frechet import frechet_estimate
from gan_lightning.metrics.metric import Estimate, Evidence, Metric, Needs
from gan_lightning.metrics.transport import Moments


def intra_class_frechet(
    generated: Tensor, labels: Tensor, real: Tensor, real_labels: Tensor
) -> tuple[Estimate, list[float]]:
    """Return the mean over the classes of the distance between generated and real samples of one class.

    On Inception-v3 features it is the intra-FID (Miyato & Koyama 2018, arXiv:1802.05637, section 5). Unlike the
    distance of the whole sets it sees a generator that draws good images of the wrong class.

    Args:
        generated: ``(M, D)``.
        labels: int64 ``(M,)``, the classes that were asked of the generator.
        real: ``(N, D)``.
        real_labels: int64 ``(N,)``.

    Returns:
        the mean with its standard error over draws of the generated samples, and the distance of each class.

    Raises:
        ValueError: if a class of either side has fewer than two samples on the other.
    """
    classes = int(torch.cat([labels, real_labels]).max()) + 1
    estimates = []
    for label in range(classes):
        members = [part[owner.to(part.device) == label] for part, owner in ((generated, labels), (real, real_labels))]
        if min(map(len, members)) < 2:
            raise ValueError(too_few(label, *map(len, members)))
        moments = [Moments.of(part) for part in members]
        estimates.append(frechet_estimate(members[0], *moments, reference=members[1]))
    values, errors = [e.mean for e in estimates], [e.stderr or 0.0 for e in estimates]
    return Estimate(sum(values) / classes, None, sum(e * e for e in errors) ** 0.5 / classes), values


def check_class_names(generated: Sequence[str] | None, real: Sequence[str] | None) -> None:
    """Refuse to compare class i of one side with another class of the other.

    Names that are the classes' own numbers ("0", "1", ...) say no more than the numbers do, which words may go with.

    Args:
        generated: what the classes that were asked for are called, in the order of their numbers; None: unknown.
        real: likewise.

    Raises:
        ValueError: if both sides have names, and others.
    """
    if generated is None or real is None or list(generated) == list(real):
        return
    sides = (generated, real)
    if any(are_numbers(side) for side in sides) and not any(
        name.isdecimal() for side in sides if not are_numbers(side) for name in side
    ):
        return
    raise ValueError(
        "intra_frechet compares class by class, and the classes are not the same: "
        f"generated are {listed(generated)}; real are {listed(real)}"
    )


def are_numbers(names: Sequence[str]) -> bool:
    """Return whether the names are "0", "1", "2", ..., in this order."""
    return list(names) == [str(number) for number in range(len(names))]


def too_few(label: int, generated: int, real: int) -> str:
    """Say that a class has too few samples."""
    return f"needs at least 2 images of every class on both sides; class {label} has {generated} generated, {real} real"


class IntraFrechet(Metric):
    """The Frechet distance within each class, averaged (Miyato & Koyama 2018, arXiv:1802.05637, section 5)."""

    name = "intra_frechet"
    key, inception_key = "intra_fd", "intra_fid"
    higher_is_better = False
    needs = Needs(features=True, real="features", labels=True, real_labels=True)
    least_generated = least_real = 2

    def obstacle(self, evidence: Evidence) -> str | None:
        """Return why not, such as a class with too few images."""
        if (reason := super().obstacle(evidence)) is not None:
            return reason
        sides = _labels(evidence)
        for label in range(int(torch.cat(sides).max()) + 1):
            counts = [int((labels == label).sum()) for labels in sides]
            if min(counts) < 2:
                return too_few(label, *counts)
        return None

    def estimate(self, evidence: Evidence) -> Estimate:
        """Average the distances of the classes."""
        return self._by_class(evidence)[0]

    def findings(self, evidence: Evidence) -> dict[str, Any]:
        """Return the distance of each class."""
        return {"class_distances": self._by_class(evidence)[1]}

    def _by_class(self, evidence: Evidence) -> tuple[Estimate, list[float]]:
        labels, real_labels = _labels(evidence)
        found: tuple[Estimate, list[float]] = evidence.once(
            self.name, lambda: intra_class_frechet(evidence.features, labels, evidence.real_features, real_labels)
        )
        return found


def _labels(evidence: Evidence) -> tuple[Tensor, Tensor]:
    assert evidence.labels is not None
    assert evidence.real.labels is not None
    return evidence.labels, evidence.real.labels

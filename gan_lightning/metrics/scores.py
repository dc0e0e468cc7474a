"""A score with its protocol, and the names that scores carry."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

METRICS = ("frechet", "score", "kernel", "precision", "recall", "density", "coverage")
"""The metrics that the evaluator knows."""

NEEDS_REAL = frozenset(METRICS) - {"score"}
"""Metrics that compare with real images."""

HIGHER_IS_BETTER = {
    "frechet": False,
    "score": True,
    "kernel": False,
    "precision": True,
    "recall": True,
    "density": True,
    "coverage": True,
}

_STANDARD = {"frechet": "fid", "score": "is", "kernel": "kid"}
_GENERAL = {"frechet": "fd", "score": "cs", "kernel": "kd"}


@dataclass(frozen=True, slots=True)
class Score:
    """One number and all that it depends on.

    Attributes:
        key: its name, such as ``fid50k_train`` or ``cs2k_digits``.
        value: the number.
        stderr: standard error of the value, where the estimator gives one: from the parts of the classifier
            score, and by the delete-d jackknife from the subsets of the kernel distance.
        higher_is_better: the direction.
        protocol: plain values; two scores may be ranked only if these are equal up to the seed.
    """

    key: str
    value: float
    stderr: float | None
    higher_is_better: bool
    protocol: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What one evaluation found.

    Attributes:
        scores: in the order in which the metrics were asked for.
        skipped: score key to the reason why it could not be computed.
        class_fractions: share of the generated samples per class, if the extractor knows the data's classes.
        notes: what a reader of the scores should know.
    """

    scores: list[Score] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    class_fractions: list[float] | None = None
    notes: list[str] = field(default_factory=list)

    def value(self, key: str) -> float:
        """The value of the score called ``key``.

        Raises:
            KeyError: if there is none, with the reason if it was skipped.
        """
        for score in self.scores:
            if score.key == key:
                return score.value
        raise KeyError(f"no score {key!r}: {self.skipped.get(key, f'there are {[s.key for s in self.scores]}')}")


def format_count(count: int) -> str:
    """Write a number of samples as keys do: 2000 as "2k", 300 as "300", 2500 as "2500"."""
    return f"{count // 1000}k" if count >= 1000 and count % 1000 == 0 else str(count)


def score_key(metric: str, *, samples: int, split: str, extractor: str, standard: bool) -> str:
    """The name of a score.

    ``fid``, ``kid`` and ``is`` are reserved for Inception-v3; on other features the names are ``fd``, ``kd``
    and ``cs``, followed by the extractor.

    Args:
        metric: one of ``METRICS``.
        samples: number of generated images.
        split: part of the real data compared with.
        extractor: its name.
        standard: whether the extractor is the Inception-v3 that the short names are defined on.
    """
    names = _STANDARD if standard else _GENERAL
    key = names.get(metric, metric) + format_count(samples)
    if metric in NEEDS_REAL:
        key += f"_{split}"
    return key if standard else f"{key}_{extractor}"

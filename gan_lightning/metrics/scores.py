"""What an evaluation returns: scores, each with its protocol."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Score:
    """One number and all that it depends on.

    Attributes:
        key: its name, such as ``fid50k_train`` or ``cs2k_digits``.
        value: the number.
        stderr: standard error of the value, where the samples tell one.
        higher_is_better: the direction.
        protocol: plain values; two scores may be ranked only if these are equal up to the seed.
    """

    key: str
    value: float
    stderr: float | None
    higher_is_better: bool
    protocol: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Closest:
    """A generated sample and the real ones that are nearest to it.

    Attributes:
        sample: its index.
        real: places of the real samples, nearest first.
        closeness: its distance to the nearest, over that one's distance to its own nearest real neighbor.
    """

    sample: int
    real: list[int]
    closeness: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What one evaluation found.

    Attributes:
        scores: in the order in which the metrics were asked for.
        skipped: score key to the reason why it could not be computed.
        class_fractions: share of the generated samples per class, if the extractor knows the data's classes.
        mode_fractions: share of the generated samples nearest to each mode, however far, if the data have known modes.
        notes: what a reader of the scores should know.
        class_distances: the Frechet distance within each class, if it was asked for.
        closest: the generated samples that come nearest to copies of real ones, if authenticity was asked for.
    """

    scores: list[Score] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    class_fractions: list[float] | None = None
    mode_fractions: list[float] | None = None
    notes: list[str] = field(default_factory=list)
    class_distances: list[float] | None = None
    closest: list[Closest] = field(default_factory=list)

    def value(self, key: str) -> float:
        """Return the value of the score called ``key``.

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

"""All that is recorded of one case: made by running it, kept in two files, and compared."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from tests.record import samples, scores, updates
from tests.record.cases import INTERRUPTED_AFTER, Case
from tests.record.differences import (
    Leaves,
    Tolerances,
    deviation,
    key_differences,
    leaf_differences,
    sample_deviation,
    sample_differences,
    series_deviations,
    series_differences,
)
from tests.record.golden import Renames
from tests.record.updates import Series


@dataclass(frozen=True)
class CaseRecord:
    """What a case did.

    Attributes:
        series: of the training in each way.
        samples: by how they were drawn.
        scores: entries of what the evaluations wrote.
        deviations: of samples and scores, by how much other instructions change them.
    """

    series: dict[str, Series]
    samples: dict[str, np.ndarray]
    scores: Leaves
    deviations: dict[str, float] = field(default_factory=dict)

    def write(self, name: str, folder: Path) -> None:
        """Write it into a folder; equal records are equal files."""
        arrays = {f"{way}/{key}": value for way, s in self.series.items() for key, value in s.arrays().items()}
        arrays |= {f"samples/{key}": value for key, value in self.samples.items()}
        np.savez_compressed(folder / f"{name}.npz", **arrays)  # type: ignore[arg-type]
        rest = {"scores": self.scores, "deviations": {key: value for key, value in self.deviations.items() if value}}
        (folder / f"{name}.json").write_text(json.dumps(rest, indent=1, sort_keys=True) + "\n")

    @classmethod
    def read(cls, name: str, folder: Path, renames: Renames) -> CaseRecord:
        """Read what was written, under the names of now."""
        groups: dict[str, dict[str, np.ndarray]] = {}
        with np.load(folder / f"{name}.npz") as archive:
            for key, value in archive.items():
                group, _, inner = key.partition("/")
                groups.setdefault(group, {})[inner] = value
        rest = json.loads((folder / f"{name}.json").read_text())
        return cls(
            samples=groups.pop("samples"),
            series={way: Series.of_arrays(arrays).renamed(renames) for way, arrays in groups.items()},
            scores=renames.table("scores", rest["scores"]),
            deviations=renames.table("scores", rest["deviations"]),
        )

    def differences(self, got: CaseRecord, *, bits: bool) -> list[str]:
        """Describe how what was made now differs from this record, in the ways in which it was trained."""
        tolerances = Tolerances(bits=bits, deviations=self.deviations)
        texts = []
        for way, present in got.series.items():
            texts += [f"{way}: {text}" for text in series_differences(self.series[way], present, bits=bits)]
        texts += key_differences("samples", self.samples, got.samples)
        for name in self.samples.keys() & got.samples.keys():
            texts += sample_differences(name, self.samples[name], got.samples[name], tolerances)
        return texts + leaf_differences(self.scores, got.scores, tolerances)

    def with_deviations(self, other: CaseRecord) -> CaseRecord:
        """Return this record with its deviations from another one, made by other instructions."""
        series = {
            way: replace(own, deviations=series_deviations(own, other.series[way])) for way, own in self.series.items()
        }
        found = {name: sample_deviation(drawn, other.samples[name]) for name, drawn in self.samples.items()}
        found |= {
            name: deviation(np.asarray(leaf), np.asarray(other.scores[name], dtype=np.float64))
            for name, leaf in self.scores.items()
            if isinstance(leaf, float)
        }
        return replace(self, series=series, deviations=found)


def make(case: Case, folder: Path, ways: Iterable[str]) -> tuple[CaseRecord, list[str]]:
    """Run a case, and return what it did, and what contradicts itself: replicas, or a run that was resumed.

    Args:
        case: which is run.
        folder: an empty one, for its runs.
        ways: in which it is trained; ``plain`` is one of them.
    """
    series, texts = {}, []
    for way in ways:
        series[way], *replicas = updates.train(case, way, folder)
        for replica in replicas:
            found = series_differences(series[way], replica, bits=True)
            texts += [f"second process of {way}: {text}" for text in found]
    rest = series["plain"].after(INTERRUPTED_AFTER)
    texts += [f"resumed: {text}" for text in series_differences(rest, updates.resume(case, folder), bits=True)]
    checkpoint = "plain/checkpoints/latest.ckpt"
    made = CaseRecord(series, samples.draw(case, checkpoint, folder), scores.evaluate(case, checkpoint, folder))
    return made, texts

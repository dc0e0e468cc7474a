"""All that is recorded of one case: made by running it, kept in files, and compared."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.record import golden, updates
from tests.record.cases import INTERRUPTED_AFTER, Case
from tests.record.differences import series_differences
from tests.record.updates import Series


@dataclass(frozen=True)
class CaseRecord:
    """What a case did.

    Attributes:
        series: of the training in each way.
    """

    series: dict[str, Series]

    def write(self, case: Case) -> None:
        """Keep it as the record."""
        arrays = {f"{way}/{key}": value for way, s in self.series.items() for key, value in s.arrays().items()}
        golden.write_arrays(case.name, arrays)

    @classmethod
    def read(cls, case: Case, renames: golden.Renames) -> CaseRecord:
        """Read the record, under the names of now."""
        arrays = golden.read_arrays(case.name)
        series = {}
        for way in case.ways:
            own = {key.removeprefix(f"{way}/"): value for key, value in arrays.items() if key.startswith(f"{way}/")}
            series[way] = updates.Series.of_arrays(own).renamed(renames)
        return cls(series)

    def differences(self, got: CaseRecord, *, bits: bool) -> list[str]:
        """Tell how another record differs from this one."""
        texts = []
        for way, present in got.series.items():
            texts += [f"{way}: {text}" for text in series_differences(self.series[way], present, bits=bits)]
        return texts


def make(case: Case, folder: Path, ways: tuple[str, ...]) -> tuple[CaseRecord, list[str]]:
    """Run a case, and return what it did, and what contradicts itself: replicas, or a run that was resumed.

    Args:
        case: which is run.
        folder: an empty one, for its runs.
        ways: in which it is trained, ``plain`` the first of them.
    """
    series, texts = {}, []
    for way in ways:
        series[way], *replicas = updates.train(case, way, folder)
        for replica in replicas:
            texts += [f"{way}: second process: {text}" for text in series_differences(series[way], replica, bits=True)]
    rest = series["plain"].after(INTERRUPTED_AFTER)
    texts += [f"resumed: {text}" for text in series_differences(rest, updates.resume(case, folder), bits=True)]
    return CaseRecord(series), texts

"""Short trainings as series of checksums, norms and scalars: how they are made, kept and compared."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tests.record import commands
from tests.record.cases import INTERRUPTED_AFTER, Case
from tests.record.golden import Renames
from tests.record.recorder import ABSENT

UNRECORDED = {"wall_time_s", "images_per_second", "peak_memory_mib"}
"""Scalars of a run that tell of the machine."""

PREEMPTED = 143

Table = dict[str, np.ndarray]


@dataclass(frozen=True)
class Series:
    """What a run was after each of its updates.

    Attributes:
        checksums: of each tensor, uint32 (updates,).
        norms: of each tensor, float64 (updates,), ``ABSENT`` where there is none yet.
        scalars: each that was logged, float64 (rows,), NaN where a row has none.
        deviations: of a norm or scalar, by how much other instructions change it relatively up to each update, float32;
            nothing where it is not here.
    """

    checksums: Table
    norms: Table
    scalars: Table
    deviations: Table = field(default_factory=dict)

    def after(self, update: int) -> Series:
        """Return all scalars, and the tensors behind so many updates, without those that there are no more."""
        norms = {name: row[update:] for name, row in self.norms.items() if (row[update:] != ABSENT).any()}
        return Series({name: self.checksums[name][update:] for name in norms}, norms, self.scalars)

    def renamed(self, renames: Renames) -> Series:
        """Return the same under the names of now."""
        return Series(
            renames.table("tensors", self.checksums),
            renames.table("tensors", self.norms),
            renames.table("scalars", self.scalars),
            {
                renames.name("tensors" if name in self.norms else "scalars", name): value
                for name, value in self.deviations.items()
            },
        )

    def arrays(self) -> Table:
        """Return few arrays, as a file keeps them."""
        names, scalars = sorted(self.norms), sorted(self.scalars)
        return {
            "tensors": np.array(names),
            "checksums": np.stack([self.checksums[name] for name in names]),
            "norms": np.stack([self.norms[name] for name in names]),
            "scalars": np.array(scalars),
            "values": np.stack([self.scalars[name] for name in scalars]),
            **{
                f"{kind}_deviations": np.stack([self.deviations.get(n, np.zeros(len(table[n]), "f4")) for n in chosen])
                for kind, table, chosen in (("norm", self.norms, names), ("scalar", self.scalars, scalars))
            },
        }

    @classmethod
    def of_arrays(cls, arrays: Table) -> Series:
        """Return what ``arrays`` made arrays of."""
        names, scalars = arrays["tensors"].tolist(), arrays["scalars"].tolist()
        return cls(
            dict(zip(names, arrays["checksums"], strict=True)),
            dict(zip(names, arrays["norms"], strict=True)),
            dict(zip(scalars, arrays["values"], strict=True)),
            dict(zip(names, arrays["norm_deviations"], strict=True))
            | dict(zip(scalars, arrays["scalar_deviations"], strict=True)),
        )


def read(run: Path, rank: int = 0) -> Series:
    """Read what the recorder and the run itself wrote into the run's folder."""
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    scalars = {
        name: np.array([np.nan if row.get(name) is None else row[name] for row in rows], dtype=np.float64)
        for name in set().union(*rows) - UNRECORDED
    }
    with np.load(run / f"record.{rank}.npz") as record:
        names = record["names"].tolist()
        checksums = dict(zip(names, record["checksums"].T, strict=True))
        return Series(checksums, dict(zip(names, record["norms"].T, strict=True)), scalars)


def train(case: Case, way: str, folder: Path) -> list[Series]:
    """Train in a way, recorded, into ``folder/way``, and return the series of each process."""
    words = [*case.words(way), *recording(way)]
    if way != "two":
        commands.run("gan-train", *words, cwd=folder)
        return [read(folder / way)]
    commands.run_on_two_processes("gan-train", *words, cwd=folder)
    return [read(folder / way, rank) for rank in range(2)]


def resume(case: Case, folder: Path) -> Series:
    """Train, be stopped by SIGTERM, and resume; return the series of the updates since then."""
    stop = f"+callbacks.recorder.interrupt_after={INTERRUPTED_AFTER}"
    commands.run("gan-train", *case.words("plain"), *recording("resumed"), stop, cwd=folder, code=PREEMPTED)
    commands.run("gan-train", "resume=resumed", "++callbacks.recorder.interrupt_after=null", cwd=folder)
    return read(folder / "resumed")


def recording(run: str) -> list[str]:
    """Return the arguments that name the run's folder, and let the recorder write into it."""
    recorder = ["_target_=tests.record.recorder.Recorder", f"path={run}/record"]
    return [f"hydra.run.dir={run}", *(f"+callbacks.recorder.{word}" for word in recorder)]

"""The files of the record: where they lie, on which machine they were made, and what has been renamed since."""

from __future__ import annotations

import json
import platform
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch

FOLDER = Path(__file__).parents[1] / "golden"
Value = TypeVar("Value")


def machine() -> dict[str, object]:
    """Return what decides the bits of a result, of one thread on this machine."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return {
        "processor": models[0] if models else platform.processor(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "torch": torch.__version__,
        "threads": 1,
    }


def of_this_machine() -> bool:
    """Tell whether the record was made on a machine like this one, so that every bit of it is expected."""
    return json.loads((FOLDER / "machine.json").read_text()) == machine()


class Renames:
    """Names of the record that have changed since: ``renames.json`` has a map for each kind of names.

    A map goes from a regular expression to its replacement, and is applied from top to bottom to what the record has.
    """

    def __init__(self, maps: Mapping[str, Mapping[str, str]]) -> None:
        self.maps = maps

    @classmethod
    def read(cls) -> Renames:
        """Read the committed ones."""
        return cls(json.loads((FOLDER / "renames.json").read_text()))

    def name(self, kind: str, name: str) -> str:
        """Return what a name of the record is now."""
        for pattern, replacement in self.maps[kind].items():
            name = re.sub(pattern, replacement, name)
        return name

    def table(self, kind: str, table: Mapping[str, Value]) -> dict[str, Value]:
        """Return a table of the record under the names of now.

        Raises:
            ValueError: if two of them get the same name.
        """
        renamed = {self.name(kind, name): value for name, value in table.items()}
        if len(renamed) < len(table):
            raise ValueError(f"renames.json gives several {kind} one name")
        return renamed


def read_arrays(name: str) -> dict[str, np.ndarray]:
    """Read a file of arrays."""
    with np.load(FOLDER / f"{name}.npz") as archive:
        return dict(archive)


def write_arrays(name: str, arrays: Mapping[str, np.ndarray]) -> None:
    """Write a file of arrays; equal arrays give equal files."""
    path = FOLDER / f"{name}.npz"
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, **arrays)  # type: ignore[arg-type]

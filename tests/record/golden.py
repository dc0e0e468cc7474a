"""The files of the record: where they lie, on which machine they were made, and what has been renamed since."""

from __future__ import annotations

import json
import platform
import re
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import numpy as np
import scipy
import torch

FOLDER = Path(__file__).parents[1] / "golden"
KINDS = ("tensors", "scalars", "scores", "messages")
Value = TypeVar("Value")


def machine() -> dict[str, object]:
    """Return what decides the bits of a result, of one thread on this machine."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    facts = {line.partition(":")[0].strip(): line.partition(":")[2].strip() for line in lines}
    keys = ("model name", "cpu family", "model", "stepping")
    return {
        "processor": " ".join(facts.get(key, "?") for key in keys) if facts else platform.processor(),
        "flags": zlib.crc32(facts.get("flags", "").encode()),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "versions": {module.__name__: module.__version__ for module in (torch, np, scipy)},
        "threads": 1,
    }


def of_this_machine() -> bool:
    """Return whether the record is of a machine like this one, so that every bit of it is expected."""
    return json.loads((FOLDER / "machine.json").read_text()) == machine()


def begin() -> None:
    """Begin a record of this machine, in which nothing is renamed."""
    _write("machine.json", machine())
    _write("renames.json", Renames.none().maps)


def _write(name: str, content: object) -> None:
    (FOLDER / name).write_text(json.dumps(content, indent=1) + "\n")


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

    @classmethod
    def none(cls) -> Renames:
        """Return maps for a record that was just made."""
        return cls({kind: {} for kind in KINDS})

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

"""Runs on disk, read and grouped so that only what is comparable is compared.

A group is a configuration (everything but the seed), its runs are seeds. Groups whose scores were measured by
different protocols come into different sections, and no order is given across sections.
"""

from __future__ import annotations

import json
import os
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml

from gan_lightning.tracking.config_diff import flatten
from gan_lightning.tracking.files import from_strict
from gan_lightning.tracking.provenance import config_hash, hashed_part

RESULTS, CONFIG = "results.json", "config.yaml"
Moment = Literal["final", "best"]
NOT_COMPARED = ("seed", "shuffle_seed")
"""Keys of a protocol that may differ between scores that are ranked."""


@dataclass(frozen=True)
class Run:
    """One run's record.

    Attributes:
        folder: where it lies.
        status: of ``results.json``; "damaged" if it cannot be read.
        problem: what is wrong with it, or None.
        name: its displayed name.
        seed: its seed, or None.
        group: hash of its configuration.
        config: the part of its configuration that was hashed, flat.
        images_seen: how far it came.
        scores: "final" and "best", each score key to its entry.
    """

    folder: Path
    status: str
    problem: str | None = None
    name: str = ""
    seed: int | None = None
    group: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)
    images_seen: int = 0
    scores: Mapping[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)

    def protocol(self, key: str) -> dict[str, Any] | None:
        """How a score was measured, up to the seed; None if this run does not have it."""
        for moment in ("final", "best"):
            entry = self.scores.get(moment, {}).get(key)
            if entry is not None:
                return {name: value for name, value in entry["protocol"].items() if name not in NOT_COMPARED}
        return None


def find_runs(roots: Iterable[str | os.PathLike[str]]) -> list[Run]:
    """Read every run at or below ``roots``, in the order of their paths.

    Raises:
        FileNotFoundError: if a root does not exist, or no run lies below any of them.
    """
    folders: set[Path] = set()
    places = [Path(root) for root in roots]
    for root in places:
        if not root.is_dir():
            raise FileNotFoundError(f"runs: there is no folder {root}")
        for folder, below, files in os.walk(root):
            below[:] = [name for name in below if not name.startswith(".") and name not in ("wandb", "checkpoints")]
            if RESULTS in files or (CONFIG in files and (Path(folder) / ".hydra").is_dir()):
                folders.add(Path(folder))
                below[:] = []
    if not folders:
        raise FileNotFoundError(f"runs: there is no {RESULTS} below {' or '.join(map(str, places))}")
    return [read_run(folder) for folder in sorted(folders)]


def read_run(folder: Path) -> Run:
    """Read one run; what cannot be read makes it a damaged one, with the reason."""
    try:
        results = json.loads((folder / RESULTS).read_text(encoding="utf-8"))
        config = yaml.safe_load((folder / CONFIG).read_text(encoding="utf-8"))
        if not isinstance(config, dict):
            raise ValueError(f"{CONFIG} holds no configuration")
        scores = {moment: results["scores"][moment] for moment in ("final", "best")}
        for entry in (entry for table in scores.values() for entry in table.values()):
            entry["value"] = float(from_strict(entry["value"]))
            if not isinstance(entry["protocol"], dict) or not isinstance(entry["higher_is_better"], bool):
                raise ValueError(f"{RESULTS} has a score without a protocol or direction")
        return Run(
            folder,
            str(results["status"]),
            problem=results.get("error"),
            name=str(config.get("name", "")),
            seed=config.get("seed"),
            group=config_hash(config),
            config=flatten(hashed_part(config)),
            images_seen=int(results["images_seen"]),
            scores=scores,
        )
    except KeyError as error:
        return Run(folder, "damaged", problem=f"{RESULTS} has no {error}")
    except (OSError, ValueError, TypeError, AttributeError, yaml.YAMLError) as error:
        return Run(folder, "damaged", problem=" ".join(f"{type(error).__name__}: {error}".split()))


@dataclass(frozen=True)
class Spread:
    """A score over the seeds of a group.

    Attributes:
        mean: over the seeds.
        std: standard deviation with n - 1 in the denominator; None for a single seed.
        count: number of seeds.
    """

    mean: float
    std: float | None
    count: int


@dataclass(frozen=True)
class Group:
    """The runs of one configuration; only finished ones, one for each seed, enter the means."""

    key: str
    runs: Sequence[Run]

    @property
    def names(self) -> str:
        """The names its runs carry."""
        return ", ".join(dict.fromkeys(run.name for run in self.runs))

    @property
    def seeds(self) -> int:
        """How many different seeds there are."""
        return len({run.seed for run in self.runs})

    @property
    def statuses(self) -> Counter[str]:
        """How many runs ended how."""
        return Counter(run.status for run in self.runs)

    @property
    def counted(self) -> list[Run]:
        """The finished runs; of those with the same seed the last one."""
        return list({run.seed: run for run in self.runs if run.status == "finished"}.values())

    def spread(self, key: str, moment: Moment) -> Spread | None:
        """Mean and standard deviation of a score over the seeds, or None where no finished run has it."""
        values = [run.scores[moment][key]["value"] for run in self.counted if key in run.scores[moment]]
        if not values:
            return None
        mean = sum(values) / len(values)
        return Spread(mean, statistics.stdev(values) if len(values) > 1 else None, len(values))


@dataclass(frozen=True)
class Section:
    """Groups whose scores may be ranked.

    Attributes:
        groups: in the order of the folders, or sorted.
        protocols: score key to the protocol, for the keys whose protocols differ between sections.
    """

    groups: Sequence[Group]
    protocols: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def score_keys(runs: Iterable[Run]) -> list[str]:
    """All scores that the runs have, in the order in which they appear."""
    return list(dict.fromkeys(key for run in runs for table in run.scores.values() for key in table))


def protocol_conflicts(runs: Sequence[Run]) -> dict[str, list[str]]:
    """Score key to the keys of its protocol that differ between runs; empty when everything may be ranked."""
    conflicts = {}
    for key in score_keys(runs):
        protocols = [protocol for run in runs if (protocol := run.protocol(key)) is not None]
        names = list(dict.fromkeys(name for protocol in protocols for name in protocol))
        differing = [name for name in names if any(p.get(name) != protocols[0].get(name) for p in protocols)]
        if differing:
            conflicts[key] = differing
    return conflicts


def sections(runs: Sequence[Run]) -> list[Section]:
    """Group the readable runs by configuration, and the groups by the protocols that their scores have.

    Runs that ended before their first evaluation stand in the section where others of their configuration are.
    """
    readable = [run for run in runs if run.status != "damaged"]
    conflicts = protocol_conflicts(readable)
    found: dict[str, tuple[dict[str, Any], dict[str, list[Run]]]] = {}
    for run in sorted(readable, key=lambda run: not score_keys([run])):
        protocols = {key: protocol for key in conflicts if (protocol := run.protocol(key)) is not None}
        mark = json.dumps(protocols, sort_keys=True)
        if not protocols and not score_keys([run]):
            mark = next((known for known, (_, groups) in found.items() if run.group in groups), mark)
        found.setdefault(mark, (protocols, {}))[1].setdefault(run.group, []).append(run)
    return [Section(in_order(groups), protocols) for protocols, groups in found.values()]


def in_order(groups: Mapping[str, Sequence[Run]]) -> list[Group]:
    """Groups and their runs in the order of the folders."""
    made = [Group(key, sorted(runs, key=lambda run: run.folder)) for key, runs in groups.items()]
    return sorted(made, key=lambda group: group.runs[0].folder)


def ranked(section: Section, key: str, moment: Moment = "final") -> Section:
    """Sort the groups of a section by a score, the best first; groups without it come last."""
    entries = [run.scores[moment][key] for group in section.groups for run in group.runs if key in run.scores[moment]]
    sign = -1.0 if entries and entries[0]["higher_is_better"] else 1.0

    def rank(group: Group) -> tuple[bool, float]:
        spread = group.spread(key, moment)
        missing = spread is None or spread.mean != spread.mean  # NaN beats nothing
        return missing, 0.0 if spread is None or missing else sign * spread.mean

    return Section(sorted(section.groups, key=rank), section.protocols)

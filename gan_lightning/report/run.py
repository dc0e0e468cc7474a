"""One run as a comparison sees it, wherever its record lies."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from gan_lightning.config.expected import Expected, read_expected
from gan_lightning.core.side_files import SideFileError
from gan_lightning.core.strict_json import from_strict
from gan_lightning.report.config_diff import flatten
from gan_lightning.runs.provenance import config_hash, hashed_part

Moment = Literal["final", "best"]
MOMENTS: tuple[Moment, ...] = ("final", "best")
NOT_COMPARED = ("seed", "shuffle_seed")
"""Keys of a protocol that may differ between scores that are ranked."""
DAMAGED = "damaged"

MOST_CHARACTERS = 400
"""Of the reason why a run cannot be read."""
UNREADABLE = (OSError, LookupError, ValueError, TypeError, AttributeError, ArithmeticError)
"""What a record of another form raises when it is taken apart."""
WARNING_FIELDS = ("kind", "first_images_seen", "last_images_seen", "message", "remedy", "config_key")
"""What each entry of ``"health"`` in ``results.json`` holds."""
_LARGEST_COUNT = 2**53


class Details(Protocol):
    """The parts of a run's record that are too large to be read for a table."""

    def metrics(self) -> list[dict[str, Any]]:
        """Return the logged rows in their order, each with ``"images_seen"``.

        Raises:
            ValueError: if they cannot be read, with the reason.
        """

    def picture_moments(self) -> list[int]:
        """Return the numbers of images seen at which samples of the fixed noise were drawn, ascending."""

    def picture(self, images_seen: int) -> bytes:
        """Return the picture at that moment, an encoded image file.

        Raises:
            ValueError: if it cannot be read, with the reason.
        """

    def real_picture(self) -> bytes | None:
        """Return the picture of real images of the same number and size, an encoded image file; None: there is none.

        Raises:
            ValueError: if it cannot be read, with the reason.
        """


@dataclass(frozen=True)
class Run:
    """One run's record.

    Attributes:
        place: the folder or the address where it lies.
        status: status in ``results.json``; "damaged" if it cannot be read.
        problem: what is wrong with it, or None.
        readable: whether there is a configuration and a record to compare; what follows is empty otherwise.
        name: its displayed name.
        seed: its seed, or None.
        group: hash of its configuration.
        config: the part of its configuration that was hashed, flat.
        settings: its whole configuration, flat.
        images_seen: how far it came.
        wall_time_s: seconds that it took, evaluations included, interruptions not.
        scores: "final" and "best", each score key to its entry.
        segments: what each part of it, from one start to the next, ran with: ``from_images`` and ``precision``.
        warnings: what the monitor of training health saw; the fields are ``WARNING_FIELDS``.
        details: where its curves and pictures come from; None where there is nothing.
        expected: published scores of its experiment.
        budget_images: images of its whole training; None: unknown.
        generator_parameters: how large its generator is; None: unknown.
        evaluations: its scores over time, key to value by images seen.
        real_parts: what parts of the real images score, by key: ``first``, ``second``, ``mean`` and ``std``.
        overrides: what its first start was typed with; None: unknown.
        checkpoint: its best checkpoint, or its latest where there is no best one; None: none on this machine.
        tracker: address of its page at a tracker; None: none.
        code: with which versions its last part ran, of this package and of torch, and its commit, where they are known.
    """

    place: str
    status: str
    problem: str | None = None
    readable: bool = True
    name: str = ""
    seed: int | None = None
    group: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    images_seen: int = 0
    wall_time_s: float | None = None
    scores: Mapping[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)
    segments: Sequence[Mapping[str, Any]] = ()
    warnings: Sequence[Mapping[str, Any]] = ()
    details: Details | None = None
    expected: Sequence[Expected] = ()
    budget_images: int | None = None
    generator_parameters: int | None = None
    evaluations: Mapping[int, Mapping[str, float]] = field(default_factory=dict)
    real_parts: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    overrides: Sequence[str] | None = None
    checkpoint: str | None = None
    tracker: str | None = None
    code: Mapping[str, str] = field(default_factory=dict)

    @property
    def images_per_second(self) -> float | None:
        """Mean rate over the whole run, evaluations included."""
        return self.images_seen / self.wall_time_s if self.wall_time_s else None

    @property
    def precisions(self) -> dict[int, str]:
        """The floating-point precision by the number of images from which it held, where it changed."""
        found: dict[int, str] = {}
        for segment in self.segments:
            if segment["precision"] not in list(found.values())[-1:]:
                found[segment["from_images"]] = segment["precision"]
        return found

    def protocol(self, key: str) -> dict[str, Any] | None:
        """Return how a score was measured, up to the seed; None if this run does not have it."""
        for moment in MOMENTS:
            entry = self.scores.get(moment, {}).get(key)
            if entry is not None:
                return {name: value for name, value in entry["protocol"].items() if name not in NOT_COMPARED}
        return None


def make_run(place: str, config: Any, results: Any, *, group: str | None = None, details: Details | None) -> Run:
    """Check a record, which may come from an untrusted source, and make it a run.

    Args:
        place: where it lies.
        config: the resolved configuration.
        results: content of ``results.json``.
        group: hash of the configuration, where it is known already.
        details: where curves and pictures come from.

    Raises:
        KeyError: for a missing key.
        ValueError, TypeError, AttributeError: for anything else that is not as it should be.
    """
    if not isinstance(config, dict):
        raise ValueError("config.yaml holds no configuration")
    tables = results["scores"]
    scores: dict[str, dict[str, Any]] = {
        moment: {key: _score(key, entry) for key, entry in tables[moment].items()} for moment in MOMENTS
    }
    seed, wall_time_s = config.get("seed"), results.get("wall_time_s")
    return Run(
        place,
        _text(results["status"], "status"),
        problem=None if results["message"] is None else _text(results["message"], "message"),
        name=str(config.get("name", "")),
        seed=None if seed is None else _count(seed, "seed"),
        group=config_hash(config) if group is None else group,
        config=flatten(hashed_part(config)),
        settings=flatten(config),
        images_seen=_count(results["images_seen"], "images_seen"),
        wall_time_s=None if wall_time_s is None else _seconds(wall_time_s),
        scores=scores,
        segments=[_segment(entry) for entry in results.get("segments", [])],  # a tracker has none
        warnings=[_warning(entry) for entry in results.get("health", [])],
        details=details,
        expected=read_expected(config),
        budget_images=_optional_count(results.get("budget_images"), "budget_images"),
        generator_parameters=next(
            (
                _optional_count(entry.get("generator_parameters"), "segments.generator_parameters")
                for entry in results.get("segments", [])[-1:]
            ),
            None,
        ),
        evaluations=dict(_evaluation(entry) for entry in results.get("evaluations", [])),
        real_parts={key: _parts(entry) for key, entry in results.get("real_parts", {}).items()},
        overrides=next(
            (_overrides(entry["overrides"]) for entry in results.get("segments", []) if "overrides" in entry), None
        ),
        code=next((_code(entry) for entry in results.get("segments", [])[-1:]), {}),
    )


def _code(entry: Mapping[str, Any]) -> dict[str, str]:
    versions = entry.get("versions") or {}
    found = {name: versions.get(name) for name in ("gan_lightning", "torch")} | {"commit": entry.get("git_commit")}
    return {name: _text(value, f"segments.{name}") for name, value in found.items() if value is not None}


def _score(key: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    value = from_strict(entry["value"])
    if not _is_number(value):
        raise ValueError(f"the value of its score {key} is {value!r}")
    if not isinstance(entry["protocol"], dict) or not isinstance(entry["higher_is_better"], bool):
        raise ValueError(f"its score {key} has no protocol or direction")
    return {"value": float(value), "protocol": entry["protocol"], "higher_is_better": entry["higher_is_better"]}


def _evaluation(entry: Mapping[str, Any]) -> tuple[int, dict[str, float]]:
    values = {key: from_strict(score["value"]) for key, score in entry["scores"].items()}
    if not all(map(_is_number, values.values())):
        raise ValueError("a score of its evaluations is not a number")
    return _count(entry["images_seen"], "evaluations.images_seen"), {key: float(v) for key, v in values.items()}


def _parts(entry: Mapping[str, Any]) -> dict[str, float]:
    counts = {name: _count(entry[name], f"real_parts.{name}") for name in ("first", "second")}
    values = {name: from_strict(entry[name]) for name in ("mean", "std")}
    if not all(map(_is_number, values.values())):
        raise ValueError("what parts of its real images score is not a number")
    return {**counts, **values}


def _warning(entry: Mapping[str, Any]) -> dict[str, Any]:
    counted = ("first_images_seen", "last_images_seen")
    texts = {name: _text(entry[name] or "", f"health.{name}") for name in WARNING_FIELDS if name not in counted}
    return {**texts, **{name: _count(entry[name], f"health.{name}") for name in counted}}


def _segment(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "from_images": _count(entry["from_images"], "segments.from_images"),
        "precision": _text(entry["precision"], "segments.precision"),
    }


def _overrides(value: Any) -> list[str]:
    if not isinstance(value, list):
        raise ValueError(f"its segments.overrides is {value!r}, not a list")
    return [_text(item, "segments.overrides") for item in value]


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise ValueError(f"its {name} is {value!r}, not text")
    return value


def _count(value: Any, name: str) -> int:
    if not _is_number(value) or value != value // 1 or not 0 <= value <= _LARGEST_COUNT:
        raise ValueError(f"its {name} is {value!r}, not a whole number")
    return int(value)


def _optional_count(value: Any, name: str) -> int | None:
    return None if value is None else _count(value, name)


def _seconds(value: Any) -> float:
    if not _is_number(value) or not 0 <= value <= _LARGEST_COUNT:
        raise ValueError(f"its wall_time_s is {value!r}")
    return float(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def damaged(place: str, error: Exception) -> Run:
    """Return a run that cannot be read, with the reason; a value that it quotes may be as long as the record."""
    if isinstance(error, SideFileError):
        problem = str(error).replace(f"{place}{os.sep}", "")
    elif isinstance(error, KeyError):
        problem = f"its record has no {error}"
    else:
        problem = " ".join(f"{type(error).__name__}: {error}".split())
    cut = problem if len(problem) <= MOST_CHARACTERS else f"{problem[:MOST_CHARACTERS]} ..."
    return Run(place, DAMAGED, problem=cut, readable=False)


def score_keys(runs: Sequence[Run]) -> list[str]:
    """Return all scores that the runs have, in the order in which they appear."""
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

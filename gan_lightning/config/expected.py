"""The root key ``expected``: scores that a publication gives for an experiment."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from gan_lightning.config.hints import UNRESOLVED


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """A published score.

    Attributes:
        key: key of the score that is measured by the published protocol.
        value: the published number.
        spread: its published standard deviation or error, or None.
        source: where it is published.
        note: what a reader of the comparison should know, or None.
        preset: evaluator of ``conf/evaluator`` that measures it; None: the experiment's own.
        kimg: thousands of real images after which it holds; None: the budget of the run.
        data: the data that it holds for: ``class`` names their data module, other keys are those of ``data``, with the
            values that they have there; None: any data.
        other_data: how the data of the run differ from these, in one phrase; ``read_expected`` fills it in.
    """

    key: str
    value: float
    source: str
    spread: float | None = None
    note: str | None = None
    preset: str | None = None
    kimg: float | None = None
    data: Mapping[str, Any] | None = None
    other_data: str | None = None


_FIELDS = tuple(entry.name for entry in fields(Expected) if entry.name != "other_data")
_REQUIRED = ("key", "value", "source")
_TEXTS = ("key", "source", "note", "preset")
_NOT_NEGATIVE = ("spread", "kimg")


def expected_problems(value: Any) -> list[str]:
    """Say what is wrong with the root key ``expected``, one message for each problem."""
    if not isinstance(value, list):
        return [f"expected = {value!r}: must be a list of published scores, each with {', '.join(_FIELDS)}"]
    return [problem for index, entry in enumerate(value) for problem in _entry_problems(f"expected[{index}]", entry)]


def _entry_problems(where: str, entry: Any) -> list[str]:
    if not isinstance(entry, Mapping):
        return [f"{where} = {entry!r}: must be a mapping with {', '.join(_FIELDS)}"]
    problems = [
        f"{where}.{key} = {entry[key]!r}: no such key. Allowed: {', '.join(_FIELDS)}"
        for key in entry
        if key not in _FIELDS
    ]
    for key in _FIELDS:
        value, where_key = entry.get(key), f"{where}.{key}"
        if value is UNRESOLVED:
            continue  # the message is there already
        if value is None:
            if key in _REQUIRED:
                problems.append(f"{where_key} = null: must be given, as {', '.join(_REQUIRED)} must")
        elif key in _TEXTS:
            if not (isinstance(value, str) and value.strip()):
                problems.append(f"{where_key} = {value!r}: must be text that is not empty")
        elif key == "data":
            if not isinstance(value, Mapping):
                problems.append(f"{where_key} = {value!r}: must be a mapping of keys of data to their values")
        elif not _is_number(value):
            problems.append(f"{where_key} = {value!r}: must be a finite number")
        elif key in _NOT_NEGATIVE and value < 0:
            problems.append(f"{where_key} = {value!r}: must not be negative")
    return problems


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def read_expected(config: Mapping[str, Any]) -> list[Expected]:
    """Return the published scores of a configuration; none for one from before there was the key.

    Raises:
        ValueError: naming all that is wrong with them.
    """
    entries = config.get("expected") or []
    if problems := expected_problems(entries):
        raise ValueError("; ".join(problems))
    data = config.get("data")
    return [Expected(**entry, other_data=_other_data(entry.get("data") or {}, data)) for entry in entries]


def _other_data(published: Mapping[str, Any], data: Any) -> str | None:
    node = data if isinstance(data, Mapping) else {}
    here = {**node, "class": str(node.get("_target_")).rpartition(".")[2]}
    differing = [
        f"data.{key} is {here.get(key)} here, {value} there"
        for key, value in published.items()
        if here.get(key) != value
    ]
    return ", ".join(differing) or None

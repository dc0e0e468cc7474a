"""Conditions on the configuration of a run, as a user writes them: ``model.loss=hinge,batch_size>=64``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from gan_lightning.config.errors import did_you_mean
from gan_lightning.report.config_diff import ABSENT, TARGET
from gan_lightning.report.run import Run

OPERATORS = ("!=", "<=", ">=", "=", "<", ">")
_PATTERN = re.compile(rf"\s*([^=<>!\s]+)\s*({'|'.join(OPERATORS)})\s*(.*?)\s*")


@dataclass(frozen=True)
class Condition:
    """One of them, taken apart.

    Attributes:
        key: dotted key of the configuration, that of a node with a ``_target_``, or "status".
        operator: one of ``OPERATORS``.
        value: what stands behind it, as YAML reads it.
    """

    key: str
    operator: str
    value: Any


def parse(text: str) -> Condition:
    """Take a condition apart.

    Raises:
        ValueError: if it is none.
    """
    match = _PATTERN.fullmatch(text)
    if match is None:
        raise ValueError(f"where = {text!r}: a condition is KEY=VALUE, with = or one of {', '.join(OPERATORS)}")
    return Condition(match[1], match[2], _scalar(match[3]))


def split(text: str) -> list[str]:
    """Split a text at its commas into conditions; a comma inside of brackets is part of a value."""
    return [part for part in re.split(r",(?![^\[]*\])", text) if part.strip()]


def select(runs: Sequence[Run], conditions: Iterable[str]) -> list[Run]:
    """Return the runs that meet all conditions, and the damaged ones, whose config cannot be read.

    The value of a part (``model.loss=hinge``) is the name of its class, without regard to case and underscores.
    Where no run has exactly this class, a piece of the name is enough.

    Raises:
        ValueError: for a text that is not a condition, a key that no run has, or when no run is left.
    """
    left, texts = list(runs), [part for text in conditions for part in split(text)]
    for text in texts:
        condition = parse(text)
        known = list(dict.fromkeys(key for run in runs for key in fields(run)))
        if not any(key == condition.key or key == f"{condition.key}.{TARGET}" for key in known):
            nodes = [key.removesuffix(f".{TARGET}") for key in known]
            raise ValueError(f"where = {text!r}: no run has this key{did_you_mean(condition.key, nodes)}")
        values = [_value(fields(run), condition.key) for run in runs]
        exactly = any(is_part and _plain(name) == _plain(condition.value) for name, is_part in values)
        left = [
            run
            for run in left
            if not run.readable or meets(_value(fields(run), condition.key), condition, exactly=exactly)
        ]
    if texts and not any(run.readable for run in left):
        raise ValueError(f"where = {', '.join(texts)}: no run meets this")
    return left


def fields(run: Run) -> dict[str, Any]:
    """Return what conditions can be about: the whole configuration, and the run's status."""
    return {"status": run.status, **run.settings}


def meets(found: tuple[Any, bool], condition: Condition, *, exactly: bool) -> bool:
    """Return whether a value of a configuration meets a condition.

    Args:
        found: the value, or the name of its class and True.
        condition: what is asked for.
        exactly: whether the name of a class must be the whole name.

    Raises:
        ValueError: if values without an order are compared by one.
    """
    value, is_part = found
    if condition.operator in ("=", "!="):
        if is_part and condition.value is not None:
            wanted, name = _plain(condition.value), _plain(value)
            same = name == wanted if exactly else wanted in name
        else:
            same = value == condition.value or (value == ABSENT and condition.value is None)
        return same == (condition.operator == "=")
    if value in (ABSENT, None):
        return False
    if not _is_number(value) or not _is_number(condition.value):
        raise ValueError(
            f"where = '{condition.key}{condition.operator}{condition.value}': only numbers can be compared by order, "
            f"a run has {value!r}"
        )
    return {
        "<": value < condition.value,
        "<=": value <= condition.value,
        ">": value > condition.value,
        ">=": value >= condition.value,
    }[condition.operator]


def _value(values: Mapping[str, Any], key: str) -> tuple[Any, bool]:
    """Return the value of a key, or the name of the class where it is a part."""
    target = values.get(f"{key}.{TARGET}")
    if target is not None:
        return str(target).rpartition(".")[2], True
    return values.get(key, ABSENT), False


def _scalar(text: str) -> Any:
    try:
        return float(text) if "e" in text.lower() else yaml.safe_load(text)  # YAML takes 2e-4 for a string
    except (ValueError, yaml.YAMLError):
        try:
            return yaml.safe_load(text)
        except yaml.YAMLError:
            return text


def _plain(name: Any) -> str:
    return str(name).replace("_", "").lower()


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)

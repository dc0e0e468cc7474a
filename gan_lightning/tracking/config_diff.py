"""In which keys configurations differ, said as briefly as a reader needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

ABSENT = "(absent)"
TARGET = "_target_"


def flatten(config: Any, prefix: str = "") -> dict[str, Any]:
    """Nested dicts as one dict with dotted keys; lists stay whole, empty dicts are dropped."""
    flat: dict[str, Any] = {}
    for key, value in config.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            flat.update(flatten(value, f"{name}."))
        else:
            flat[name] = value
    return flat


def differing_keys(configs: Sequence[Mapping[str, Any]]) -> list[str]:
    """The keys whose values are not the same in all flat configs, in their order of appearance.

    Left out are the arguments of a node whose ``_target_`` differs already, and keys that repeat another one's
    values under the same last name, since they are interpolated from it (``data.batch_size``).
    """
    keys = list(dict.fromkeys(key for config in configs for key in config))
    differing = [
        key for key in keys if any(config.get(key, ABSENT) != configs[0].get(key, ABSENT) for config in configs)
    ]
    swapped = [key.removesuffix(TARGET) for key in differing if key.endswith(f".{TARGET}")]
    differing = [
        key for key in differing if not any(key.startswith(node) and key != f"{node}{TARGET}" for node in swapped)
    ]
    origin: dict[str, str] = {}
    for key in differing:
        last = ".".join(key.split(".")[-2:]) if key.endswith(TARGET) else key.rpartition(".")[2]
        mark = repr((last, [config.get(key, ABSENT) for config in configs]))
        if mark not in origin or key.count(".") < origin[mark].count("."):
            origin[mark] = key
    return [key for key in differing if key in origin.values()]


def shown(key: str, value: Any) -> str:
    """One key and its value for people: ``model.loss=Hinge`` instead of the dotted path of the class."""
    if key.endswith(f".{TARGET}"):
        key = key.removesuffix(f".{TARGET}")
        value = str(value).rpartition(".")[2]
    return f"{key}={'null' if value is None else value}"

"""What a Trainer writes into a checkpoint beside our record: which entries, and what they are made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from packaging.version import InvalidVersion, Version

VERSION = "pytorch-lightning_version"

ENTRIES: Mapping[str, type] = {
    "epoch": int,
    "global_step": int,
    VERSION: str,
    "loops": dict,
    "callbacks": dict,
    "optimizer_states": list,
    "lr_schedulers": list,
    "gradient_scalers": dict,
}
"""Keys to the types of their values; what is in a dict or a list is a dict each."""

FOREIGN_ENTRIES = ("hyper_parameters", "hparams", "module_arguments", "hparams_name", "hparams_type")
"""Keys under which Lightning looks for the arguments of a model, which are in our record."""

_OLDEST = Version("2.0")
_MISSING = object()


def wrong_entry(checkpoint: Mapping[str, Any]) -> str | None:
    """Say which entry no Trainer can have written, or return None; entries that are missing are not asked for."""
    for key, kind in ENTRIES.items():
        if key not in checkpoint:
            continue
        value: Any = checkpoint[key]
        if not isinstance(value, kind) or isinstance(value, bool):
            return f"its {key} is a {type(value).__name__}"
        parts: Iterable[Any] = ()
        if isinstance(value, dict | list):
            parts = value.values() if isinstance(value, dict) else value
        if (part := next((part for part in parts if not isinstance(part, dict)), _MISSING)) is not _MISSING:
            return f"its {key} holds a {type(part).__name__}"
    return _wrong_version(checkpoint[VERSION]) if VERSION in checkpoint else None


def _wrong_version(version: str) -> str | None:
    try:
        old = Version(version) < _OLDEST
    except InvalidVersion:
        return f"its {VERSION} is {version!r}"
    return f"its {VERSION} is {version!r}, and this package never ran with one before {_OLDEST}" if old else None


def missing_entries(checkpoint: Mapping[str, Any]) -> list[str]:
    """Return the keys of what a fit needs to continue and a checkpoint lacks."""
    return [key for key in ENTRIES if key not in checkpoint or (key == "optimizer_states" and not checkpoint[key])]


def first_difference(value: Any, template: Any, place: str) -> str | None:
    """Return the first place where a value is not made as another one: of another type, or without one of its keys.

    Where the template has None, anything may stand; the items of a list are not looked at.

    Args:
        value: plain data.
        template: likewise.
        place: dotted key of both.
    """
    if template is None:
        return None
    number = isinstance(template, float) and type(value) is int
    if type(value) is not type(template) and not number:
        return place
    if not isinstance(template, dict):
        return None
    found = (first_difference(value.get(key, _MISSING), part, f"{place}.{key}") for key, part in template.items())
    return next((one for one in found if one is not None), None)

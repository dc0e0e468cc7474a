"""Strict JSON: numbers that JSON has no way to write are strings."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from typing import Any

_NON_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def to_strict(value: Any) -> Any:
    """Replace each non-finite float of plain data by ``"NaN"``, ``"Infinity"`` or ``"-Infinity"``.

    Numbers of torch and numpy (anything with ``__float__``, such as a zero-dimensional tensor) become floats.

    Raises:
        ValueError: for a value that is not plain data, naming its type.
    """
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, Mapping):
        return {str(key): to_strict(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_strict(item) for item in value]
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ValueError(f"{value!r} of type {type(value).__name__} cannot be written as JSON") from None
    if math.isfinite(number):
        return number
    return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"


def from_strict(value: Any) -> Any:
    """Turn the three strings of ``to_strict`` into floats again; keep any other scalar."""
    return _NON_FINITE.get(value, value) if isinstance(value, str) else value


def dumps(value: Any, *, indent: int | None = None) -> str:
    """Return strict JSON text of ``to_strict(value)``."""
    return json.dumps(to_strict(value), indent=indent, allow_nan=False)

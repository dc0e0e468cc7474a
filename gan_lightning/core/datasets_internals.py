"""What this package takes from the undocumented parts of Hugging Face's ``datasets``, each use with its reason.

No other module does. A test in ``tests/core/test_datasets_internals.py`` fails when the library changes one of them.
"""

from __future__ import annotations

from typing import Any


def fingerprint(rows: Any) -> str:
    """Return the library's hash of a ``Dataset``'s rows and of all that was done to them; it has no public name."""
    return rows._fingerprint


def with_features(rows: Any) -> Any:
    """Return an ``IterableDataset`` that knows its columns, reading its first rows if they are not declared."""
    return rows if rows.features is not None else rows._resolve_features()

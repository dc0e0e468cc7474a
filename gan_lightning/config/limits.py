"""How large a config may be; what shares its parts can be small on disk and endless when it is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gan_lightning.config.errors import ConfigError

MAX_DEPTH = 40
"""Deeper than any config is meant to be."""

MAX_NODES = 10_000
"""Most values, lists and mappings of a config; the largest of this package have a few hundred."""

TOO_MANY = f"the config has more than {MAX_NODES} values"


def check_size(values: Mapping[str, Any]) -> None:
    """Refuse plain configs with more than ``MAX_NODES`` values, or nested deeper than ``MAX_DEPTH``.

    A part that is shared, as an alias of a YAML file is, counts as often as it is met. The walk ends at the limit.

    Args:
        values: key to plain config.

    Raises:
        ConfigError: naming the key.
    """
    count = 0
    pending = [(key, 0, value) for key, value in values.items()]
    while pending:
        key, depth, value = pending.pop()
        count += 1
        if count > MAX_NODES:
            raise ConfigError([f"{key}: {TOO_MANY}"])
        if depth > MAX_DEPTH:
            raise ConfigError([f"{key}: nested more than {MAX_DEPTH} deep"])
        children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        if len(children) > MAX_NODES:
            raise ConfigError([f"{key}: {TOO_MANY}"])
        pending += [(key, depth + 1, child) for child in children]

"""In which keys configurations differ, said as briefly as a reader needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

ABSENT = "(absent)"
TARGET = "_target_"


def flatten(config: Any, prefix: str = "") -> dict[str, Any]:
    """Flatten nested dicts to one dict with dotted keys; lists stay whole, empty dicts are dropped."""
    flat: dict[str, Any] = {}
    for key, value in config.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            flat.update(flatten(value, f"{name}."))
        else:
            flat[name] = value
    return flat


def differing_keys(configs: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the keys whose values are not the same in all flat configs, in their order of appearance.

    Left out are arguments that only some classes have where the ``_target_`` of their node differs already, and keys
    that repeat another one's values under the same last name, since they are interpolated from it
    (``data.batch_size``).
    """
    keys = list(dict.fromkeys(key for config in configs for key in config))
    differing = [
        key for key in keys if any(config.get(key, ABSENT) != configs[0].get(key, ABSENT) for config in configs)
    ]
    swapped = [key.removesuffix(TARGET) for key in differing if key.endswith(f".{TARGET}")]
    differing = [
        key
        for key in differing
        if all(key in config for config in configs)
        or not any(key.startswith(node) and key != f"{node}{TARGET}" for node in swapped)
    ]
    origin: dict[str, str] = {}
    for key in differing:
        last = ".".join(key.split(".")[-2:]) if key.endswith(TARGET) else key.rpartition(".")[2]
        mark = repr((last, [config.get(key, ABSENT) for config in configs]))
        if mark not in origin or key.count(".") < origin[mark].count("."):
            origin[mark] = key
    return [key for key in differing if key in origin.values()]


def shown(key: str, value: Any) -> str:
    """Return a key and its value for people: ``model.loss=Hinge``, not the dotted path of the class."""
    return f"{key.removesuffix(f'.{TARGET}')}={shown_value(key, value)}"


def shown_value(key: str, value: Any) -> str:
    """Return a key's value for people: the name of a class, and six digits of a number."""
    if key.endswith(f".{TARGET}"):
        return str(value).rpartition(".")[2]
    if isinstance(value, float):
        return f"{value:.6g}"
    return "null" if value is None else str(value)


def brief(keys: Sequence[str]) -> dict[str, str]:
    """Shorten each dotted key to the last parts that tell it from the others; ``_target_`` counts as its node."""
    plain = {key: key.removesuffix(f".{TARGET}").split(".") for key in keys}
    short = {}
    for key, parts in plain.items():
        others = [other for name, other in plain.items() if name != key]
        length = next(
            (n for n in range(1, len(parts)) if all(other[-n:] != parts[-n:] for other in others)), len(parts)
        )
        short[key] = ".".join(parts[-length:])
    return short


def telling_keys(keys: Sequence[str], configs: Sequence[Mapping[str, Any]], *, most: int) -> list[str]:
    """Return the fewest keys that tell the flat configs apart, in their order.

    The key is taken first that splits the configs into the most kinds, then the one that splits them further; of
    equals the one nearest to the root, ``model`` before ``model.loss``.

    Args:
        keys: those in which the configs differ.
        configs: flat.
        most: if there are at most this many keys, all are taken.
    """
    if len(keys) <= most:
        return list(keys)

    def kinds(some: Sequence[str]) -> int:
        return len({repr([config.get(key, ABSENT) for key in some]) for config in configs})

    taken: list[str] = []
    while len(taken) < most and kinds(taken) < kinds(keys):
        rest = [key for key in keys if key not in taken]
        taken.append(max(rest, key=lambda key: (kinds([*taken, key]), -key.removesuffix(f".{TARGET}").count("."))))
    return [key for key in keys if key in taken]

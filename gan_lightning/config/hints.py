"""Compare a value of a config with the annotation of the argument that it is meant for.

The comparison is lenient where an annotation says less than the constructor knows: what it cannot judge, it
accepts. It is there to catch what people mistype, not to prove a program.
"""

from __future__ import annotations

import collections.abc
import sys
import types
import typing
from enum import Enum
from typing import Any, Literal, Union

from gan_lightning.config.locate import locate

UNRESOLVED: Any = object()
"""Stands for a value that could not be resolved, and fits everything: its own message says enough."""

_SCALARS = (bool, int, float, str)


def fits(value: Any, hint: Any) -> bool:
    """Say whether a plain value, or a node with ``_target_``, can be meant for an argument annotated ``hint``."""
    origin = typing.get_origin(hint)
    if value is UNRESOLVED or hint is Any:
        return True
    if origin is typing.Annotated:
        return fits(value, typing.get_args(hint)[0])
    if origin in (Union, types.UnionType):
        return any(fits(value, option) for option in typing.get_args(hint))
    if origin is Literal:
        return any(value == option and type(value) is type(option) for option in typing.get_args(hint))
    if hint is None or hint is types.NoneType:
        return value is None
    if isinstance(value, dict) and "_target_" in value:
        return _node_fits(value, origin or hint, typing.get_args(hint))
    if origin is not None:
        return _container_fits(value, origin, typing.get_args(hint))
    return _plain_fits(value, hint)


def describe(hint: Any) -> str:
    """Return an annotation in the words of an error message."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (Union, types.UnionType):
        return " or ".join(describe(option) for option in arguments)
    if origin is Literal:
        return ("one of " if len(arguments) > 1 else "") + ", ".join(repr(option) for option in arguments)
    if hint is None or hint is types.NoneType:
        return "null"
    if origin is None and isinstance(hint, type):
        return hint.__name__
    return str(hint).replace("typing.", "").replace("collections.abc.", "")


def _plain_fits(value: Any, hint: Any) -> bool:
    if not isinstance(hint, type):
        return True
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if hint in (bool, str):
        return isinstance(value, hint)
    if issubclass(hint, list | tuple | dict):
        return isinstance(value, dict) == issubclass(hint, dict) and isinstance(value, dict | list)
    return not _is_part(hint)


def _container_fits(value: Any, origin: Any, arguments: tuple[Any, ...]) -> bool:
    if origin is collections.abc.Callable or origin is type:
        return False
    if not isinstance(origin, type):
        return True
    if issubclass(origin, collections.abc.Mapping):
        return isinstance(value, dict) and all(
            fits(key, arguments[0]) and fits(item, arguments[1]) for key, item in value.items()
        )
    if not issubclass(origin, collections.abc.Iterable):
        return True
    if not isinstance(value, list):
        return False
    if origin is tuple and Ellipsis not in arguments:
        return len(value) == len(arguments) and all(map(fits, value, arguments))
    return all(fits(item, arguments[0]) for item in value)


def _node_fits(node: dict[str, Any], hint: Any, arguments: tuple[Any, ...]) -> bool:
    if node["_target_"] is UNRESOLVED or not isinstance(hint, type) or _is_protocol(hint):
        return True
    try:
        made = locate(node["_target_"], trust=True)
    except LookupError:
        return True
    is_factory = node.get("_partial_") is True
    if hint is collections.abc.Callable:
        return _makes(made, arguments[1] if arguments else object) if is_factory else _makes_callables(made)
    if is_factory:
        return not (_is_part(hint) or issubclass(hint, (*_SCALARS, list, tuple, dict)))
    return _makes(made, hint)


def _makes(callee: Any, kind: Any) -> bool:
    if kind is Any or not (isinstance(callee, type) and isinstance(kind, type)) or _is_protocol(kind):
        return True
    return issubclass(callee, kind)


def _makes_callables(callee: Any) -> bool:
    return not isinstance(callee, type) or any("__call__" in vars(base) for base in callee.__mro__)


def _is_part(hint: type) -> bool:
    """Say whether ``hint`` is a class whose objects only a node with ``_target_`` can make.

    The standard library's classes often stand for what a string or number can become (``Path``, ``Fraction``).
    """
    if _is_protocol(hint) or issubclass(hint, Enum) or hint.__name__ in ("device", "dtype"):
        return False
    return hint.__module__.partition(".")[0] not in sys.stdlib_module_names


def _is_protocol(hint: type) -> bool:
    return bool(getattr(hint, "_is_protocol", False))

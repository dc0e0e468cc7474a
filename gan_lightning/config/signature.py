"""Bind a node of the config to the signature of its ``_target_``, without building anything."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Mapping, Sequence
from inspect import Parameter
from types import MappingProxyType, SimpleNamespace
from typing import Any

from gan_lightning.config.errors import did_you_mean
from gan_lightning.config.hints import describe, fits
from gan_lightning.config.locate import locate
from gan_lightning.core.schedules import Schedule

SPECIAL_KEYS = ("_target_", "_partial_", "_args_")
"""Keys of a node that are not arguments: what to call, whether to bind only, positional arguments."""


def is_special(key: Any) -> bool:
    """Say whether a key is written like one of ``SPECIAL_KEYS``."""
    return isinstance(key, str) and len(key) > 2 and key.startswith("_") and key.endswith("_")


def special_problems(node: dict[str, Any], key: str) -> list[str]:
    """Return what is wrong with the special keys of a node, apart from its target."""
    partial, positional = node.get("_partial_", False), node.get("_args_", [])
    problems = [
        f"{join(key, name)}: special keys are {', '.join(SPECIAL_KEYS)}"
        for name in node
        if is_special(name) and name not in SPECIAL_KEYS
    ]
    if not isinstance(partial, bool):
        problems.append(f"{join(key, '_partial_')} = {partial!r}: expected true or false")
    if not isinstance(positional, list):
        problems.append(f"{join(key, '_args_')} = {positional!r}: expected a list")
    return problems


def node_problems(node: dict[str, Any], key: str, sources: Mapping[str, str] = MappingProxyType({})) -> list[str]:
    """Return what is wrong with the arguments of one node and their types; nodes inside it are not examined.

    Args:
        node: a plain dict with ``_target_``.
        key: its dotted key, for the messages.
        sources: dotted key to the key that its value was interpolated from, which is the one to set.
    """
    target, problems = node["_target_"], special_problems(node, key)
    try:
        callee = locate(target, trust=True)
    except LookupError as error:
        return [*problems, f"{join(key, '_target_')} = {target!r}: {error}"]
    positional = node.get("_args_", [])
    if not isinstance(positional, list):
        positional = []
    named = {name: value for name, value in node.items() if not is_special(name)}
    partial = node.get("_partial_") is True
    return problems + call_problems(callee, target, positional, named, key=key, partial=partial, sources=sources)


def call_problems(
    callee: Any,
    target: str,
    positional: Sequence[Any],
    named: dict[str, Any],
    *,
    key: str,
    partial: bool,
    sources: Mapping[str, str],
) -> list[str]:
    """Return what is wrong with calling ``callee`` with these arguments."""
    try:
        parameters = inspect.signature(callee).parameters
    except (ValueError, TypeError):  # some built-in types tell no signature
        return []
    short = target.rpartition(".")[2]
    by_place = [
        p for p in parameters.values() if p.kind in (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
    ]
    by_name = {
        p.name: p for p in parameters.values() if p.kind in (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)
    }
    kinds = {p.kind for p in parameters.values()}
    problems = []
    if len(positional) > len(by_place) and Parameter.VAR_POSITIONAL not in kinds:
        problems.append(
            f"{join(key, '_args_')}: {short} takes at most {len(by_place)} positional arguments, got {len(positional)}"
        )
    filled = {p.name: (f"{join(key, '_args_')}[{i}]", positional[i]) for i, p in enumerate(by_place[: len(positional)])}
    for name, value in named.items():
        if name in filled:
            problems.append(f"{join(key, name)}: {short} gets {name!r} twice, also by position in _args_")
        elif name in by_name:
            filled[name] = (join(key, name), value)
        elif Parameter.VAR_KEYWORD not in kinds:
            meant = did_you_mean(name, by_name) or "."
            problems.append(
                f"{join(key, name)} = {shown(value)}: {short} has no argument {name!r}{meant} "
                f"Allowed: {', '.join(by_name) or 'none'}"
            )
    for name, (where, value) in filled.items():
        hint = _hint(callee, parameters[name])
        if not fits(_at_start(value) if partial else value, hint):
            set_there = f"; set {sources[where]}" if where in sources else ""
            problems.append(f"{where} = {shown(value)}: {short} expects {describe(hint)}{set_there}")
    required = [p.name for p in (*by_place, *by_name.values()) if p.default is Parameter.empty and p.name not in filled]
    if required and not partial:
        for name in dict.fromkeys(required):
            problems.append(f"{join(key, name)}: missing; {short} requires it")
    return problems


def _at_start(value: Any) -> Any:
    """Return a factory's argument with a number in place of each schedule, which is what its target will get."""
    if isinstance(value, list):
        return [_at_start(item) for item in value]
    if isinstance(value, dict) and "_target_" in value:
        try:
            made = locate(value["_target_"], trust=True)
        except (LookupError, TypeError):
            return value
        return 1.0 if isinstance(made, type) and issubclass(made, Schedule) else value
    return value


def _hint(callee: Any, parameter: Parameter) -> Any:
    """Return the annotation of one parameter as an object; Any where it has none or cannot be evaluated."""
    if parameter.annotation is Parameter.empty:
        return Any
    function = inspect.unwrap(getattr(callee, "__init__") if isinstance(callee, type) else callee)  # noqa: B009
    carrier = SimpleNamespace(__annotations__={"hint": parameter.annotation})
    try:
        return typing.get_type_hints(carrier, globalns=getattr(function, "__globals__", {}))["hint"]
    except (NameError, AttributeError, TypeError, SyntaxError):  # names imported for type checkers only
        return Any


def argument_names(target: Any) -> list[str]:
    """Return the names of the arguments that a ``_target_`` takes; none for what cannot be found or tells nothing."""
    try:
        return list(inspect.signature(locate(target, trust=True)).parameters)
    except (LookupError, ValueError, TypeError):
        return []


def shown(value: Any) -> str:
    """Return a value, or which node it is, for an error message."""
    if isinstance(value, dict) and "_target_" in value:
        return f"a {'_partial_ ' if value.get('_partial_') is True else ''}node with _target_={value['_target_']}"
    return repr(value)


def join(key: str, name: Any) -> str:
    """Return the dotted key of an entry."""
    return f"{key}.{name}" if key else str(name)

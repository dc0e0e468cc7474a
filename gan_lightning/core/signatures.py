"""The arguments of a constructor that hands on the rest to its base, as help texts and config checks see them."""

from __future__ import annotations

import inspect
import typing
from inspect import Parameter
from typing import Any


def inherit_parameters(cls: type) -> None:
    """Set the signature of a class to its constructor's arguments, with its base's in place of ``**parts``.

    ``**parts: Unpack[Parts]`` says which arguments are handed on; the base refuses any other. What the base takes by
    position alone is the class's to give. The annotations are objects, since the base's are of another module.

    Args:
        cls: a class whose bases have set theirs.
    """
    if "__init__" not in cls.__dict__:
        return
    own = _parameters(cls)
    named = {name: parameter for name, parameter in own.items() if parameter.kind is not Parameter.VAR_KEYWORD}
    if len(named) < len(own):
        base = cls.__mro__[1]
        signature = getattr(base, "__signature__", None)
        handed_on = _parameters(base) if signature is None else signature.parameters
        own_or_given = {*named, *(name for name, p in handed_on.items() if p.kind is Parameter.POSITIONAL_ONLY)}
        named = {**{name: p for name, p in handed_on.items() if name not in own_or_given}, **named}
    in_order = sorted(named.values(), key=lambda parameter: parameter.kind)
    cls.__signature__ = inspect.Signature(in_order)  # type: ignore[attr-defined]


def _parameters(cls: type) -> dict[str, Parameter]:
    """Return the parameters of a class's constructor, annotated with objects."""
    constructor: Any = cls.__init__  # type: ignore[misc]
    try:
        hints = typing.get_type_hints(constructor)
    except NameError:  # names imported for type checkers only
        hints = {}
    parameters = list(inspect.signature(constructor).parameters.values())[1:]
    return {p.name: p.replace(annotation=hints.get(p.name, p.annotation)) for p in parameters}

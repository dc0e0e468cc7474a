"""The arguments of a constructor that hands on the rest to its base, as help texts and config checks see them."""

from __future__ import annotations

import inspect
import typing
from inspect import Parameter
from typing import Any


def inherit_parameters(cls: type) -> None:
    """Set the signature of a class to its constructor's own arguments and, for ``**parts``, those of its base.

    ``**parts: Unpack[Parts]`` says which arguments are handed on; the base refuses any other. The annotations are
    objects, since those of the base stand in another module.

    Args:
        cls: a class whose bases have set theirs.
    """
    if "__init__" not in cls.__dict__:
        return
    constructor: Any = cls.__dict__["__init__"]
    own = list(inspect.signature(constructor).parameters.values())[1:]
    hints = typing.get_type_hints(constructor)
    named = {p.name: p.replace(annotation=hints.get(p.name, p.annotation)) for p in own if p.kind is not _REST}
    if len(named) < len(own):
        handed_on = inspect.signature(cls.__mro__[1]).parameters
        named = {**{name: p for name, p in handed_on.items() if name not in named}, **named}
    cls.__signature__ = inspect.Signature(list(named.values()))  # type: ignore[attr-defined]


_REST = Parameter.VAR_KEYWORD

"""Find the class or function that a ``_target_`` names."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType
from typing import Any

from gan_lightning.config.errors import did_you_mean

_USUAL_PACKAGES = ("gan_lightning", "torch", "torchvision", "lightning")


def locate(target: str) -> Any:
    """Import what a dotted name stands for. Only for configs of the user's own: it imports whatever is named.

    Raises:
        LookupError: if there is no such thing, with the nearest name that exists.
    """
    first, *rest = target.split(".")
    if not rest or not all(part.isidentifier() for part in (first, *rest)):
        raise LookupError("not the dotted name of a class or function, such as gan_lightning.losses.Hinge")
    found: Any = _import(first)
    for depth, name in enumerate(rest, start=1):
        parent = ".".join([first, *rest[: depth - 1]])
        if hasattr(found, name):
            found = getattr(found, name)
        elif isinstance(found, ModuleType) and hasattr(found, "__path__"):
            found = _import(f"{parent}.{name}", found)
        else:
            raise LookupError(f"{parent} has no {name!r}{did_you_mean(name, _public_names(found))}")
    if not callable(found):
        raise LookupError(f"it is a {type(found).__name__}, not a class or function")
    return found


def _import(name: str, parent: ModuleType | None = None) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        if not (isinstance(error, ModuleNotFoundError) and error.name == name):
            raise LookupError(f"importing {name} fails: {error}") from error
        if parent is None:
            raise LookupError(f"no package {name!r}{did_you_mean(name, _USUAL_PACKAGES)}") from error
        last = name.rpartition(".")[2]
        message = f"{parent.__name__} has no {last!r}{did_you_mean(last, _public_names(parent))}"
        raise LookupError(message) from error


def _public_names(holder: Any) -> list[str]:
    names = {name for name in dir(holder) if not name.startswith("_")}
    names.update(module.name for module in pkgutil.iter_modules(getattr(holder, "__path__", [])))
    return sorted(names)

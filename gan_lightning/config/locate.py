"""Find the class or function that a ``_target_`` names."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Collection
from types import FunctionType, ModuleType
from typing import Any

from gan_lightning.config.errors import did_you_mean

DEFAULT_ALLOW = frozenset({"gan_lightning", "torch", "torchvision", "lightning"})
"""Top-level packages whose parts an untrusted config may name."""

PART_ROOMS = frozenset(
    {
        "augment",
        "core.schedules",
        "data",
        "losses",
        "metrics",
        "models",
        "networks",
        "regularizers",
    }
)
"""Modules of this package that hold parts; the others run programs, load files or build other configs."""

_FUNCTION_ROOMS = PART_ROOMS - {"data", "metrics"}  # functions of these two read and write files
_TORCH_MODULES = ("torch.nn", "torch.optim")  # elsewhere torch has modules that compile, load or connect
_USUAL_PACKAGES = ("gan_lightning", "torch", "torchvision", "lightning")


def locate(target: Any, *, trust: bool = False, allow: Collection[str] = DEFAULT_ALLOW) -> Any:
    """Find what a dotted name stands for.

    Without ``trust`` it must be a part: a class or function that this package defines in one of ``PART_ROOMS``,
    or a class of another allowed package that is a module, optimizer, schedule or data module. Names that only
    pass through an allowed package (``torch.os.system``) are not parts of it, and nothing but allowed modules and
    their own attributes is touched on the way.

    Args:
        target: value of ``_target_``.
        trust: import whatever is named; only for configs of the user's own.
        allow: top-level packages for untrusted targets.

    Raises:
        LookupError: if it is refused, or there is no such thing; with the nearest name that exists for trusted ones.
    """
    if not isinstance(target, str):
        raise LookupError("expected the dotted name of a class or function")
    return _locate_anything(target) if trust else _locate_part(target, allow)


def _locate_anything(target: str) -> Any:
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


def _locate_part(target: str, allow: Collection[str]) -> Any:
    parts = target.split(".")
    if not all(part.isidentifier() and not part.startswith("_") for part in parts):
        raise _refusal("it is not the dotted name of a public class or function")
    if parts[0] not in allow:
        raise _refusal(f"it is not in one of the packages {', '.join(sorted(allow))}")
    module = importlib.import_module(parts[0])
    for depth, name in enumerate(parts[1:], start=2):
        # vars(), not getattr: a module's __getattr__ or a descriptor would run code.
        found = vars(module).get(name)
        if found is None:
            found = _submodule(".".join(parts[:depth]))
        if depth == len(parts):
            _check_part(found, allow)
            return found
        if not isinstance(found, ModuleType) or found.__name__ != ".".join(parts[:depth]):
            raise _refusal(f"{'.'.join(parts[:depth])} is not a module of {parts[0]}")
        module = found
    raise _refusal("it is a package")


def _submodule(name: str) -> ModuleType:
    """Import a submodule, which runs its code: therefore only where parts are."""
    if not _holds_parts(name):
        raise _refusal(f"{name} has no parts for a config")
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise LookupError(f"there is no {name}") from error


def _holds_parts(module: str) -> bool:
    package, _, rest = module.partition(".")
    if package == "gan_lightning":
        return _is_below(rest, PART_ROOMS)
    if package == "torch":
        return _is_below(module, _TORCH_MODULES)
    return True


def _is_below(module: str, rooms: Collection[str]) -> bool:
    return any(module == room or module.startswith(f"{room}.") for room in rooms)


def _check_part(found: Any, allow: Collection[str]) -> None:
    # A C function and the like may say anything of where it comes from; these two say the truth.
    if not isinstance(found, type | FunctionType):
        raise _refusal(f"it is a {type(found).__name__}, not a class or function written in Python")
    home = found.__module__
    package, _, rest = home.partition(".")
    if package not in allow or not _holds_parts(home):
        raise _refusal(f"it is defined in {home}, which has no parts for a config")
    if package == "gan_lightning":
        if isinstance(found, FunctionType) and not _is_below(rest, _FUNCTION_ROOMS):
            raise _refusal(f"functions of {home} cannot be parts")
        return
    from lightning.pytorch import LightningDataModule
    from torch import nn, optim

    bases = (nn.Module, optim.Optimizer, optim.lr_scheduler.LRScheduler, LightningDataModule)
    if not (isinstance(found, type) and issubclass(found, bases)):
        raise _refusal("it is not a module, optimizer, schedule or data module")


def _refusal(reason: str) -> LookupError:
    return LookupError(f"refused, because {reason}. If you trust the source of this config: trust=true")

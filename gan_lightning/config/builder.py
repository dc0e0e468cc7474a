"""Build objects from plain config nodes, those of a checkpoint included, which may come from anybody."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Collection
from types import FunctionType, ModuleType
from typing import Any

from omegaconf import OmegaConf

from gan_lightning.config.errors import ConfigError
from gan_lightning.config.locate import locate
from gan_lightning.config.signature import SPECIAL_KEYS, is_special

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
"""Modules of ours that hold parts; the others run programs, load files or build other configs."""

_FUNCTION_ROOMS = PART_ROOMS - {"data", "metrics"}  # functions of these two read and write files
_TORCH_MODULES = ("torch.nn", "torch.optim")  # elsewhere torch has modules that compile, load or connect
_MAX_DEPTH = 40


def instantiate(node: Any, allow: Collection[str] = DEFAULT_ALLOW, trust: bool = False, *, key: str = "") -> Any:
    """Build what ``node`` describes, children first.

    A dict with ``_target_`` becomes the result of calling it with the other entries as arguments and ``_args_`` by
    position, or a ``functools.partial`` when ``_partial_`` is true; other dicts and lists keep their shape.

    Without ``trust`` a target must be a part: a class or function that this package defines in one of
    ``PART_ROOMS``, or a class of another allowed package that is a module, optimizer, schedule or data module.
    Names that only pass through an allowed package (``torch.os.system``) are not parts of it. All targets are
    judged before the first is built.

    Args:
        node: plain dicts, lists and scalars, or an OmegaConf node, which is resolved first.
        allow: top-level packages for untrusted targets.
        trust: build whatever is named.
        key: dotted key of ``node``, for messages.

    Raises:
        ConfigError: for a refused or unknown target, or a constructor's ValueError or TypeError, naming the key.
    """
    if OmegaConf.is_config(node):
        node = OmegaConf.to_container(node, resolve=True)
    callees: dict[int, Any] = {}
    problems: list[str] = []
    _find_targets(node, key, 0, None if trust else frozenset(allow), callees, problems)
    if problems:
        raise ConfigError(problems)
    return _build(node, key, callees)


def _find_targets(
    value: Any, key: str, depth: int, allow: frozenset[str] | None, callees: dict[int, Any], problems: list[str]
) -> None:
    if depth > _MAX_DEPTH:
        raise ConfigError([f"{key}: nested more than {_MAX_DEPTH} deep"])
    if isinstance(value, list):
        for index, item in enumerate(value):
            _find_targets(item, f"{key}[{index}]", depth + 1, allow, callees, problems)
    if not isinstance(value, dict):
        return
    if "_target_" in value:
        try:
            callees[id(value)] = _callee(value, allow)
        except LookupError as error:
            problems.append(f"{_child(key, '_target_')} = {value['_target_']!r}: {error}")
    for name, item in value.items():
        _find_targets(item, _child(key, name), depth + 1, allow, callees, problems)


def _callee(node: dict[str, Any], allow: frozenset[str] | None) -> Any:
    target = node["_target_"]
    unknown = [name for name in node if is_special(str(name)) and name not in SPECIAL_KEYS]
    if not isinstance(target, str):
        raise LookupError("expected the dotted name of a class or function")
    if unknown or not isinstance(node.get("_partial_", False), bool) or not isinstance(node.get("_args_", []), list):
        raise LookupError(f"its special keys are _partial_ (true or false) and _args_ (a list); got {unknown or node}")
    return locate(target) if allow is None else locate_part(target, allow)


def locate_part(target: str, allow: Collection[str] = DEFAULT_ALLOW) -> Any:
    """Find an untrusted target, touching nothing but allowed modules and their own attributes.

    Raises:
        LookupError: if it is refused or does not exist.
    """
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
        raise _refusal(f"{name} holds no parts")
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise LookupError(f"there is no {name}") from error


def _holds_parts(module: str) -> bool:
    package, _, rest = module.partition(".")
    if package == "gan_lightning":
        return _is_below(rest, PART_ROOMS)
    if package == "torch":
        return any(module == name or module.startswith(f"{name}.") for name in _TORCH_MODULES)
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
        raise _refusal(f"it is defined in {home}, which holds no parts")
    if package == "gan_lightning":
        if isinstance(found, FunctionType) and not _is_below(rest, _FUNCTION_ROOMS):
            raise _refusal(f"functions of {home} are no parts")
        return
    from lightning.pytorch import LightningDataModule
    from torch import nn, optim

    bases = (nn.Module, optim.Optimizer, optim.lr_scheduler.LRScheduler, LightningDataModule)
    if not (isinstance(found, type) and issubclass(found, bases)):
        raise _refusal("it is no module, optimizer, schedule or data module")


def _refusal(reason: str) -> LookupError:
    return LookupError(f"refused, because {reason}. If you trust the source of this config: trust=true")


def _build(value: Any, key: str, callees: dict[int, Any]) -> Any:
    if isinstance(value, list):
        return [_build(item, f"{key}[{index}]", callees) for index, item in enumerate(value)]
    if not isinstance(value, dict):
        return value
    built = {name: _build(item, _child(key, name), callees) for name, item in value.items()}
    if id(value) not in callees:
        return built
    callee, target, positional = callees[id(value)], built.pop("_target_"), built.pop("_args_", [])
    if built.pop("_partial_", False):
        return functools.partial(callee, *positional, **built)
    try:
        return callee(*positional, **built)
    except (ValueError, TypeError) as error:
        raise ConfigError([f"{key or target}: {error}"]) from error
    except Exception as error:
        error.add_note(f"while building {key or 'the config'} ({target})")
        raise


def _child(key: str, name: Any) -> str:
    return f"{key}.{name}" if key else str(name)

"""Build a config's parts without their memory, to hear at once what their constructors refuse."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Sequence
from typing import Any

from omegaconf import DictConfig

from gan_lightning.config.check import resolved
from gan_lightning.config.errors import ConfigError
from gan_lightning.config.locate import locate
from gan_lightning.config.signature import is_special

_FAILED: Any = object()


def dry_build(cfg: DictConfig, *, nodes: Sequence[str] = ("data", "model", "evaluator")) -> dict[str, Any]:
    """Build each part bottom-up on torch's meta device, collecting what constructors refuse.

    A node whose child failed is not tried. The signature check (``check_config``) comes first.

    Args:
        cfg: the composed config.
        nodes: root keys to build; keys that are absent or empty are passed over.

    Returns:
        What was built, by root key; what cannot be rehearsed is missing.

    Raises:
        ConfigError: one message for each different text, naming all the keys it came from.
    """
    import torch

    problems: list[str] = []
    values = resolved(cfg, problems)
    if problems:
        raise ConfigError(problems)
    refusals: dict[str, list[str]] = {}
    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]), torch.device("meta"):
        warnings.simplefilter("ignore")  # loading weights into parameters without memory warns
        parts = {name: _try_build(values.get(name), name, refusals) for name in nodes}
    if refusals:
        raise ConfigError([f"{', '.join(keys)}: {text}" for text, keys in refusals.items()])
    return {name: part for name, part in parts.items() if part is not _FAILED}


def _try_build(value: Any, key: str, refusals: dict[str, list[str]]) -> Any:
    if isinstance(value, list):
        items = [_try_build(item, f"{key}[{index}]", refusals) for index, item in enumerate(value)]
        return _FAILED if any(item is _FAILED for item in items) else items
    if not isinstance(value, dict):
        return value
    built = {name: _try_build(item, f"{key}.{name}", refusals) for name, item in value.items()}
    if any(item is _FAILED for item in built.values()):
        return _FAILED
    return _try_call(built, key, refusals) if "_target_" in built else built


def _try_call(built: dict[str, Any], key: str, refusals: dict[str, list[str]]) -> Any:
    callee = locate(built["_target_"])
    positional = built.get("_args_", [])
    named = {name: item for name, item in built.items() if not is_special(name)}
    if built.get("_partial_", False):
        return functools.partial(callee, *positional, **named)
    try:
        return callee(*positional, **named)
    except (ValueError, TypeError, OSError) as error:
        # "can't convert meta device type tensor to numpy": true of this rehearsal only, not of the config.
        if not (isinstance(error, TypeError) and "meta device" in str(error)):
            refusals.setdefault(str(error), []).append(key)
        return _FAILED
    except RuntimeError:  # a constructor that reads numbers back cannot be rehearsed; building it for real will tell
        return _FAILED
    except Exception as error:
        error.add_note(f"while building {key} ({built['_target_']})")
        raise

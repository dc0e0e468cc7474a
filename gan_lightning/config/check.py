"""Check a whole config before anything of it is built, and report all that is wrong at once."""

from __future__ import annotations

from dataclasses import is_dataclass
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from gan_lightning.config.errors import ConfigError, allowed_keys
from gan_lightning.config.hints import UNRESOLVED
from gan_lightning.config.schema import Budget, TrainConfig, budget_problem, root_keys
from gan_lightning.config.signature import node_problems

MAX_DEPTH = 40
"""Deeper than any config is meant to be: interpolations go round in a circle."""


def check_config(cfg: DictConfig) -> None:
    """Check interpolations, missing values, the root's rules, and every ``_target_`` node's arguments and types.

    Args:
        cfg: the composed config; it is not changed.

    Raises:
        ConfigError: with one message for each problem.
    """
    problems: list[str] = []
    values = resolved(cfg, problems)
    problems += root_problems(OmegaConf.get_type(cfg), values)
    _check_nodes(values, "", problems)
    if problems:
        raise ConfigError(problems)


def resolved(cfg: DictConfig | ListConfig, problems: list[str], key: str = "", depth: int = 0) -> Any:
    """Return ``cfg`` as plain dicts and lists; what cannot be resolved is reported and becomes ``UNRESOLVED``.

    Hydra's own settings, under the root key ``hydra``, are left out: some of them have no value outside a job.
    """
    if depth > MAX_DEPTH:
        problems.append(f"{key}: nested more than {MAX_DEPTH} deep; its interpolations go round in a circle")
        return UNRESOLVED
    is_list = isinstance(cfg, ListConfig)
    names: list[Any] = list(range(len(cfg))) if is_list else [name for name in cfg if key or name != "hydra"]
    values = {}
    for name in names:
        child = f"{key}[{name}]" if is_list else f"{key}.{name}" if key else str(name)
        values[name] = _resolved_child(cfg, name, child, problems, depth)
    return list(values.values()) if is_list else values


def _resolved_child(cfg: Any, name: Any, key: str, problems: list[str], depth: int) -> Any:
    try:
        if OmegaConf.is_missing(cfg, name):
            problems.append(f"{key} = ???: a value must be given, {key}=...")
            return UNRESOLVED
        value = cfg[name]
    except OmegaConfBaseException as error:
        raw = OmegaConf.to_container(cfg, resolve=False)
        written = raw[name] if isinstance(raw, list | dict) else "?"
        problems.append(f"{key} = {written!r}: cannot be resolved: {str(error).splitlines()[0]}")
        return UNRESOLVED
    if isinstance(value, DictConfig | ListConfig):
        return resolved(value, problems, key, depth + 1)
    return value


def root_problems(schema: type | None, values: dict[Any, Any]) -> list[str]:
    """Return what breaks the rules of the root; an empty list for a config without a schema.

    The schema itself refuses unknown keys and wrong types when a file names them, but not on the command line,
    where a ``+`` before the key lets anything in.
    """
    if not (isinstance(schema, type) and is_dataclass(schema)):
        return []
    problems = _unknown_keys(schema, values, "")
    for key in ("batch_size", "n"):
        if isinstance(values.get(key), int) and values[key] < 1:
            problems.append(f"{key} = {values[key]}: must be at least 1")
    if isinstance(values.get("seed"), int) and not 0 <= values["seed"] < 2**32:
        problems.append(f"seed = {values['seed']}: must be from 0 to 2**32 - 1")
    if schema is TrainConfig:
        budget = values["budget"]
        problems += _unknown_keys(Budget, budget, "budget.")
        if UNRESOLVED not in budget.values() and (problem := budget_problem(budget)) is not None:
            problems.append(problem)
        for key in ("data", "model"):
            if isinstance(values[key], dict) and "_target_" not in values[key]:
                problems.append(f"{key}: nothing is chosen, or it has no _target_; choose with {key}=<name>")
    return problems


def _unknown_keys(schema: type, values: dict[Any, Any], prefix: str) -> list[str]:
    allowed = root_keys(schema)
    return [f"{prefix}{key}: no such key{allowed_keys(str(key), allowed)}" for key in values if key not in allowed]


def _check_nodes(value: Any, key: str, problems: list[str]) -> None:
    if isinstance(value, list):
        for index, item in enumerate(value):
            _check_nodes(item, f"{key}[{index}]", problems)
    elif isinstance(value, dict):
        if value.get("_target_", UNRESOLVED) is not UNRESOLVED:
            problems += node_problems(value, key)
        for name, item in value.items():
            _check_nodes(item, f"{key}.{name}" if key else str(name), problems)

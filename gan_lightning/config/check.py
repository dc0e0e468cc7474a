"""Check a whole config before anything of it is built, and report all that is wrong at once."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import is_dataclass
from types import MappingProxyType
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from gan_lightning.config.errors import ConfigError, allowed_keys
from gan_lightning.config.expected import expected_problems
from gan_lightning.config.hints import UNRESOLVED, describe, fits
from gan_lightning.config.limits import MAX_DEPTH, MAX_NODES, TOO_MANY
from gan_lightning.config.own_metrics import with_own_metrics
from gan_lightning.config.schema import Budget, InitFrom, TrainConfig, budget_problem, init_from_problems, root_keys
from gan_lightning.config.signature import join, node_problems, shown
from gan_lightning.core.hydra_internals import unresolved_value

_REFERENCE = re.compile(r"\$\{(\w[\w.\[\]]*)\}")  # a key from the root, and nothing around it


def check_config(cfg: DictConfig, *, kinds: Mapping[str, Any] = MappingProxyType({})) -> dict[str, Any]:
    """Check interpolations, missing values, the root's rules, and every ``_target_`` node's arguments and types.

    Args:
        cfg: the composed config; it is not changed.
        kinds: root key to the annotation that what its node makes must fit; of each named node for a key with ``.*``.

    Returns:
        The config as plain dicts and lists, resolved, without Hydra's own settings.

    Raises:
        ConfigError: with one message for each problem.
    """
    values, problems = inspect_config(cfg, kinds=kinds)
    if problems:
        raise ConfigError(problems)
    return values


def inspect_config(
    cfg: DictConfig, *, kinds: Mapping[str, Any] = MappingProxyType({})
) -> tuple[dict[str, Any], list[str]]:
    """Return what ``check_config`` returns and all that is wrong with it.

    A value that could not be resolved is ``UNRESOLVED``; the messages about these come first.
    """
    problems: list[str] = []
    resolution = _Resolution(problems)
    values: dict[str, Any] = resolution.resolve(with_own_metrics(cfg), "", 0)
    problems += root_problems(OmegaConf.get_type(cfg), values)
    problems += _kind_problems(values, kinds)
    _check_nodes(values, "", problems, resolution.sources)
    return values, problems


class _Resolution:
    """One walk over a config that resolves it, and notes what cannot be resolved, which becomes ``UNRESOLVED``.

    It also notes which keys copy the value of another.

    Hydra's own settings, under the root key ``hydra``, are left out: some of them have no value outside a job.
    """

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        self.sources: dict[str, str] = {}
        self.nodes = 0

    def resolve(self, cfg: DictConfig | ListConfig, key: str, depth: int) -> Any:
        if depth > MAX_DEPTH:
            self.problems.append(f"{key}: nested more than {MAX_DEPTH} deep; its interpolations go round in a circle")
            return UNRESOLVED
        if isinstance(cfg, ListConfig):
            return [self._child(cfg, index, f"{key}[{index}]", depth) for index in range(len(cfg))]
        names = [name for name in cfg if key or name != "hydra"]
        return {name: self._child(cfg, name, join(key, name), depth) for name in names}

    def _child(self, cfg: Any, name: Any, key: str, depth: int) -> Any:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            if self.nodes == MAX_NODES + 1:
                self.problems.append(f"{key}: {TOO_MANY}")
            return UNRESOLVED
        try:
            if OmegaConf.is_missing(cfg, name):
                self.problems.append(f"{key} = ???: a value must be given, {key}=...")
                return UNRESOLVED
            value = cfg[name]
        except OmegaConfBaseException as error:
            raw = OmegaConf.to_container(cfg, resolve=False)
            written = raw[name] if isinstance(raw, list | dict) else "?"
            self.problems.append(f"{key} = {written!r}: cannot be resolved: {str(error).splitlines()[0]}")
            return UNRESOLVED
        if isinstance(value, DictConfig | ListConfig):
            return self.resolve(value, key, depth + 1)
        if OmegaConf.is_interpolation(cfg, name) and (copied := _REFERENCE.fullmatch(unresolved_value(cfg, name))):
            self.sources[key] = copied[1]
        if (problem := scalar_problem(value)) is not None:
            self.problems.append(f"{key} = {value!r}: {problem}")
            return UNRESOLVED
        return value


def scalar_problem(value: Any) -> str | None:
    """Say why no part of a config may have this value, which the libraries below would choke on; None if it may."""
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return "must fit into 64 bits"
    if isinstance(value, float) and math.isnan(value):
        return "must be a number"
    if isinstance(value, str) and "\0" in value:
        return "must not contain a null character"
    if isinstance(value, str) and any("\ud800" <= character <= "\udfff" for character in value):
        return "must be text in UTF-8"
    return None


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
        init_from = values["init_from"]
        problems += _unknown_keys(InitFrom, init_from, "init_from.")
        if UNRESOLVED not in init_from.values():
            problems += init_from_problems(init_from)
        if values["overwrite"] is True and isinstance(values["resume"], str):
            problems.append(
                f"overwrite = true, resume = {values['resume']}: one starts over, the other resumes; give one of them"
            )
        problems += [problem for key in ("data", "model") for problem in _unchosen(key, values[key])]
        problems += expected_problems(values["expected"])
    return problems


def _unchosen(key: str, value: Any) -> list[str]:
    if not isinstance(value, dict) or "_target_" in value:
        return []
    return [f"{key}: nothing is chosen, or it has no _target_; choose with {key}=<name>"]


def _unknown_keys(schema: type, values: dict[Any, Any], prefix: str) -> list[str]:
    allowed = root_keys(schema)
    return [f"{prefix}{key}: no such key{allowed_keys(key, allowed)}" for key in values if key not in allowed]


def _kind_problems(values: dict[str, Any], kinds: Mapping[str, Any]) -> list[str]:
    problems = []
    for pattern, kind in kinds.items():
        key = pattern.removesuffix(".*")
        value = values.get(key)
        if key != pattern:
            nodes = {join(key, name): node for name, node in value.items()} if isinstance(value, dict) else {}
        elif unchosen := _unchosen(key, value):
            problems += unchosen
            continue
        else:
            nodes = {key: value}
        problems += [
            f"{where} = {shown(node)}: expected {describe(kind)}"
            for where, node in nodes.items()
            if node is not None and not fits(node, kind)
        ]
    return problems


def _check_nodes(value: Any, key: str, problems: list[str], sources: Mapping[str, str]) -> None:
    if isinstance(value, list):
        for index, item in enumerate(value):
            _check_nodes(item, f"{key}[{index}]", problems, sources)
    elif isinstance(value, dict):
        if value.get("_target_", UNRESOLVED) is not UNRESOLVED:
            problems += node_problems(value, key, sources)
        for name, item in value.items():
            _check_nodes(item, join(key, name), problems, sources)

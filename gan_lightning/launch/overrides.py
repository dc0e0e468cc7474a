"""What is wrong with each override of a command line, since Hydra stops at the first that is."""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Sequence

import hydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, Glob, Override, RangeSweep
from omegaconf import DictConfig, OmegaConf

from gan_lightning.config import COMPOSITION_ERRORS, ConfigError, composition_error, conf_dir
from gan_lightning.config.errors import allowed_keys
from gan_lightning.config.paths import config_folders
from gan_lightning.config.signature import argument_names
from gan_lightning.core.hydra_internals import unresolved_node
from gan_lightning.launch.command_line import quoted

COMPOSING: tuple[type[Exception], ...] = (*COMPOSITION_ERRORS, AssertionError, ValueError, TypeError, RecursionError)
"""What composing a config raises.

OmegaConf asserts that no key is set below null; Hydra trips over a group that is set to something other than text, a
file that is not UTF-8, and one whose defaults lead back to it.
"""

MOST_JOBS = 10_000


def override_errors(config_name: str, argv: Sequence[str], root_keys: Sequence[str]) -> list[str]:
    """Try the overrides one by one, group choices first, since they decide which keys there are.

    Args:
        config_name: name of the primary config.
        argv: the command line without the program's name.
        root_keys: the keys that the root schema allows.

    Returns:
        One message for each override that does not compose.
    """
    folders = [conf_dir(), *config_folders(argv)]
    context = [f"hydra.searchpath=[{','.join(quoted(f'file://{folder.resolve()}') for folder in folders[1:])}]"]
    messages = stray_words(argv, root_keys)
    choices: list[Override] = []
    values: list[Override] = []
    for text in (argument for argument in argv if "=" in argument and not argument.startswith("-")):
        try:
            override = OverridesParser.create().parse_override(text)
        except COMPOSITION_ERRORS as error:
            messages.append(f"{text}: cannot be read as KEY=VALUE, quotes may be missing: {str(error).splitlines()[0]}")
            continue
        group = override.key_or_group
        is_choice = "/" in group or any(os.path.isdir(folder / group) for folder in folders)
        (choices if is_choice else values).append(override)
    with hydra.initialize_config_dir(version_base="1.3", config_dir=str(conf_dir())):
        for override in choices:
            wrong = [
                message
                for line in single(override)
                if (message := _problem(config_name, [*context, line], root_keys, choice=True))
            ]
            messages += wrong
            if not wrong:
                context += single(override)[:1]
        messages += [
            f"{word}: other choices change parts of {word[1:]!r}, and there is none without it; leave {word} out"
            for word in argv
            if word.startswith("~")
            and any(os.path.isdir(folder / word[1:]) for folder in folders)  # also of a name that is too long
            and _problem(config_name, [*context, word], root_keys)
        ]
        known = len(messages) == 0
        try:
            cfg = hydra.compose(config_name, overrides=context)
        except COMPOSING:
            return messages
        for override in values:
            if not known and "." in override.key_or_group:
                continue  # the keys of a group that could not be chosen are not known
            unknown = unknown_key(override, cfg, root_keys)
            tried = (_problem(config_name, [*context, line], root_keys) for line in single(override))
            messages += [unknown] if unknown else [message for message in tried if message]
    return list(dict.fromkeys(messages))


def stray_words(argv: Sequence[str], root_keys: Sequence[str]) -> list[str]:
    """Say of each argument that is neither KEY=VALUE, nor a flag or its value, what it may have been meant for."""
    meant = next((key for key in ("ckpt", "runs") if key in root_keys), None)
    return [
        f"{word}: arguments have the form KEY=VALUE{f'; did you mean {meant}={word}?' if meant else ''}"
        for before, word in itertools.pairwise(["", *argv])
        if "=" not in word and not word.startswith(("-", "~")) and not before.startswith("-")
    ]


def single(override: Override) -> list[str]:
    """Return an override as it is, or each value of one that sweeps, where it lists them."""
    if not override.is_sweep_override():
        return [override.input_line or ""]
    if not override.is_discrete_sweep() or isinstance(override.value(), Glob) or sweep_size(override) > MOST_JOBS:
        return []
    return [f"{override.get_key_element()}={value}" for value in override.sweep_string_iterator()]


def sweep_size(override: Override) -> float:
    """Return how many values an override lists, perhaps without end; 1 if it does not list them."""
    value = override.value()
    if isinstance(value, RangeSweep):
        assert value.start is not None
        assert value.stop is not None
        count = (value.stop - value.start) / value.step if value.step else math.inf
        return math.inf if math.isnan(count) else max(0.0, count)
    return len(value.list) if isinstance(value, ChoiceSweep) else 1


def check_sweep(overrides: Sequence[Override]) -> None:
    """Refuse a sweep that never ends, or has more than ``MOST_JOBS`` jobs.

    Raises:
        ConfigError: naming its overrides.
    """
    sizes = {override.input_line or "": sweep_size(override) for override in overrides}
    if math.prod(sizes.values()) > MOST_JOBS:
        several = ", ".join(line for line, size in sizes.items() if size > 1)
        raise ConfigError([f"{several}: the sweep has more than {MOST_JOBS} jobs"])


def _problem(config_name: str, overrides: list[str], root_keys: Sequence[str], *, choice: bool = False) -> str | None:
    try:
        hydra.compose(config_name, overrides=overrides)
    except COMPOSITION_ERRORS as error:
        return "\n".join(composition_error(error, root_keys=root_keys).messages)
    except (ValueError, TypeError, RecursionError) as error:
        key, _, value = overrides[-1].partition("=")
        if not choice or not isinstance(OverridesParser.create().parse_override(overrides[-1]).value(), str):
            return f"{key} = {value}: must be the name of an option"
        endless = "it nests too deeply, or its defaults lead back to it"
        return f"{key} = {value}: its file cannot be used: {endless if isinstance(error, RecursionError) else error}"
    except AssertionError:
        return f"{overrides[-1]}: cannot be set"
    return None


def unknown_key(override: Override, cfg: DictConfig, root_keys: Sequence[str]) -> str | None:
    """Say that an override changes a key which is not there, and which there are; None if it is there.

    Args:
        override: an override with one value.
        cfg: composed without it.
        root_keys: the keys that the root schema allows.
    """
    key = override.key_or_group
    if override.is_add() or override.is_force_add() or override.is_delete() or key.startswith("hydra."):
        return None
    node: object = cfg
    *parents, last = key.split(".")
    for depth, name in enumerate(parents):
        if not isinstance(node, DictConfig) or name not in list(node):
            last = name
            parents = parents[:depth]
            break
        if OmegaConf.is_interpolation(node, name):
            source = OmegaConf.to_container(node, resolve=False)[name]  # type: ignore[index, call-overload]
            path, rest = ".".join(parents[: depth + 1]), ".".join(key.split(".")[depth + 1 :])
            return f"{key}: {path} is {source}; set {source.strip('${}')}.{rest} instead"
        if not OmegaConf.is_missing(node, name) and node[name] is None:
            path = ".".join(parents[: depth + 1])
            return f"{key}: {path} is null, so it has no {last!r}; choose one with {path}=<name>"
        node = None if OmegaConf.is_missing(node, name) else unresolved_node(node, name)
    if not isinstance(node, DictConfig) or last in list(node):
        return None
    value = (override.input_line or "").partition("=")[2]
    if len(parents) == key.count(".") and last in argument_names(node.get("_target_")):
        return f"{key} = {value}: the config does not set it yet; +{key}={value} does"
    allowed = [str(name) for name in node] if parents else list(root_keys)
    where = f"under {'.'.join(parents)}" if parents else "at the root of the config"
    added = f"; +{key}=... would add it" if parents else ""
    return f"{key} = {value}: no such key {where}{allowed_keys(last, allowed)}{added}"

"""What the user typed, and what Hydra is given instead: literal paths, one budget, a former run's overrides."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException

from gan_lightning.config import Budget
from gan_lightning.core.errors import InputError
from gan_lightning.core.side_files import SideFileError
from gan_lightning.core.terminal import shell_quoted
from gan_lightning.launch.hydra_files import read_overrides
from gan_lightning.runs.folder import RunFolder

PATHS = frozenset(
    {
        "ckpt",
        "generated",
        "hydra.run.dir",
        "hydra.sweep.dir",
        "init_from.names",
        "init_from.path",
        "mode.source",
        "out",
        "output_dir",
        "paths.cache",
        "paths.data",
        "paths.runs",
        "real",
        "resume",
        "runs",
    }
)
"""Keys whose values are paths, which may hold any character that a file name can."""

_PATHS_BELOW = re.compile(
    r"(data|evaluator)(\.\w+)*\.(path|root|download_dir|cache_dir|heldout|labels|heldout_labels|weights_path)"
)
"""Further ones, at any depth: pairs and domains hold other data, and an evaluator its extractor."""

BUDGETS = frozenset(f"budget.{entry.name}" for entry in fields(Budget))

WITH_VALUE = frozenset(
    {"--cfg", "-c", "--config-dir", "-cd", "--config-name", "-cn", "--config-path", "-cp", "--package", "-p"}
)
"""Flags of Hydra that take the next word as their value."""

NOT_CONTINUED = ("cluster", "output_dir", "overwrite", "sweep")
"""Overrides of the former start that mean nothing to a run that is continued, alone and in its folder."""


def quoted(value: str) -> str:
    """Quote a value for Hydra's override grammar and for OmegaConf, which would interpolate ``${...}``.

    A backslash is an escape only where it stands before a quote, the end or an interpolation.
    """
    escaped = re.sub(r"(\\*)\$\{", lambda found: found[1] * 2 + "\\${", value)
    escaped = re.sub(r"(\\*)'", lambda found: found[1] * 2 + "\\'", escaped)
    escaped = re.sub(r"\\+\Z", lambda found: found[0] * 2, escaped)
    return f"'{escaped}'"


def for_hydra(argv: Sequence[str]) -> list[str]:
    """Return the command line that Hydra is to read: paths are taken as typed, and the budget that was typed holds.

    ``init_from=PATH`` becomes ``init_from.path=PATH``.

    Applying it twice changes nothing more, since Lightning starts other processes with what it finds in ``sys.argv``.

    Args:
        argv: the command line without the program's name.
    """
    arguments = [_with_literal_path(_spelled_out(argument)) for argument in _side_by_side(argv)]
    last = max((place for place, argument in enumerate(arguments) if key_of(argument) in BUDGETS), default=0)
    return _behind(arguments, last, _other_budgets_off(arguments))


def continued_run(argv: Sequence[str]) -> list[str]:
    """Expand ``resume=<run folder>`` to that run's own overrides and folder; what is given besides wins over them.

    Args:
        argv: the command line without the program's name.
    """
    place = next((place for place, word in enumerate(argv) if key_of(word) == "resume" and "=" in word), None)
    folder = None if place is None else run_folder_of(Path(typed_path(argv[place])))
    if place is None or folder is None or any(key_of(argument) == "hydra.run.dir" for argument in argv):
        return list(argv)
    given = {_subject(argument) for argument in argv}
    former = [override for override in stored_overrides(folder) if _subject(override) not in given]
    former = [override for override in former if key_of(override) not in NOT_CONTINUED]
    here = [f"resume={quoted(str(folder))}", f"hydra.run.dir={quoted(str(folder))}"]
    others = [argument for argument in argv[place + 1 :] if key_of(argument) != "resume"]
    return [*argv[:place], *former, *_behind(others, 0, here)]


def _side_by_side(argv: Sequence[str]) -> list[str]:
    """Move overrides to the first one: Hydra does not understand those behind a flag that stands between them."""
    before = ["", *argv]
    places = [
        place
        for place, word in enumerate(argv)
        if before[place] not in WITH_VALUE and not word.startswith("-") and ("=" in word or word.startswith("~"))
    ]
    if not places:
        return list(argv)
    others = [word for place, word in enumerate(argv) if place > places[0] and place not in places]
    return [*argv[: places[0]], *(argv[place] for place in places), *others]


def _behind(arguments: Sequence[str], place: int, new: Sequence[str]) -> list[str]:
    """Insert overrides behind a place, before the next flag: Hydra wants overrides side by side."""
    flags = (number for number, word in enumerate(arguments) if number >= place and word.startswith("-"))
    end = next(flags, len(arguments))
    return [*arguments[:end], *new, *arguments[end:]]


def run_folder_of(path: Path) -> Path | None:
    """Return the run folder that a path means: itself or its folder of checkpoints; None if it is neither."""
    for run in (RunFolder(path), RunFolder(path.parent)):
        if os.path.isdir(path) and run.checkpoints.is_dir() and path in (run.path, run.checkpoints):
            return run.path
    return None


def stored_overrides(folder: Path) -> list[str]:
    """Return the overrides that a run was started with.

    Raises:
        InputError: if they cannot be read, naming the file.
    """
    try:
        return read_overrides(folder)
    except FileNotFoundError:
        return []
    except SideFileError as error:
        raise InputError(
            f"resume = {folder}: {error}; repeat the run's overrides with hydra.run.dir={shell_quoted(str(folder))} "
            "resume=auto"
        ) from error


def key_of(argument: str) -> str:
    """Return the key of an override, without the signs that add or delete it."""
    return argument.partition("=")[0].lstrip("+~")


def typed_path(argument: str) -> str:
    """Return the path that ``KEY=PATH`` names, whether it is quoted or not; a leading ``~`` is the home folder."""
    value = argument.partition("=")[2]
    if value[:1] in ("'", '"') and not os.path.exists(value):
        if (read := _parsed(argument)) is not None:
            return read
        if value[-1] == value[0] and os.path.exists(value[1:-1]):
            return value[
                1:-1
            ]  # Lightning quotes the run's folder for the processes that it starts, and escapes nothing
    return os.path.expanduser(value)


def _spelled_out(argument: str) -> str:
    """Name the key that ``init_from=PATH`` sets; a whole node, ``init_from={path: PATH}``, stays as it is."""
    head, equals, value = argument.partition("=")
    whole_node = value.startswith("{") and not os.path.exists(value)
    return f"{head}.path={value}" if equals and key_of(argument) == "init_from" and not whole_node else argument


def _with_literal_path(argument: str) -> str:
    """Quote the value of a path's key where Hydra would read it as something else than a string.

    A list, a quoted string, an interpolation, and several values of a sweep stay as they are, unless a file of that
    very name exists, or a folder in which it would lie.
    """
    head, equals, value = argument.partition("=")
    if not equals or not _is_path(key_of(argument)) or not value or (value == "null" and not os.path.lexists(value)):
        return argument
    path = typed_path(argument)
    literal = _lies_somewhere(path)
    structured = value.startswith(("'", '"', "[", "${")) or "," in value
    if structured and not literal:
        means_it = _parses(argument)
    else:
        means_it = _parsed(argument) == path and not (literal and "${" in path)
    if not means_it and not literal and value[0] == "[" and all(map(_lies_somewhere, listed := value[1:-1].split(","))):
        return f"{head}=[{','.join(map(quoted, listed))}]"
    return argument if means_it else f"{head}={quoted(path)}"


def _lies_somewhere(path: str) -> bool:
    """Say whether a path, or the folder above it that has all its odd characters, exists."""
    there = next(place for place in (path, *map(str, Path(path).parents), ".") if os.path.exists(place))
    odd = ("," in path[len(there) :]) or ("${" in path[len(there) :])
    return there == path or (there != "." and not odd)


def _is_path(key: str) -> bool:
    return key in PATHS or _PATHS_BELOW.fullmatch(key) is not None


def _parses(argument: str) -> bool:
    return _read(argument, lambda override: True) is True


def _parsed(argument: str) -> str | None:
    """Return the string that Hydra reads as an override's value; None if it reads another type, or nothing."""
    value = _read(argument, lambda override: None if override.is_sweep_override() else override.value())
    return value if isinstance(value, str) else str(value) if value.__class__.__name__ == "QuotedString" else None


def _read(argument: str, look: Callable[..., object]) -> object:
    try:
        return look(OverridesParser.create().parse_override(argument))
    except HydraException:
        return None


def _subject(override: str) -> str:
    """Return the key an override sets; the three budget keys count as one, since they exclude each other."""
    key = key_of(override)
    return "budget" if key in BUDGETS else key


def _other_budgets_off(arguments: Sequence[str]) -> list[str]:
    """Return overrides that remove the config's budget in other units, if one was typed."""
    given = {key_of(argument) for argument in arguments if not argument.startswith("~")} & BUDGETS
    return [f"{unit}=null" for unit in sorted(BUDGETS) if given and unit not in given]

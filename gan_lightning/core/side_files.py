"""Small files beside a run or in a cache: read within limits, and moved aside where they are damaged.

``read_json``, ``read_json_lines``, ``read_yaml`` and ``read_text`` are strict: they raise ``SideFileError``, which
names the file. They suit files that another run wrote. ``read_or_move_aside`` suits a program's own files: it never
fails.
"""

from __future__ import annotations

import json
import logging
import os
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import yaml

from gan_lightning.core.atomic import write_atomic

log = logging.getLogger(__name__)

T = TypeVar("T")

MOST_JSON_BYTES = 16 * 2**20
MOST_YAML_BYTES = 2**20
MOST_TEXT_BYTES = 2**16
MOST_DEPTH = 64
"""Levels of nesting; a configuration or a record has about ten."""
MOST_YAML_EVENTS = 100_000
"""Scalars, and beginnings and ends of lists and mappings; a configuration has about a thousand."""

_YAML_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast where libyaml is there
_CONTENT_ERRORS = (OSError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError, yaml.YAMLError)


class SideFileError(ValueError):
    """A file that cannot be used; the message begins with its path and says what is wrong with it."""


def read_or_move_aside(path: Path, read: Callable[[Path], T], *, consequence: str) -> T | None:
    """Return ``read(path)``; move a damaged file aside, warn, and return None.

    Call it only where this process owns the file, that is, under the lock of the run's or the cache's folder::

        segments = read_or_move_aside(
            folder / "segments.json", lambda path: read_json(path)["segments"], consequence="they are uploaded again"
        )

    A file is damaged if ``read`` raises what unexpected content raises (``OSError``, ``ValueError``, ``TypeError``,
    ``KeyError``, ``IndexError``, ``AttributeError``), so ``read`` may take the content apart without checks of its own.
    The damaged file, or the folder in its place, is kept beside it as ``NAME.damaged``, or with a number if that
    exists.

    Args:
        path: the file; if it does not exist, the result is None without a warning.
        read: reads it, for example ``read_json``.
        consequence: what the program does without the file, which ends the warning.
    """
    try:
        return read(path)
    except FileNotFoundError:
        return None
    except _CONTENT_ERRORS as error:
        move_aside(path, complaint=_complaint(path, error), consequence=consequence)
        return None


def move_aside(path: Path, *, complaint: str, consequence: str) -> None:
    """Rename a damaged file, or a folder in its place, to ``NAME.damaged`` and warn.

    Args:
        path: the file.
        complaint: sentence that names the file and says what is wrong with it.
        consequence: what the program does without it.
    """
    aside = path.with_name(f"{path.name}.damaged")
    number = 2
    while os.path.lexists(aside):
        aside = path.with_name(f"{path.name}.damaged.{number}")
        number += 1
    try:
        path.rename(aside)
    except FileNotFoundError:  # another process was faster
        return
    except OSError as error:
        log.warning("%s; it cannot be renamed (%s); %s", complaint, error, consequence)
    else:
        log.warning("%s; it was renamed to %s; %s", complaint, aside.name, consequence)


def write_side_file(path: Path, content: str) -> None:
    """Write a file that a program owns, whole or not at all; a folder in its place is moved aside.

    Raises:
        OSError: if it cannot be written.
    """
    if path.is_dir():
        move_aside(path, complaint=f"{path} is a folder", consequence="it is written again")
    write_atomic(path, content)


def read_json(path: Path, *, kind: type = dict, most_bytes: int = MOST_JSON_BYTES) -> Any:
    """Read a JSON file.

    Args:
        path: the file.
        kind: type of the outermost value.
        most_bytes: size from which the file is refused.

    Raises:
        FileNotFoundError: if there is no such file.
        SideFileError: if it is not a readable file of JSON of this kind, is too large, nests too deeply, or holds a
            number that is not finite.
    """
    content = read_bytes(path, most_bytes)
    try:
        return _of_kind(parse_json(content), kind)
    except ValueError as error:
        raise SideFileError(f"{path} is damaged: {error}") from error


def read_json_lines(
    path: Path, *, most_bytes: int | None = MOST_JSON_BYTES
) -> Iterator[tuple[int, dict[str, Any] | ValueError]]:
    """Yield the number of each line, from 1, and its JSON object, or the error that says what is wrong with it.

    What follows the last newline was torn off when its writer was killed, and is left out.

    Args:
        path: the file.
        most_bytes: size from which the file is refused; None: none.

    Raises:
        FileNotFoundError: if there is no such file.
        SideFileError: if it cannot be read or is too large.
    """
    for number, line in enumerate(read_bytes(path, most_bytes, empty=True).split(b"\n")[:-1], start=1):
        try:
            row: dict[str, Any] = _of_kind(parse_json(line), dict)
        except ValueError as error:
            yield number, error
        else:
            yield number, row


def read_yaml(path: Path, *, kind: type = dict, most_bytes: int = MOST_YAML_BYTES) -> Any:
    """Read a YAML file that a program wrote.

    Args:
        path: the file.
        kind: type of the outermost value.
        most_bytes: size from which the file is refused.

    Raises:
        FileNotFoundError: if there is no such file.
        SideFileError: if it is not a readable file of plain YAML of this kind, is too large, nests too deeply, has an
            alias (a few lines of nested aliases describe billions of values).
    """
    content = read_bytes(path, most_bytes)
    try:
        _check_yaml(content)
        return _of_kind(yaml.load(content, Loader=_YAML_LOADER), kind)
    except (ValueError, yaml.YAMLError) as error:
        raise SideFileError(f"{path} is damaged: {' '.join(str(error).split())}") from error


def read_text(path: Path, *, most_bytes: int = MOST_TEXT_BYTES) -> str:
    """Read a text file without the white space around its content.

    Args:
        path: the file.
        most_bytes: size from which the file is refused.

    Raises:
        FileNotFoundError: if there is no such file.
        SideFileError: if it is not a readable file of text.
    """
    try:
        return read_bytes(path, most_bytes).decode().strip()
    except UnicodeDecodeError as error:
        raise SideFileError(f"{path} is damaged: it is not text: {error}") from error


def parse_json(content: bytes | str) -> Any:
    """Parse JSON.

    Raises:
        ValueError: if it is not JSON, nests too deeply, or holds a number that is not finite.
    """
    try:
        value = json.loads(content, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError(f"it is nested more than {MOST_DEPTH} levels deep") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"it is not text: {error}") from error
    except json.JSONDecodeError as error:
        raise ValueError(f"it is not JSON: {error}") from error
    _check_limits(value)
    return json.loads(written_as_text(json.dumps(value, ensure_ascii=False))) if _may_hold_halves(content) else value


def written_as_text(text: str) -> str:
    """Return text that can be written in UTF-8: a half of a surrogate pair becomes a question mark.

    JSON can hold halves, and so can the name of a file whose bytes are not UTF-8.
    """
    return text.encode("utf-8", "replace").decode("utf-8")


def _may_hold_halves(content: bytes | str) -> bool:
    return (b"\\ud" if isinstance(content, bytes) else "\\ud") in content.lower()  # type: ignore[operator]


def _check_yaml(content: bytes) -> None:
    """Refuse aliases, deep nesting and too many nodes as they are met, before they cost anything."""
    depth = 0
    for number, event in enumerate(yaml.parse(content, Loader=_YAML_LOADER)):
        if isinstance(event, yaml.AliasEvent):
            raise ValueError(f"it has an alias (*{event.anchor}), which is not read")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MOST_DEPTH:
            raise ValueError(f"it is nested more than {MOST_DEPTH} levels deep")
        if number > MOST_YAML_EVENTS:
            raise ValueError(f"it has more than {MOST_YAML_EVENTS} values")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"it holds the number {name}, which JSON does not have")


def _check_limits(value: Any) -> None:
    """Refuse deep nesting and numbers that no float can hold, level by level."""
    level, depth = [value], 0
    while containers := [node for node in level if isinstance(node, (dict, list))]:
        depth += 1
        if depth > MOST_DEPTH:
            raise ValueError(f"it is nested more than {MOST_DEPTH} levels deep")
        level = []
        for container in containers:
            children = list(container.values() if isinstance(container, dict) else container)
            numbers = [child for child in children if isinstance(child, (int, float))]
            if numbers and not (-sys.float_info.max <= min(numbers) and max(numbers) <= sys.float_info.max):
                raise ValueError("it holds a number that is not finite")
            if len(numbers) < len(children):
                level += children


def _of_kind(value: Any, kind: type) -> Any:
    if not isinstance(value, kind):
        raise ValueError(f"its outermost value is a {type(value).__name__}, not a {kind.__name__}")
    return value


def read_bytes(path: Path, most: int | None, *, empty: bool = False) -> bytes:
    """Read a regular file of at most ``most`` bytes; a pipe or a device would never end.

    Raises:
        FileNotFoundError: if there is no such file.
        SideFileError: if it is of another kind, larger, cannot be read or, unless ``empty``, is empty.
    """
    try:
        facts = path.stat()
        if stat.S_ISDIR(facts.st_mode):
            raise SideFileError(f"{path} is a folder")
        if not stat.S_ISREG(facts.st_mode):
            raise SideFileError(f"{path} is not a regular file")
        with path.open("rb") as file:
            content = file.read() if most is None else file.read(most + 1)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise SideFileError(f"{path} cannot be read: {error.strerror or error}") from error
    if most is not None and len(content) > most:
        raise SideFileError(f"{path} has more than {most} bytes")
    if not content and not empty:
        raise SideFileError(f"{path} is damaged: it is empty")
    return content


def _complaint(path: Path, error: Exception) -> str:
    if str(error).startswith(f"{path} "):
        return str(error)
    if isinstance(error, KeyError):
        return f"{path} is damaged: it has no {error}"
    return f"{path} is damaged: {' '.join(f'{type(error).__name__}: {error}'.split())}"

"""Kill a writer at each of its steps, in processes of their own."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from typing import Any

import torch

from gan_lightning.core import container

_STEPS: list[tuple[Any, str]] = [
    *((os, name) for name in ("open", "close", "fsync", "rename", "replace", "unlink", "link")),
    *((container, name) for name in ("_digest", "_check_limits")),
    (torch, "save"),
]


def kills(prepare: Callable[[], object], write: Callable[[], object]) -> Iterator[str]:
    """Kill ``write`` before its first step, before its second, and so on, each time after ``prepare``.

    Yields:
        The name of the step that was not made, with the file system as the killed process left it.
    """
    for number in itertools.count():
        prepare()
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            _write_and_die(write, number, writing)
        os.close(writing)
        with os.fdopen(reading) as pipe:
            step = pipe.read()
        _, status = os.waitpid(child, 0)
        if os.waitstatus_to_exitcode(status) == 0:
            return
        assert step, "the writer failed by itself"
        yield step


def _write_and_die(write: Callable[[], object], number: int, pipe: int) -> None:
    remaining = number
    write_bytes = os.write

    def killing(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def step(*arguments: Any, **options: Any) -> Any:
            nonlocal remaining
            if remaining == 0:
                write_bytes(pipe, name.encode())
                os._exit(9)
            remaining -= 1
            return function(*arguments, **options)

        return step

    try:
        for module, name in _STEPS:
            setattr(module, name, killing(name, getattr(module, name)))
        write()
    except BaseException:
        os._exit(1)
    os._exit(0)

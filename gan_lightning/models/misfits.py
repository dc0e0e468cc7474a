"""Why a state dict does not fit a model, in a sentence: torch's own message has a line for each tensor."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from torch import Tensor

from gan_lightning.core.checkpoint import CheckpointError

LOADING_ERRORS = (RuntimeError, ValueError, TypeError, AttributeError, LookupError, ArithmeticError)
"""What ``load_state_dict`` of torch's modules and optimizers raises where a state is not one of theirs."""

_NAMED = 5


class MisfitError(RuntimeError):
    """A state dict is of another model; the message names the first entries that do not fit."""


@contextmanager
def weights_of(source: str | os.PathLike[str]) -> Iterator[None]:
    """Name the file whose weights are loaded in this block if they do not fit.

    Raises:
        CheckpointError: if they do not.
    """
    try:
        yield
    except MisfitError as error:
        raise CheckpointError(f"{source}: its weights do not fit the model it describes: {error}") from error


def other_entries(here: Mapping[str, Any], there: Mapping[Any, Any]) -> list[str]:
    """Say which entries of a model's state dict another one lacks, has besides or has as something else.

    Shapes are not compared: some buffers take that of what is loaded.
    """
    wrong = [f"{name} is missing" for name in here if name not in there]
    wrong += [f"{name} is not one of its own" for name in there if name not in here]
    for name, value in here.items():
        if name in there and isinstance(value, Tensor) != isinstance(there[name], Tensor):
            wrong.append(f"{name} is a {type(there[name]).__name__}")
    return wrong


def other_shapes(here: Mapping[str, Any], there: Mapping[Any, Any]) -> list[str]:
    """Say which tensors of two state dicts have different shapes."""
    return [
        f"{name} is {tuple(there[name].shape)} there and {tuple(value.shape)} here"
        for name, value in here.items()
        if isinstance(value, Tensor) and isinstance(there.get(name), Tensor) and there[name].shape != value.shape
    ]


def first_of(wrong: Sequence[str]) -> str:
    """Return the first few of many complaints, and how many more there are."""
    more = f" and {len(wrong) - _NAMED} more" if len(wrong) > _NAMED else ""
    return f"{', '.join(wrong[:_NAMED])}{more}"


def reason_of(error: BaseException) -> str:
    """Return what an error says in one line; the text of a lookup's is only a key."""
    text = " ".join(str(error).split())
    return text if isinstance(error, RuntimeError | ValueError) else f"{type(error).__name__}: {text}"

"""Checkpoint files as a reader sees them: without pickle, and with the record of the run that wrote them."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from gan_lightning.core.container import ContainerError, NoDigestError, read_container
from gan_lightning.core.shared_model import WEIGHTS, read_shared
from gan_lightning.core.trainer_state import missing_entries, wrong_entry

FORMAT = 2
RECORD = "gan_lightning"
"""Key of a checkpoint under which a run describes itself: format, version, config, images seen.

Of a model that was trained without ``gan-train``, the config holds the model alone, and ``by_hand`` lists the keys of
the parts that it lacks.
"""

CONFIG_PARTS = ("model", "data", "evaluator", "budget")
"""Keys of a stored configuration that commands build parts from, and the key of its length."""


class CheckpointError(ValueError):
    """A checkpoint file is missing, damaged, or not of this package."""


def read_checkpoint(path: str | os.PathLike[str], *, mapped: bool = False) -> dict[str, Any]:
    """Verify a checkpoint of this package and load it onto the CPU, as plain containers and tensors only.

    What a Trainer without our plugin wrote holds our record, but no digest: damage to its numbers goes unnoticed. A
    file called ``model.safetensors`` is a shared model, whose record and digest are in ``config.json`` beside it.

    Args:
        path: the file.
        mapped: map tensors from the disk instead of reading them.

    Raises:
        CheckpointError: if there is no such file, it is damaged, or it is of another program or a newer format.
    """
    path = Path(path)
    try:
        if not path.is_file():
            raise CheckpointError(f"there is no checkpoint at {path}")
        checkpoint = _read(path, mapped=mapped)
    except FileNotFoundError as error:
        raise CheckpointError(f"there is no checkpoint at {path}") from error
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error}") from error
    except ContainerError as error:
        raise CheckpointError(str(error)) from error
    if not _is_ours(checkpoint):
        raise CheckpointError(f"{path} is a checkpoint of another program: it has no '{RECORD}' record")
    record = checkpoint[RECORD]
    if type(record.get("format")) is not int or record["format"] != FORMAT:  # a tensor can be compared with nothing
        raise CheckpointError(
            f"{path} has checkpoint format {record.get('format')}, this version of gan-lightning reads format {FORMAT}"
        )
    _check_record(record, path)
    if (name := next((key for key in checkpoint["state_dict"] if not isinstance(key, str)), None)) is not None:
        raise CheckpointError(f"{path} is damaged: its state_dict has a {type(name).__name__} for a name")
    if (wrong := wrong_entry(checkpoint)) is not None:
        raise CheckpointError(f"{path} is damaged: {wrong}")
    return checkpoint


def _read(path: Path, *, mapped: bool) -> Any:
    if path.name == WEIGHTS:
        return read_shared(path, key=RECORD)
    try:
        return read_container(path, mapped=mapped)
    except NoDigestError:
        content = read_container(path, mapped=mapped, digest=False)
        if not _is_ours(content):
            raise
        return content


def _is_ours(checkpoint: Any) -> bool:
    return (
        isinstance(checkpoint, dict)
        and isinstance(checkpoint.get(RECORD), dict)
        and isinstance(checkpoint.get("state_dict"), dict)
    )


def _check_record(record: dict[str, Any], path: Path) -> None:
    """Refuse a record whose values have types that no run writes.

    Raises:
        CheckpointError: naming the key.
    """
    config = record.get("config")
    parts = config if isinstance(config, dict) else {}
    expected = [
        ("images_seen", record.get("images_seen"), int),
        ("processes", record.get("processes", 1), int),
        ("config", config, dict | None),
        *((f"config.{name}", parts[name], dict | None) for name in CONFIG_PARTS if name in parts),
    ]
    for key, value, kind in expected:
        if not isinstance(value, kind):
            raise CheckpointError(f"{path} is damaged: its {RECORD}.{key} is a {type(value).__name__}")
    if record["images_seen"] < 0:
        raise CheckpointError(f"{path} is damaged: its {RECORD}.images_seen is {record['images_seen']}")
    data = record.get("data")
    if data is not None and not (
        isinstance(data, dict)
        and isinstance(data.get("dataset"), str)
        and isinstance(prints := data.get("fingerprints"), list)
        and all(isinstance(one, str) for one in prints)
    ):
        raise CheckpointError(f"{path} is damaged: its {RECORD}.data does not describe training data")
    if (foreign := _not_plain(config)) is not None:
        raise CheckpointError(f"{path} is damaged: its {RECORD}.config holds a {type(foreign).__name__}")
    by_hand = record.get("by_hand", [])
    if not isinstance(by_hand, list) or not all(isinstance(k, str) and k.startswith("model.") for k in by_hand):
        raise CheckpointError(f"{path} is damaged: its {RECORD}.by_hand is not a list of keys of a model")


def _not_plain(config: Any) -> Any:
    """Return a value of a configuration that a YAML file cannot hold, such as a tensor; None if there is none."""
    pending = [config]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            pending += [*value.keys(), *value.values()]
        elif isinstance(value, list):
            pending += value
        elif not isinstance(value, str | int | float | None):
            return value
    return None


def check_training_state(checkpoint: Mapping[str, Any], path: Path) -> None:
    """Refuse a checkpoint that lacks what a fit needs to continue.

    Args:
        checkpoint: as ``read_checkpoint`` returns it.
        path: the file.

    Raises:
        CheckpointError: naming all that is missing.
    """
    if missing := missing_entries(checkpoint):
        raise CheckpointError(f"{path}: it cannot be resumed: it has no {', '.join(missing)}")


def processes_problem(before: int | None, now: int) -> str | None:
    """Say why a run of ``before`` processes cannot be resumed with ``now``, or return None.

    Args:
        before: number of processes that wrote the checkpoint; None: it does not say.
        now: number of processes that would resume it.
    """
    if before is None or before == now:
        return None
    processes = "1 process" if before == 1 else f"{before} processes"
    return (
        f"the checkpoint was written by {processes} and cannot be resumed with {now}: each process draws its own "
        f"noise, dropout and augmentation, so the run would be another one; resume it with {processes}"
    )


def stored_config(checkpoint: dict[str, Any]) -> dict[str, Any]:
    """Return the configuration of the run that wrote ``checkpoint``, or of its model alone; it has a whole model.

    Raises:
        CheckpointError: if it has none, or lacks parts that were built by hand, which are named.
    """
    stored_model(checkpoint)
    config: dict[str, Any] = checkpoint[RECORD]["config"]
    return config


def stored_model(checkpoint: dict[str, Any], *, given: Collection[str] = ()) -> dict[str, Any]:
    """Return the configuration of the model of ``checkpoint``.

    Args:
        checkpoint: as ``read_checkpoint`` returns it.
        given: arguments of the model that need not be in there.

    Raises:
        CheckpointError: if it has none, or lacks other parts that were built by hand, which are named.
    """
    record = checkpoint[RECORD]
    node = (record["config"] or {}).get("model")
    if node is None:
        raise CheckpointError(
            "this checkpoint holds no configuration, since it was not written by gan-train; build the model in Python "
            "and load its state_dict"
        )
    missing = [key for key in record.get("by_hand", []) if argument_of(key) not in given]
    if missing:
        model = str(record.get("model")).rpartition(".")[2]
        arguments = ", ".join(f"{name}=..." for name in dict.fromkeys(map(argument_of, missing)))
        raise CheckpointError(
            f"this checkpoint lacks {', '.join(missing)}, which was built by hand; "
            f"{model}.load_from_checkpoint(path, {arguments}) takes it from you"
        )
    return node


def argument_of(key: str) -> str:
    """Return the argument of the model that the part of a dotted key, such as "model.loss", is or belongs to."""
    return re.split(r"[.\[]", key)[1]

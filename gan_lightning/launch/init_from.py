"""What ``init_from`` means: a new run whose networks start from the weights of another one."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from gan_lightning.config import ConfigError
from gan_lightning.core.checkpoint import RECORD, CheckpointError, read_checkpoint
from gan_lightning.core.container import ContainerError, NoDigestError, read_container
from gan_lightning.core.errors import InputError
from gan_lightning.core.machine import memory_bytes
from gan_lightning.core.side_files import SideFileError, read_yaml
from gan_lightning.models import AdversarialModule
from gan_lightning.models.optimizer_states import plan_optimizers
from gan_lightning.models.transfer import Transfer, copy_weights, plan_transfer
from gan_lightning.runs.checkpoints import checkpoint_in


@dataclass(frozen=True)
class Beginning:
    """What the networks of a run start from.

    Attributes:
        path: the file.
        images_seen: by the run that wrote it; None: it does not say.
        settings: ``init_from`` of the configuration.
        transfer: what is taken from it.
        optimizers: state of each optimizer's parameters, by player; empty: they start fresh.
    """

    path: Path
    images_seen: int | None
    settings: Mapping[str, Any]
    transfer: Transfer
    optimizers: Mapping[str, Mapping[int, Any]]

    def load(self, model: AdversarialModule) -> None:
        """Let a model start from it."""
        copy_weights(model, self.transfer)
        model.first_optimizer_states = {name: dict(state) for name, state in self.optimizers.items()}

    def describe(self) -> str:
        """Say what was loaded, and what was not."""
        loaded, fresh = self.transfer.loaded, self.transfer.fresh
        seen = "" if self.images_seen is None else f", which saw {self.images_seen} images"
        lines = [f"init_from: {len(loaded)} of {len(loaded) + len(fresh)} tensors are those of {self.path}{seen}"]
        lines += [f"  left as it was drawn: {name} {reason}" for name, reason in fresh.items()]
        if self.transfer.unused:
            unused = ", ".join(f"{name} ({count})" for name, count in self.transfer.unused.items())
            lines.append(f"  not taken from there: {unused}")
        anew = [f"{key} start anew" for key in ("averages", "optimizers") if not self.settings[key]]
        return "\n".join([*lines, *([f"  {', '.join(anew)}"] if anew else [])])

    def record(self) -> dict[str, Any]:
        """Return the same as plain data, for the run's record."""
        return {
            "checkpoint": str(self.path),
            "images_seen": self.images_seen,
            "loaded": len(self.transfer.loaded),
            "fresh": dict(self.transfer.fresh),
            "unused": dict(self.transfer.unused),
        }


def find_beginning(config: Mapping[str, Any], model: AdversarialModule, *, mapped: bool = False) -> Beginning | None:
    """Find the weights that a new run starts from, and compare them with its model; None if it starts from random ones.

    Args:
        config: config of the run, as plain data.
        model: which is not changed; it may be without memory.
        mapped: map tensors from the disk instead of reading them, which is enough for a comparison.

    Raises:
        ConfigError: if the source cannot be used, naming every tensor that does not fit.
    """
    settings = config["init_from"]
    held = {id(parameter) for player in model.players() for parameter in player.held}
    if settings["path"] is None:
        if held:
            raise ConfigError(
                [
                    "model.updates: freeze_generator and freeze_discriminator hold weights that were learned before; "
                    "init_from=... names the run or the checkpoint that has them"
                ]
            )
        return None
    hint = ""
    try:
        path = checkpoint_in(settings["path"])
        if settings["names"] is None and path.is_file():
            hint = "; if another program wrote it, init_from.names=MAP.yaml says what its tensors are"
        names = None if settings["names"] is None else read_names(Path(settings["names"]))
        if names is None:
            content: Mapping[str, Any] = read_checkpoint(path, mapped=mapped)
        else:
            content = {"state_dict": read_tensors(path)}
        transfer = plan_transfer(
            model, content["state_dict"], weights=settings["weights"], averages=settings["averages"], names=names
        )
        optimizers = {}
        if settings["optimizers"]:
            if not (states := content.get("optimizer_states")):
                raise CheckpointError(f"optimizers = true: {path} holds no optimizers")
            try:
                optimizers = plan_optimizers(model, states, fresh=transfer.fresh)
            except ValueError as error:
                raise ValueError(f"optimizers = true: {error}") from error
    except (CheckpointError, InputError) as error:
        raise ConfigError([f"init_from.path = {settings['path']}: {error}{hint}"]) from error
    except ValueError as error:
        raise ConfigError([f"init_from.{error} ({settings['path']})"]) from error
    refuse_misfits(transfer, path, strict=settings["strict"])
    unlearned = [name for name, parameter in model.named_parameters() if id(parameter) in held]
    if unlearned := [name for name in unlearned if name in transfer.fresh]:
        raise ConfigError([f"model.updates: it would freeze what {path} does not fill: {', '.join(unlearned)}"])
    seen = content[RECORD]["images_seen"] if RECORD in content else None
    return Beginning(path, seen, settings, transfer, optimizers)


def refuse_misfits(transfer: Transfer, path: Path, *, strict: bool) -> None:
    """Refuse a source that does not fill the networks, or fills nothing of them.

    Args:
        transfer: what would be taken.
        path: from where.
        strict: whether every tensor must be filled.

    Raises:
        ConfigError: naming every tensor that would be left as it was drawn.
    """
    if not transfer.loaded:
        raise ConfigError([f"init_from.path = {path}: none of its tensors fits one of the networks"])
    if strict and transfer.fresh:
        misfits = [f"{name} {reason}" for name, reason in transfer.fresh.items()]
        count = len(transfer.loaded) + len(misfits)
        raise ConfigError(
            [
                f"init_from.path = {path}: {len(misfits)} of {count} tensors do not fit, which init_from.strict=false "
                "leaves as they are drawn:\n" + "\n".join(misfits)
            ]
        )


def read_names(path: Path) -> dict[str, str]:
    """Read a map of names: tensors or modules of the model, to those of a file.

    Raises:
        ValueError: if it cannot be read, or is none.
    """
    try:
        names: dict[str, str] = read_yaml(path)
    except FileNotFoundError as error:
        raise ValueError(f"names = {path}: there is no such file") from error
    except SideFileError as error:
        raise ValueError(f"names = {path}: {error}") from error
    if wrong := [key for key, value in names.items() if not isinstance(key, str) or not isinstance(value, str)]:
        raise ValueError(f"names = {path}: must map names to names, but the value of {wrong[0]} is not one")
    return names


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Load the tensors of a file onto the CPU, without executing anything that it holds.

    Args:
        path: what ends in ``.safetensors`` is read as such, anything else as a file of ``torch.save``. Of nested
            dictionaries the keys are joined by dots.

    Raises:
        CheckpointError: if there is no such file, it is damaged or too large, or it holds no tensors by names.
    """
    try:
        if not path.is_file():
            raise CheckpointError(f"there is no file {path}")
        content = _read_safetensors(path) if path.suffix == ".safetensors" else _read_torch(path)
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error}") from error
    except ContainerError as error:
        raise CheckpointError(str(error)) from error
    tensors = dict(_flat(content, ""))
    if not tensors:
        raise CheckpointError(f"{path} does not hold a mapping of names to tensors")
    return tensors


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    if path.stat().st_size > memory_bytes():
        raise CheckpointError(f"{path} is larger than the memory of this machine")
    try:
        return load_file(path)
    except (SafetensorError, ValueError) as error:
        raise CheckpointError(f"{path} is damaged or not a safetensors file: {error}") from error


def _read_torch(path: Path) -> Any:
    if not zipfile.is_zipfile(path):
        raise CheckpointError(f"{path} is damaged, or not what torch.save has written since PyTorch 1.6")
    try:
        return read_container(path)
    except NoDigestError:
        return read_container(path, digest=False)


def _flat(value: Any, name: str) -> Iterator[tuple[str, Tensor]]:
    if isinstance(value, Tensor):
        yield name, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _flat(item, f"{name}.{key}" if name else str(key))

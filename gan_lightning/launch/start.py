"""The start of a run: its config is checked once, its parts are built once, and its folder is ours before we write."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from lightning.pytorch.utilities import rank_zero_only
from omegaconf import DictConfig

from gan_lightning.config import ConfigError
from gan_lightning.config.check import inspect_config
from gan_lightning.core import slurm
from gan_lightning.core.errors import InputError
from gan_lightning.core.side_files import move_aside
from gan_lightning.core.terminal import shell_quoted
from gan_lightning.launch.init_from import Beginning, find_beginning
from gan_lightning.launch.parts import KINDS, Parts, build_parts, rehearse_parts
from gan_lightning.launch.quiet import quiet_libraries
from gan_lightning.launch.resume import Source, prepare_resume
from gan_lightning.runs.cleanup import discard_unused, empty_run
from gan_lightning.runs.folder import RunFolder
from gan_lightning.runs.lock import exclusive, make_folder

LEAVING_S = 120.0
"""How long a requeued job waits for its predecessor on another machine to leave the folder."""


@dataclass
class Start:
    """A run that may begin.

    Attributes:
        config: checked, as plain data.
        folder: folder of the run; locked, in the process that writes.
        parts: what the config builds.
        source: what the run continues from.
        beginning: what its networks start from; None: they were drawn, or the run continues.
        composed: the config as Hydra composed it, with its interpolations; None where Hydra did not.
        held: what is released when the run is over.
    """

    config: dict[str, Any]
    folder: Path
    parts: Parts
    source: Source
    beginning: Beginning | None = None
    composed: DictConfig | None = None
    held: ExitStack = field(default_factory=ExitStack)


def check(cfg: DictConfig, *, remote_processes: int | None = None) -> dict[str, Any]:
    """Check a config in every way that leaves no trace and takes no memory; return it as plain data.

    Args:
        cfg: composed, without Hydra's own node.
        remote_processes: processes of a run on another machine; None: it runs here, on this machine's devices.

    Raises:
        ConfigError: with all that is wrong.
    """
    quiet_libraries()
    config, problems = inspect_config(cfg, kinds=KINDS)
    rehearse_parts(config, problems, remote_processes=remote_processes)
    if problems:
        raise ConfigError(problems)
    return config


def start(cfg: DictConfig) -> Start:
    """Check a composed config, build it and take its folder; nothing but a lock is written.

    With ``overwrite``, the run that lay in the folder is removed.

    Args:
        cfg: composed, without Hydra's own node.

    Raises:
        ConfigError: if the config is wrong, with all that is.
        InputError: if the folder holds a run, another process trains there, or the checkpoint cannot be used.
    """
    return start_checked(checked(cfg), composed=cfg)


def checked(cfg: DictConfig) -> dict[str, Any]:
    """Check a config that is to be built next; return it as plain data.

    Args:
        cfg: composed, without Hydra's own node.

    Raises:
        ConfigError: with all that is wrong, what a rehearsal of the build finds included.
    """
    quiet_libraries()
    config, problems = inspect_config(cfg, kinds=KINDS)
    if problems:
        rehearse_parts(config, problems)
        raise ConfigError(problems)
    return config


def start_checked(config: dict[str, Any], *, composed: DictConfig | None = None) -> Start:
    """Do what ``start`` does with a config that was checked already.

    Args:
        config: as plain data.
        composed: the same as Hydra composed it.
    """
    folder = Path(config["output_dir"])
    if slurm.restarts() and (config["resume"] is None or RunFolder(folder).holds_checkpoint()):
        config = {**config, "resume": "auto"}  # a requeued job is the same run
    refuse_inside_run(folder)
    parts = build_parts(config)
    with ExitStack() as held:
        held.enter_context(_taken(folder))
        source = prepare_resume(config, folder, parts)
        source.check_processes(parts.trainer.world_size)
        source.check_budget(parts.model.budget_images, batch_size=config["batch_size"])
        beginning = find_beginning(config, parts.model) if source.path is None else None
        if beginning is not None:
            beginning.load(parts.model)
        if not rank_zero_only.rank:  # type: ignore[attr-defined]
            make_folder(Path(parts.trainer.default_root_dir), key="trainer.default_root_dir")  # where pictures go
            make_way(folder, config, source)
            clear_names(RunFolder(folder))
        return Start(config, folder, parts, source, beginning, composed=composed, held=held.pop_all())


@contextmanager
def _taken(folder: Path) -> Iterator[None]:
    """Hold a run's folder in the process that writes; one that was made for nothing is removed when it is refused."""
    if rank_zero_only.rank:  # type: ignore[attr-defined]
        yield
        return
    lock = RunFolder(folder).lock
    made, locked_before = not os.path.lexists(folder), os.path.lexists(lock)  # Path.exists raises for too long a name
    with exclusive(folder, wait_s=LEAVING_S if slurm.restarts() else 0):
        try:
            yield
        except (ConfigError, InputError):
            if made:
                discard_unused(folder)
            elif not locked_before:
                lock.unlink(missing_ok=True)
            raise


def refuse_inside_run(folder: Path) -> None:
    """Refuse a folder among the files of another run, which would go when that run is overwritten.

    Refuse likewise one with a link to a folder of another run, in which both would write.

    Raises:
        InputError: naming the run.
    """
    place = Path(os.path.realpath(folder))
    for inner, outer in pairwise([place, *place.parents]):
        run = RunFolder(outer)
        if inner in run.own_subfolders() and (run.holds_run() or run.holds_checkpoint()):
            raise InputError(f"output_dir = {folder}: it lies in {inner}, which belongs to the run in {outer}")
    for path in RunFolder(folder).own_subfolders():
        linked = Path(os.path.realpath(path))
        other = RunFolder(linked.parent)  # a folder on another disk has no record beside it
        if other.path != place and linked in other.own_subfolders() and other.holds_run():
            raise InputError(f"output_dir = {folder}: {path.name} leads to {linked}, which belongs to another run")


def make_way(folder: Path, config: dict[str, Any], source: Source) -> None:
    """Refuse a folder in which a run lies that is neither gone on with nor to be overwritten, else empty it of one.

    Raises:
        InputError: naming what there is and both ways out.
    """
    run = RunFolder(folder)
    if source.path is not None and source.path.parent.resolve() == run.checkpoints.resolve():
        return
    if config["overwrite"]:
        empty_run(folder)
        return
    anew = "overwrite=true removes it and starts over"
    way_out = anew if config["resume"] is None else "hydra.run.dir=... names another folder"
    if run.holds_checkpoint() or (config["resume"] is None and run.holds_run()):
        raise InputError(
            f"output_dir = {folder}: there is a run already; resume={shell_quoted(str(folder))} resumes it, {way_out}"
        )
    if remains := run.remains():
        names = ", ".join(path.relative_to(folder).as_posix() for path in remains)
        raise InputError(f"output_dir = {folder}: there is the rest of a run already, {names}; {way_out}")


def clear_names(run: RunFolder) -> None:
    """Move aside what has the name of one of a run's files or folders and is none: a pipe, which would be waited for.

    A link counts as what it leads to.
    """
    wrong = {path: "file" for path in run.files() if os.path.lexists(path) and not path.is_file()}
    wrong |= {path: "folder" for path in run.own_subfolders() if os.path.lexists(path) and not path.is_dir()}
    for path, kind in wrong.items():
        found = f"{path} is a folder" if path.is_dir() else f"{path} is not a {kind}, or is a link to a missing one"
        move_aside(path, complaint=found, consequence="what the run writes gets its name")

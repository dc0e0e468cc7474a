"""``gan-evaluate``: score a checkpoint, or images in files, against real images."""

from __future__ import annotations

import os
from pathlib import Path

from omegaconf import DictConfig

from gan_lightning.core.errors import InputError
from gan_lightning.launch.command import cleaned_up_on_sigterm, launch


def task(cfg: DictConfig) -> None:
    """Evaluate what ``cfg`` names and write its scores.

    Raises:
        InputError: if checkpoint, images or data cannot be used, or the scores cannot be written.
    """
    from gan_lightning.core.checkpoint import CheckpointError
    from gan_lightning.launch.evaluation import evaluate, show, write
    from gan_lightning.launch.evaluation_inputs import open_sides
    from gan_lightning.launch.quiet import quiet_libraries

    quiet_libraries()
    if cfg.out:
        check_place(Path(cfg.out), overwrite=cfg.overwrite)  # before images are decoded and hours are spent on scores
    try:
        sides = open_sides(cfg)
    except (CheckpointError, ValueError) as error:  # no such weights or split, or data that is missing or damaged
        raise InputError(str(error)) from error
    out = Path(cfg.out) if cfg.out else sides.default_out
    check_place(out, overwrite=cfg.overwrite)
    try:
        result = evaluate(sides)
    except ValueError as error:  # NaN in samples, files that vanished, or an evaluator that does not fit
        raise InputError(f"{sides.title}: {error}") from error
    show(result, sides)
    try:
        write(result, sides, out)
    except OSError as error:
        raise InputError(f"out = {out}: the scores above cannot be written: {error.strerror or error}") from error


def check_place(out: Path, *, overwrite: bool) -> None:
    """Refuse a file to which scores cannot be written, or which they must not replace.

    Raises:
        InputError: with the reason.
    """
    from gan_lightning.core.atomic import obstacle_to_writing
    from gan_lightning.runs.folder import RunFolder

    if os.path.isdir(out):  # false for a name that is too long, where Path.is_dir raises
        raise InputError(f"out = {out}: it is a folder; name a file for the scores")
    if out.suffix.lower() != ".json":  # a checkpoint, for instance, would be replaced
        raise InputError(f"out = {out}: scores are written as JSON; name a file that ends in .json")
    if (run := RunFolder(out.parent)).holds_run() and out in run.files():
        raise InputError(f"out = {out}: the record of a run, which scores do not replace; name another file")
    if os.path.exists(out) and not overwrite:
        raise InputError(f"out = {out}: exists already; overwrite=true replaces it, out=NAME.json leaves it alone")
    if (obstacle := obstacle_to_writing(out)) is not None:
        raise InputError(f"out = {out}: cannot be written: {obstacle}")


def main() -> None:
    """Run the console command."""
    with cleaned_up_on_sigterm():
        launch("evaluate", task)


if __name__ == "__main__":
    main()

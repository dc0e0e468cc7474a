"""``gan-evaluate``: score a checkpoint, or images in files, against real images."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig

from gan_lightning.core.errors import InputError
from gan_lightning.launch.command import cleaned_up_on_sigterm, launch

if TYPE_CHECKING:
    from gan_lightning.launch.evaluation_inputs import Sides
    from gan_lightning.metrics import Evaluation


def task(cfg: DictConfig) -> None:
    """Evaluate what ``cfg`` names and write its scores.

    Raises:
        InputError: if checkpoint, images or data cannot be used, or the scores cannot be written.
    """
    from gan_lightning.core.checkpoint import CheckpointError
    from gan_lightning.launch.evaluation_inputs import open_sides
    from gan_lightning.launch.quiet import quiet_libraries

    quiet_libraries()
    try:
        sides = open_sides(cfg)
    except (CheckpointError, ValueError) as error:  # no such weights or split, or data that is missing or damaged
        raise InputError(str(error)) from error
    out = Path(cfg.out) if cfg.out else sides.default_out
    if out.is_dir():
        raise InputError(f"out = {out}: it is a folder; name a file for the scores")
    if out.suffix.lower() != ".json":  # a checkpoint, for instance, would be replaced
        raise InputError(f"out = {out}: scores are written as JSON; name a file that ends in .json")
    if out.exists() and not cfg.overwrite:
        raise InputError(f"out = {out}: exists already; overwrite=true replaces it, out=NAME.json leaves it alone")
    check_writable(out)
    try:
        result = evaluate(sides)
    except ValueError as error:  # NaN in samples, files that vanished, or an evaluator that does not fit
        raise InputError(f"{sides.title}: {error}") from error
    show(result)
    try:
        write(result, sides, out)
    except OSError as error:
        raise InputError(f"out = {out}: the scores above cannot be written: {error.strerror or error}") from error


def evaluate(sides: Sides) -> Evaluation:
    """Score one side against the other, and tell on standard error how many samples were looked at if it takes long.

    Raises:
        ValueError: if the samples are broken, or do not fit the evaluator.
    """
    from gan_lightning.launch.watched_sampler import Watched
    from gan_lightning.metrics import Evaluator, GeneratorSampler
    from gan_lightning.sampling.progress import progress

    sample = sides.sample
    with contextlib.ExitStack() as stack:
        if isinstance(sides.evaluator, Evaluator) and isinstance(sample, GeneratorSampler):
            sample = Watched(sample, stack.enter_context(progress(sides.evaluator.samples, "samples")))
        return sides.evaluator.evaluate(sample, sides.real, weights=sides.weights, device=sides.device)


def check_writable(out: Path) -> None:
    """Refuse a place where the scores could not be written, before hours are spent on them.

    Raises:
        InputError: naming the folder.
    """
    folder = next(parent for parent in out.absolute().parents if parent.exists())
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        raise InputError(f"out = {out}: cannot be written: {folder} is no folder, or one that is read-only")


def show(result: Evaluation) -> None:
    """Print scores, what could not be computed, and what a reader should know."""
    from rich.console import Console

    from gan_lightning.launch.summary import score_table

    console = Console(soft_wrap=True)
    if result.scores:
        console.print(score_table(result.scores))
    for metric, reason in result.skipped.items():
        console.print(f"{metric} was not computed: {reason}", highlight=False)
    for note in result.notes:
        console.print(f"note: {note}", highlight=False)


def write(result: Evaluation, sides: Sides, out: Path) -> None:
    """Write the scores and, where copies were looked for, a picture of the suspects.

    Raises:
        OSError: if they cannot be written.
    """
    from dataclasses import asdict

    from gan_lightning.callbacks.nearest import draw_nearest
    from gan_lightning.core.atomic import write_atomic
    from gan_lightning.core.grids import png
    from gan_lightning.core.strict_json import dumps
    from gan_lightning.data import EvaluationImages

    record: dict[str, Any] = {**sides.facts, **asdict(result)}
    written = [out]
    if result.closest and isinstance(sides.real, EvaluationImages):
        written.append(out.with_suffix(".nearest.png"))
        write_atomic(written[-1], png(draw_nearest(result.closest, sides.sample, sides.real)))
    write_atomic(out, dumps(record, indent=2) + "\n")
    print(f"written to {' and '.join(map(str, written))}")


def main() -> None:
    """Entry point of the console command."""
    with cleaned_up_on_sigterm():
        launch("evaluate", task)


if __name__ == "__main__":
    main()

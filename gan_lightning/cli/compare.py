"""``gan-compare``: runs side by side, seeds taken together."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig, ListConfig

from gan_lightning.cli import sync
from gan_lightning.core.errors import InputError
from gan_lightning.core.terminal import printable
from gan_lightning.launch.command import launch
from gan_lightning.launch.command_line import for_hydra, quoted

if TYPE_CHECKING:
    from gan_lightning.report import Comparison, Run


def task(cfg: DictConfig) -> None:
    """Print the comparison of the runs of ``cfg``, and write it to the files that are named.

    Raises:
        InputError: if there are no runs, or no such score, key or format.
    """
    from gan_lightning.core.atomic import obstacle_to_writing, write_atomic
    from gan_lightning.report import compare, select
    from gan_lightning.report.run import score_keys
    from gan_lightning.report.terminal import show

    outputs = [(Path(name), writer(name)) for name in strings(cfg.out, "out", "a file or a list of files")]
    for path, _ in outputs:
        if (obstacle := obstacle_to_writing(path)) is not None:
            raise InputError(f"out = {path}: cannot be written: {obstacle}")
    roots = strings(cfg.runs, "runs", "a folder or a list of folders")
    conditions = strings(cfg.where, "where", "a condition or a list of conditions")
    if not roots:
        raise InputError(f"runs = {cfg.runs}: must be a folder or a list of folders")
    try:
        runs = select(read(roots), conditions)
        first = next(iter(score_keys(runs)), None)
        content = compare(runs, sort=first if cfg.sort is None else cfg.sort, moment=cfg.by.value)
    except (FileNotFoundError, ValueError) as error:
        raise InputError(str(error)) from error
    show(content)
    for path, write in outputs:
        try:
            write_atomic(path, write(content))
        except OSError as error:
            raise InputError(f"out = {path}: cannot be written: {error.strerror or error}") from error
        print(printable(f"written to {path}"))


def strings(value: Any, key: str, meaning: str) -> list[str]:
    """Return a string, a list of strings or None as a list."""
    values = [] if value is None else list(value) if isinstance(value, ListConfig) else [value]
    if not all(isinstance(item, str) for item in values):
        raise InputError(f"{key} = {value}: must be {meaning}")
    return values


def writer(name: str) -> Callable[[Comparison], str]:
    """Return the function that writes the format of a file's suffix."""
    from gan_lightning.report import as_csv, as_html, as_latex, as_markdown

    writers = {".html": as_html, ".md": as_markdown, ".csv": as_csv, ".tex": as_latex}
    if Path(name).suffix not in writers:
        raise InputError(f"out = {name}: the comparison is written as {', '.join(writers)}")
    return writers[Path(name).suffix]


def read(roots: list[str]) -> list[Run]:
    """Read the runs of folders and of W&B's projects."""
    from gan_lightning.report import find_runs
    from gan_lightning.report.wandb_runs import PREFIX, find_wandb_runs

    folders = [root for root in roots if not root.startswith(PREFIX)]
    runs = find_runs(folders) if folders else []
    for root in roots:
        if root.startswith(PREFIX):
            runs += find_wandb_runs(root.removeprefix(PREFIX))
    return runs


def command_line(typed: Sequence[str]) -> list[str]:
    """Quote the conditions of ``where=model.loss=hinge,seed=0``, which Hydra would take for grammar."""
    return for_hydra([f"where={quoted(word.removeprefix('where='))}" if _is_bare(word) else word for word in typed])


def _is_bare(word: str) -> bool:
    key, _, value = word.partition("=")
    return key == "where" and value != "null" and value[:1] not in ("", '"', "'", "[")


def main() -> None:
    """Run the console command."""
    if sys.argv[1:2] == ["sync"]:
        sync.main(sys.argv[2:])
        return
    launch("compare", task, command_line=command_line)


if __name__ == "__main__":
    main()

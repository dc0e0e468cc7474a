"""``gan-compare``: runs side by side, seeds taken together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from omegaconf import DictConfig

from gan_lightning.cli.entry import InputError, launch

if TYPE_CHECKING:
    from gan_lightning.tracking.comparison_report import Report

PLAIN_WIDTH = 1000
"""Of a table in a file: wide enough for whole rows."""


def task(cfg: DictConfig) -> None:
    """Print the comparison of the runs of ``cfg``, and write it to a file if one is named.

    Raises:
        InputError: if there are no runs, or no such score.
    """
    from dataclasses import replace
    from pathlib import Path

    from omegaconf import ListConfig

    from gan_lightning.tracking.comparison import find_runs, ranked
    from gan_lightning.tracking.comparison_report import as_csv, as_markdown, report
    from gan_lightning.tracking.files import write_atomic

    writers = {".csv": as_csv, ".md": as_markdown}
    out = None if cfg.out is None else Path(cfg.out)
    if out is not None and out.suffix not in writers:
        raise InputError(f"out = {out}: the table is written as .csv or .md")
    roots = list(cfg.runs) if isinstance(cfg.runs, ListConfig) else [cfg.runs]
    if not roots or not all(isinstance(root, str) for root in roots):
        raise InputError(f"runs = {cfg.runs}: must be a folder or a list of folders")
    try:
        runs = find_runs(roots)
    except FileNotFoundError as error:
        raise InputError(str(error)) from error
    content = report(runs)
    if cfg.sort is not None:
        if cfg.sort not in content.keys:
            raise InputError(f"sort = {cfg.sort!r}: the runs have the scores {', '.join(content.keys) or 'none'}")
        content = replace(content, sections=[ranked(section, cfg.sort, cfg.by.value) for section in content.sections])
    show(content)
    if out is not None:
        write_atomic(out, writers[out.suffix](content))
        print(f"written to {out}")


def show(content: Report) -> None:
    """Print a table for each section, and the notes."""
    from rich.console import Console
    from rich.table import Table

    from gan_lightning.tracking.comparison_report import header, row

    console = Console()
    if not console.is_terminal:
        console = Console(width=PLAIN_WIDTH)
    for number, section in enumerate(content.sections, start=1):
        several = len(content.sections) > 1
        table = Table(
            title=f"section {number}: not comparable with the others" if several else None, title_justify="left"
        )
        for position, title in enumerate(header(content.keys)):
            table.add_column(title, justify="left" if position in (0, 2) else "right")
        for group in section.groups:
            table.add_row(*row(group, content.keys, content.differing))
        console.print(table)
    for note in content.notes:
        console.print(note, highlight=False, markup=False, soft_wrap=True)


def main() -> None:
    """Entry point of the console command."""
    launch("compare", task)


if __name__ == "__main__":
    main()

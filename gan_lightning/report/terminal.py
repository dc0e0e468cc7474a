"""A comparison on the terminal, as wide as that is."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from gan_lightning.core.terminal import printable, say
from gan_lightning.report.cells import Table, advice, equal_tables, group_tables, run_table, without
from gan_lightning.report.content import STATED, Comparison

LEAST_FIRST = ("images/s", "run", "kimg", "wall time", "cost of a run", "warnings", "seeds")
"""Columns that a narrow terminal leaves out."""

FOLDED = 12
"""Characters to which the title of a column may be folded."""

PLAIN_WIDTH = 1000
"""Of a table in a file: wide enough for whole rows."""


def show(content: Comparison) -> None:
    """Print the runs, a table for each section, the notes, and at the end, where one looks first, the verdicts."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=PLAIN_WIDTH)

    left_out: list[str] = []
    for table in (run_table(content), *group_tables(content), *equal_tables(content)):
        narrow, dropped = narrowed(table, console.width)
        left_out += dropped
        console.print(drawn(narrow))
    if left_out:
        say(
            console,
            f"this terminal is too narrow for {', '.join(dict.fromkeys(left_out))}; out=table.md has every column",
        )
    if content.keys:
        say(console, STATED)
    for heading, lines in (
        ("Notes", content.notes),
        ("What went wrong, and what to try", advice(content)),
        ("Published scores", content.published),
        ("Result", [*content.verdicts, *content.reasons]),
    ):
        if lines:
            console.print(f"\n[bold]{heading}[/bold]", highlight=False)
        for line in lines:
            say(console, line)


def narrowed(table: Table, width: int) -> tuple[Table, list[str]]:
    """Leave out columns until the table fits, what matters least first; return their titles, too."""

    def needed(one: Table) -> int:
        columns = zip(one.header, *one.rows, strict=True)
        widths = (max(min(len(title), FOLDED), *map(longest, cells), 0) for title, *cells in columns)
        return sum(column_width + 3 for column_width in widths) + 1

    dropped: list[str] = []
    for title in LEAST_FIRST:
        if needed(table) > width and title in table.header:
            table = without(table, table.header.index(title))
            dropped.append(title)
    return table, dropped


def longest(cell: str) -> int:
    """Return the length of its longest line."""
    return max(map(len, cell.split("\n")))


def drawn(table: Table) -> RichTable:
    """Return a table for the terminal, the best means bold."""
    stacked = any("\n" in cell for row in table.rows for cell in row)
    made = RichTable(
        title=Text(printable(table.title)) if table.title else None, title_justify="left", show_lines=stacked
    )
    for position, title in enumerate(table.header):
        made.add_column(
            Text(printable(title)), justify="right" if position in table.numeric else "left", overflow="fold"
        )
    for number, row in enumerate(table.rows):
        styles = ["bold green" if (number, column) in table.best else "" for column in range(len(row))]
        made.add_row(*(Text(printable(cell), style) for cell, style in zip(row, styles, strict=True)))
    return made

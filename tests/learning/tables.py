"""The results of all rows, ``docs/results/learning.json``, and the page that is made of them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from gan_lightning.core.atomic import whole_file, write_atomic
from gan_lightning.core.grids import MIN_TILE_PX, PADDING_PX

RESULTS = Path(__file__).parent.parent.parent / "docs" / "results" / "learning.json"

HEAD = """# What narrow networks learn on one core

Each row is one training, seed 0, on one thread of a CPU. The networks are far narrower than the published ones, and the
runs thousands of times shorter, so the tables say that a variant learns, and not which one is best in the end.

The averaged generator, or the only one, is scored at the end by 2,000 samples against the training images. FD is a
Frechet distance, KD a kernel distance; lower is better. Both are taken on two kinds of features, neither of which any
variant is trained with: those of a small classifier of CIFAR-10{classifier}, and texture, which is statistics of color
and of wavelets. The CPU minutes of a row whose training was cut off from outside are not counted.

`cifar_biggan`, which has labels, and `cifar_dcgan` begin to draw objects. The others draw colors, textures and
outlines, and need more time than this. Two need it most: `emoji_r3gan`, whose distance still falls at the end, and
`emoji_projected_gan`, whose distance does not fall yet. Its frozen network takes no image below 128 pixels, so a core
sees five images a second.

```sh
python -m tests.learning --list
python -m tests.learning --row cifar_dcgan --cpu-minutes 40 --cifar cifar10.zip --emoji emoji.zip --work DIR
```
"""

TABLES: Mapping[str, tuple[str, ...]] = {
    "CIFAR-10: 20,000 training images at 32x32": ("cifar_",),
    "Few images: 1,255 emoji": ("emoji_", "emoji256_"),
    "Fine-tuning on CIFAR-10": ("animals_", "horse_"),
}
"""Heading of a table to how its rows begin."""

COLUMNS = (
    ("FD", "fd2k_train_cifar_classifier"),
    ("KD", "kd2k_train_cifar_classifier"),
    ("FD texture", "fd2k_train_texture"),
    ("KD texture", "kd2k_train_texture"),
)

ROWS_SHOWN, WIDTH_PX = 2, 1060
"""How much of a grid the page shows: so many rows of tiles, made smaller where they are wider."""

Row = Mapping[str, Any]


def read(results: Path) -> dict[str, dict[str, Any]]:
    """Return the rows that were trained, by name."""
    return json.loads(results.read_text(encoding="utf-8")) if results.is_file() else {}


def enter(results: Path, row: Row, grid: Path) -> None:
    """Enter a row, and put the first rows of its last sample grid beside the results."""
    with whole_file(picture_of(results, row["row"])) as file:
        first_rows(Image.open(grid), resolution=row["resolution"]).save(file, optimize=True)
    rows = {**read(results), row["row"]: row}
    write_atomic(results, json.dumps(rows, indent=1, sort_keys=True) + "\n")


def picture_of(results: Path, row: str) -> Path:
    """Return where the picture of a row lies."""
    return results.parent / results.stem / f"{row}.png"


def first_rows(grid: Image.Image, *, resolution: int) -> Image.Image:
    """Return the first rows of a grid of square images of so many pixels, at most ``WIDTH_PX`` wide."""
    pitch = resolution * math.ceil(MIN_TILE_PX / resolution) + PADDING_PX
    shown = grid.convert("RGB").crop((0, 0, grid.width, ROWS_SHOWN * pitch + PADDING_PX))
    if shown.width > WIDTH_PX:
        shown = shown.resize((WIDTH_PX, shown.height * WIDTH_PX // shown.width), Image.Resampling.LANCZOS)
    return shown


def write_page(results: Path) -> None:
    """Make the page beside the results anew."""
    write_atomic(results.with_suffix(".md"), page(read(results)))


def page(rows: Mapping[str, Row]) -> str:
    """Return the page as Markdown."""
    known = {json.dumps(row["classifier"], sort_keys=True) for row in rows.values()}
    facts = [f"accuracy {one['accuracy']:.1%}, sha256 `{one['sha256'][:12]}`" for one in map(json.loads, sorted(known))]
    parts = [HEAD.format(classifier=f" ({'; '.join(facts)})" if facts else "")]
    for title, beginnings in TABLES.items():
        shown = [row for name, row in sorted(rows.items()) if name.startswith(beginnings)]
        if shown:
            parts.append(f"## {title}\n\n{table(shown)}\n")
    return "\n".join(parts)


def table(rows: Sequence[Row]) -> str:
    """Return a table, below it what the rows are, how their distance fell, and what they drew."""
    heads = ["row", "images", "CPU minutes", *(title for title, _ in COLUMNS), "parameters G, D"]
    lines = [f"| {' | '.join(heads)} |", "|---|" + "--:|" * (len(heads) - 1)]
    for row in rows:
        counts = row["parameters"]
        cells = [
            f"`{row['row']}`",
            f"{row['images']:,}",
            "not counted" if row["cpu_minutes"] is None else f"{row['cpu_minutes']:.0f}",
            *(f"{row['scores'][key]:.3g}" for _, key in COLUMNS),
            f"{counts['generator']:,}, {counts['discriminator']:,}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, "", *(note(row) for row in rows)])


def note(row: Row) -> str:
    """Say what a row is, and how its FD fell with the images seen; show its last samples."""
    key = COLUMNS[0][1]
    points = [f"{at['images'] / 1000:.3g} kimg {at[key]:.3g}" for at in row["curve"]]
    image = f"![Samples of {row['row']}](learning/{row['row']}.png)"
    return f"`{row['row']}`: {row['set_up']}. FD: {', '.join(points)}.\n\n{image}\n"

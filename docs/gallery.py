"""Put the last sample grids of runs side by side, each under a caption.

python docs/gallery.py PICTURE.png "CAPTION=RUN FOLDER" "CAPTION=RUN FOLDER:COLUMNS" ...

A grid of more than eight rows is cut into pieces of eight rows, which stand side by side. COLUMNS keeps as many columns
of tiles, the first ones.
"""

from __future__ import annotations

import sys

from PIL import Image, ImageDraw, ImageFont

from gan_lightning.core.grids import MIN_TILE_PX, PADDING_PX
from gan_lightning.runs.folder import SAMPLES, RunFolder

ROWS = 8
PITCH_PX = MIN_TILE_PX + PADDING_PX
"""From tile to tile; smaller images are enlarged to it."""
GAP_PX, CAPTION_PX, FONT_PX = 24, 40, 26
GRAY = (128, 128, 128, 255)
"""Can be read on light and on dark pages; the ground is transparent."""


def last_grid(run: str) -> Image.Image:
    """Return the last sample grid of a run.

    Raises:
        FileNotFoundError: if the folder has none.
    """
    pictures = list(RunFolder(run).pictures_by_images(SAMPLES).values())
    if not pictures:
        raise FileNotFoundError(f"{run} has no sample grids")
    return Image.open(pictures[-1]).convert("RGBA")


def folded(grid: Image.Image, columns: int | None) -> Image.Image:
    """Return the first columns of a grid, at most ``ROWS`` rows high.

    Args:
        grid: tiles with ``PADDING_PX`` between and around them.
        columns: how many; None: all.
    """
    width = grid.width if columns is None else columns * PITCH_PX + PADDING_PX
    height = ROWS * PITCH_PX + PADDING_PX
    pieces = max(1, -(-(grid.height - PADDING_PX) // (ROWS * PITCH_PX)))
    canvas = Image.new("RGBA", (pieces * (width + PADDING_PX) - PADDING_PX, min(height, grid.height)))
    for piece in range(pieces):
        top = piece * ROWS * PITCH_PX
        canvas.paste(grid.crop((0, top, width, min(top + height, grid.height))), (piece * (width + PADDING_PX), 0))
    return canvas


def side_by_side(panels: list[tuple[str, Image.Image]]) -> Image.Image:
    """Lay pictures from left to right on a transparent ground, each under its caption."""
    font = ImageFont.load_default(FONT_PX)
    width = sum(picture.width for _, picture in panels) + GAP_PX * (len(panels) - 1)
    canvas = Image.new("RGBA", (width, CAPTION_PX + max(picture.height for _, picture in panels)))
    draw, left = ImageDraw.Draw(canvas), 0
    for caption, picture in panels:
        draw.text((left + picture.width / 2, CAPTION_PX / 2), caption, fill=GRAY, font=font, anchor="mm")
        canvas.paste(picture, (left, CAPTION_PX))
        left += picture.width + GAP_PX
    return canvas


def main(out: str, *panels: str) -> None:
    """Write the picture of the command line."""
    pictures = []
    for panel in panels:
        caption, _, place = panel.partition("=")
        run, _, columns = place.partition(":")
        pictures.append((caption, folded(last_grid(run), int(columns) if columns else None)))
    side_by_side(pictures).save(out, optimize=True)


if __name__ == "__main__":
    main(*sys.argv[1:])

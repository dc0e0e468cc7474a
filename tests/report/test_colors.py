"""The colors of the page can be told from its ground: a contrast of 3:1 at least (WCAG 2.2, 1.4.11)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import gan_lightning.report

ASSETS = Path(gan_lightning.report.__file__).parent / "assets"
STATE = (ASSETS / "state.js").read_text(encoding="utf-8")
PANELS = dict(zip(("light", "dark"), re.findall(r"--panel: (#\w{6})", (ASSETS / "page.css").read_text()), strict=True))


def luminance(color: str) -> float:
    parts = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, light = sorted(map(luminance, (one, other)))
    return (light + 0.05) / (dark + 0.05)


def colors(start: str) -> list[str]:
    return re.findall(r"#\w{6}", STATE[STATE.index(start) :].split("]", 1)[0])


def test_contrast_is_that_of_the_standard():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_series_and_runs_can_be_seen_on_either_ground(theme: str):
    series, scale = colors("const COLORS"), colors(f"  {theme}: [")
    assert (len(series), len(scale)) == (8, 4)
    assert {
        color: contrast(color, PANELS[theme]) for color in (*series, *scale) if contrast(color, PANELS[theme]) < 3
    } == {}

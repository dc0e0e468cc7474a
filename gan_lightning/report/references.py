"""What a reached score is set beside: what parts of the real images score, and what was published."""

from __future__ import annotations

from dataclasses import dataclass

from gan_lightning.report.group import Group
from gan_lightning.report.verdict import number
from gan_lightning.runs.published import published_text


@dataclass(frozen=True)
class Reference:
    """A number beside a score.

    Attributes:
        name: what it is the score of.
        value: the number.
        text: the number and its spread.
        note: what else has to be said of it; may be empty.
    """

    name: str
    value: float
    text: str
    note: str = ""

    def __str__(self) -> str:
        return f"{self.name} {self.text}{f' ({self.note})' if self.note else ''}"


def references(group: Group, key: str) -> list[Reference]:
    """Return what the mean of a group in a score may be set beside."""
    found = []
    if (real := group.real_parts(key)) is not None:
        text = f"{number(real['mean'])} ± {real['std']:.2g}"
        found.append(Reference("real images", real["mean"], text, f"{real['first']:g} against {real['second']:g}"))
    for entry in group.expected:
        if entry.key == key and group.obstacle(entry) is None:
            found.append(Reference("published", entry.value, published_text(entry)))
    return found

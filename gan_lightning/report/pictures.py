"""The grids of samples and real images of a comparison, made small enough for one file."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, UnidentifiedImageError

from gan_lightning.report.group import Group
from gan_lightning.report.run import Run

BUDGET_BYTES = 2_400_000
"""Together with the libraries of the page and its curves less than 10 MB."""
_BYTES_PER_PIXEL = 0.26  # of WebP in base64, at the quality below; measured on small grids of digits
_QUALITY = 75


@dataclass(frozen=True)
class Plan:
    """How many pictures there can be, and how large.

    Attributes:
        side_px: the longer side.
        moments: pictures of each run.
        per_group: runs of each group; None: all.
    """

    side_px: int
    moments: int
    per_group: int | None


PLANS = (Plan(520, 24, None), Plan(400, 16, None), Plan(400, 16, 1), Plan(320, 12, 1), Plan(240, 8, 1), Plan(160, 4, 1))


@dataclass(frozen=True)
class Strip:
    """The pictures of samples of one run.

    Attributes:
        run: whose they are.
        moments: images seen, ascending.
        sources: one ``data:`` address for each.
    """

    run: Run
    moments: Sequence[int]
    sources: Sequence[str]


@dataclass(frozen=True)
class Pictures:
    """All pictures of a comparison.

    Attributes:
        strips: those of the samples, of each group.
        real: those of real images, each once: a ``data:`` address.
        real_of: which of these belongs to each group; None: none.
    """

    strips: Sequence[Sequence[Strip]]
    real: Sequence[str]
    real_of: Sequence[int | None]


def plan(groups: Sequence[Group], *, real: int = 0, budget_bytes: int = BUDGET_BYTES) -> Plan:
    """Return the first of ``PLANS`` whose pictures fit into the budget beside those of real images, or the last one."""
    for candidate in PLANS:
        shown = sum(min(candidate.moments, _count(run)) for group in groups for run in chosen(group, candidate))
        if (shown + real) * candidate.side_px**2 * _BYTES_PER_PIXEL <= budget_bytes:
            return candidate
    return PLANS[-1]


def chosen(group: Group, how: Plan) -> list[Run]:
    """Return the runs of a group that have pictures, those that count first, one for each seed."""
    counted = sorted(group.counted, key=lambda run: (run.seed is None, run.seed))
    runs = [*counted, *(run for run in group.runs if run.status != "finished")]
    return [run for run in runs if _count(run)][: how.per_group]


def pictures(groups: Sequence[Group], *, budget_bytes: int = BUDGET_BYTES) -> tuple[Pictures, list[str]]:
    """Return the pictures of all groups, and what could not be read.

    Groups are filled in their order; those beyond the budget have none, which a note says.
    """
    contents, real_of, problems = real_pictures(groups)
    how = plan(groups, real=len(contents), budget_bytes=budget_bytes)
    real = [shrunk(content, how.side_px) for content in contents]
    found, spent, left_out = [], sum(map(len, real)), 0
    for group in groups:
        mine: list[Strip] = []
        if spent < budget_bytes:
            for run in chosen(group, how):
                strip, complaints = _strip(run, how)
                problems += complaints
                spent += sum(map(len, strip.sources))
                mine.append(strip)
        else:
            left_out += 1
        found.append(mine)
    if left_out:
        problems.append(f"the pictures of the last {left_out} configurations are left out to keep the file small")
    return Pictures(found, real, real_of), problems


def real_pictures(groups: Sequence[Group]) -> tuple[list[bytes], list[int | None], list[str]]:
    """Return the files of real images, equal ones once; which is each group's; and what could not be read."""
    places: dict[bytes, int] = {}
    real_of: list[int | None] = []
    problems: list[str] = []
    for group in groups:
        content, complaints = _real_picture(group)
        problems += complaints
        real_of.append(None if content is None else places.setdefault(content, len(places)))
    return list(places), real_of, problems


def _real_picture(group: Group) -> tuple[bytes | None, list[str]]:
    """Return the first picture of real images that can be decoded: seeds share the images."""
    problems: list[str] = []
    for run in group.runs:
        try:
            content = None if run.details is None else run.details.real_picture()
            if content is not None:
                decoded(content)
                return content, problems
        except (OSError, ValueError) as error:
            problems.append(f"{run.place}: the picture of real images cannot be read: {error}")
    return None, problems


def _count(run: Run) -> int:
    return 0 if run.details is None else len(run.details.picture_moments())


def _strip(run: Run, how: Plan) -> tuple[Strip, list[str]]:
    assert run.details is not None
    moments, sources, problems = [], [], []
    for moment in spaced(run.details.picture_moments(), how.moments):
        try:
            sources.append(shrunk(run.details.picture(moment), how.side_px))
            moments.append(moment)
        except (OSError, ValueError) as error:
            problems.append(f"{run.place}: the picture at {moment} images cannot be read: {error}")
    return Strip(run, moments, sources), problems


def spaced(moments: Sequence[int], count: int) -> list[int]:
    """Return at most ``count`` of the moments, evenly spaced, the first and the last among them."""
    if len(moments) <= count:
        return list(moments)
    last = len(moments) - 1
    return [moments[round(index * last / (count - 1))] for index in range(count)]


def decoded(content: bytes) -> Image.Image:
    """Decode an image file.

    Raises:
        ValueError: if it is not an image, or cannot be decoded.
    """
    try:
        with Image.open(io.BytesIO(content)) as file:
            return file.convert("RGB")
    except UnidentifiedImageError as error:
        raise ValueError("it is not an image") from error
    except Exception as error:  # decoders raise all kinds of things on damaged files, and on images that are too large
        raise ValueError(f"{type(error).__name__}: {error}") from error


def shrunk(content: bytes, side_px: int) -> str:
    """Shrink an image file to a WebP picture of at most ``side_px``, in a ``data:`` address.

    Raises:
        ValueError: if it is not an image, or cannot be decoded.
    """
    picture = decoded(content)
    picture.thumbnail((side_px, side_px), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    picture.save(buffer, format="WEBP", quality=_QUALITY, method=2)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode()

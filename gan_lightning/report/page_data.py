"""What the page of a comparison shows, as plain data."""

from __future__ import annotations

import base64
import math
import shlex
import string
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gan_lightning.report.cells import duration, statuses, words
from gan_lightning.report.config_diff import ABSENT, TARGET, brief, shown_value
from gan_lightning.report.content import Comparison
from gan_lightning.report.curves import MIN_POINTS, Series, X, band, points_within, series
from gan_lightning.report.group import Group, Section
from gan_lightning.report.pictures import Strip, pictures
from gan_lightning.report.references import references
from gan_lightning.report.run import MOMENTS, Run
from gan_lightning.report.standing import standing

POINTS_BUDGET = 280_000
"""Of all curves together; a point takes 5.3 bytes, and its position more."""

MOST_CURVES = 1_000
"""Of a run; one of this package logs some tens, and a run of somebody else may have any number."""


def page_data(content: Comparison) -> tuple[dict[str, Any], list[str]]:
    """Return the data of the page's script, and what could not be read on the way."""
    rows, problems = _rows(content.runs)
    curves = {}
    for place, found in rows.items():
        curves[place] = dict(list((every := series(found)).items())[:MOST_CURVES])
        if len(every) > MOST_CURVES:
            problems.append(f"{place}: it has {len(every)} curves, of which the first {MOST_CURVES} are shown")
    arrays = sum(len(found) for found in curves.values()) + 3 * sum(
        len({key for run in group.runs for key in curves[run.place]}) for group in content.groups
    )
    points = points_within(POINTS_BUDGET, curves=arrays)
    shown, complaints = pictures(content.groups)
    grids = list(zip(shown.strips, shown.real_of, strict=True))
    names = letters(len(content.groups))
    sections, first = [], 0
    for section in content.sections:
        last = first + len(section.groups)
        groups = _groups(content, section, names[first:last], grids[first:last], curves, rows, points)
        sections.append({"label": _protocol_label(section), "groups": groups})
        first = last
    keys = [{"key": key, "higher": _higher(content, key)} for key in content.keys]
    settings = [{"key": short(key), "name": name} for key, name in brief(content.telling()).items()]
    data = {"moment": content.moment, "keys": keys, "settings": settings, "sections": sections, "real": shown.real}
    return data, [*problems, *complaints]


def _rows(runs: Sequence[Run]) -> tuple[dict[str, list[dict[str, Any]]], list[str]]:
    found: dict[str, list[dict[str, Any]]] = {}
    problems = []
    for run in runs:
        found[run.place] = []
        try:
            found[run.place] = [] if run.details is None else run.details.metrics()
        except ValueError as error:
            problems.append(f"{run.place}: its curves are missing: {error}")
    return found, problems


def _groups(
    content: Comparison,
    section: Section,
    names: Sequence[str],
    grids: Sequence[tuple[Sequence[Strip], int | None]],
    curves: Mapping[str, Mapping[str, Series]],
    rows: Mapping[str, Sequence[Mapping[str, Any]]],
    points: int,
) -> list[dict[str, Any]]:
    places = {(key, moment): standing(section, key, moment) for key in content.keys for moment in MOMENTS}
    made = []
    for index, group in enumerate(section.groups):
        scores: dict[str, dict[str, Any]] = {key: {} for key in content.keys}
        for (key, moment), place in places.items():
            found = place.spreads[index]
            if found is not None:
                scores[key][moment] = {
                    "mean": _number(found.mean),
                    "std": _number(found.std),
                    "low": _number(found.low),
                    "high": _number(found.high),
                    "best": _number(found.best),
                    "n": found.count,
                    "p": place.p_values[index],
                    "mark": place.mark(index),
                }
        strips, real = grids[index]
        made.append(
            {
                "id": names[index],
                "label": content.label(group),
                "name": group.names if content.named else "",
                "settings": own(content, group),
                "seeds": group.seeds,
                "status": statuses(group),
                "images_seen": max(run.images_seen for run in group.runs),
                "wall_time_s": _number(group.wall_time_s),
                "wall_time": duration(group.wall_time_s),
                "images_per_second": _number(group.images_per_second),
                "warnings": {words(kind): count for kind, count in group.warnings.items()},
                "scores": scores,
                "beside": {key: _beside(group, key) for key in content.keys},
                "runs": [_run(run, content) for run in group.runs],
                "curves": _curves(group, curves, points),
                "batch_size": _batch_size(group),
                "clock": _clock(group, rows),
                "pictures": [
                    {"seed": strip.run.seed, "moments": list(strip.moments), "sources": list(strip.sources)}
                    for strip in strips
                    if strip.sources
                ],
                "real": real,
            }
        )
    return made


def _beside(group: Group, key: str) -> list[dict[str, Any]]:
    return [
        {"name": found.name, "text": found.text, "note": found.note, "value": _number(found.value)}
        for found in references(group, key)
    ]


def _run(run: Run, content: Comparison) -> dict[str, Any]:
    return {
        "place": run.place,
        "seed": run.seed,
        "status": run.status,
        "problem": run.problem,
        "images_seen": run.images_seen,
        "wall_time_s": _number(run.wall_time_s),
        "wall_time": duration(run.wall_time_s),
        "images_per_second": _number(run.images_per_second),
        "warnings": [words(warning["kind"]) for warning in run.warnings],
        "copies": _copies(run),
        "tracker": run.tracker,
        "scores": {
            key: {m: _number(run.scores[m][key]["value"]) for m in MOMENTS if key in run.scores[m]}
            for key in content.keys
        },
    }


def _curves(group: Group, curves: Mapping[str, Mapping[str, Series]], points: int) -> dict[str, Any]:
    made = {}
    nothing = (np.empty(0), np.empty(0))
    for key in dict.fromkeys(key for run in group.runs for key in curves[run.place]):
        found = band([curves[run.place].get(key, nothing) for run in group.runs], points=points)
        made[key] = {"x": _packed(found.x, "f8"), "runs": [_packed(values, "f4") for values in found.runs]}
        if len(group.runs) > 1:
            made[key] |= {name: _packed(getattr(found, name), "f4") for name in ("mean", "low", "high")}
    return made


def _batch_size(group: Group) -> float | None:
    """Return the number of images of a discriminator update, if the configuration gives a number."""
    value = group.config.get("batch_size")
    return value if isinstance(value, int | float) and not isinstance(value, bool) and value > 0 else None


def _clock(group: Group, rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, Any]:
    """Return the hours of training by images seen, a mean over the runs."""
    clocks = []
    for run in group.runs:
        known = [row for row in rows[run.place] if isinstance(row.get("wall_time_s"), int | float)]
        clocks.append(
            (np.array([row[X] for row in known], float), np.array([row["wall_time_s"] for row in known], float))
        )
    found = band(clocks, points=MIN_POINTS)
    return {"x": _packed(found.x, "f8"), "hours": _packed(found.mean / 3600, "f4")}


def _copies(run: Run) -> dict[str, str]:
    """Return the commands that train the run again and that draw samples from its checkpoint, to be pasted."""
    found = {}
    if run.overrides is not None:
        found["command"] = shlex.join(["gan-train", *run.overrides])
    if run.checkpoint is not None:
        found["sample"] = shlex.join(["gan-sample", f"ckpt={run.checkpoint}"])
    return found


def _packed(values: np.ndarray, dtype: str) -> dict[str, str]:
    """Return an array as plotly.js reads it: little-endian, in base64."""
    return {"dtype": dtype, "bdata": base64.b64encode(values.astype(f"<{dtype}").tobytes()).decode()}


def own(content: Comparison, group: Group) -> dict[str, Any]:
    """Return the differing settings of a group; a part is named by its class."""
    values = {}
    for key in content.differing:
        value = group.config.get(key, ABSENT)
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        values[short(key)] = value if is_number else shown_value(key, value)
    return values


def short(key: str) -> str:
    """Return a dotted key without the ``_target_`` at its end."""
    return key.removesuffix(f".{TARGET}")


def letters(count: int) -> list[str]:
    """Return the groups' names: A, B, ..., Z, AA, AB, ..."""
    names = list(string.ascii_uppercase)
    while len(names) < count:
        names += [first + second for first in names[-26:] for second in string.ascii_uppercase]
    return names[:count]


def _higher(content: Comparison, key: str) -> bool:
    return any(section.higher_is_better(key) for section in content.sections)


def _protocol_label(section: Section) -> str:
    parts = [f"{key} with {', '.join(f'{k}={v}' for k, v in p.items())}" for key, p in section.protocols.items()]
    return "; ".join(parts)


def _number(value: float | None) -> float | None:
    """Replace what is not finite by None: JSON has no NaN, and a table sorts null last."""
    return value if value is not None and math.isfinite(value) else None

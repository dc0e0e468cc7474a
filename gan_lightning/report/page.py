"""A comparison as one HTML file that opens from disk: nothing is loaded from anywhere.

The curves are drawn by plotly.js, which the plotly package brings along, and the table by Tabulator, whose released
file lies beside this module. The page's own scripts only connect them.
"""

from __future__ import annotations

import datetime
import re
import secrets
from collections import Counter
from functools import cache
from importlib.resources import files
from typing import Any

from gan_lightning.core.strict_json import dumps
from gan_lightning.core.version import __version__
from gan_lightning.report.cells import equal_tables, shared_root, trouble_in, words
from gan_lightning.report.config_diff import ABSENT
from gan_lightning.report.content import STATED, Comparison, ending
from gan_lightning.report.page_data import letters, own, page_data, short

SCRIPTS = ("state.js", "table.js", "curves.js", "samples.js", "parallel.js", "main.js")
STYLES = ("page.css", "table.css")
MAX_COLUMNS = 40
"""Of the table of differing settings; more cannot be read."""


def as_html(content: Comparison, *, title: str = "Comparison of runs") -> str:
    """Return the whole report.

    Args:
        content: what it says.
        title: title of the page.
    """
    import jinja2
    from plotly.offline import get_plotlyjs

    data, problems = page_data(content)
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(_asset("page.html.j2")).render(
        title=title,
        nonce=secrets.token_urlsafe(16),
        created=datetime.datetime.now().astimezone().strftime("%Y-%m-%d %H:%M"),
        version=__version__,
        content=content,
        stated=STATED,
        equal_tables=equal_tables(content),
        counts=Counter(run.status for run in content.runs),
        notes=[note for note in content.notes if note not in map(ending, content.runs)] + problems,
        troubles=_troubles(content),
        differences=_differences(content),
        shared=_shared(content),
        data=dumps(data).replace("<", "\\u003c"),  # no text of a run can end the script
        styles=[_asset("vendor/tabulator_simple.min.css"), *map(_asset, STYLES)],
        scripts=[get_plotlyjs(), _asset("vendor/tabulator.min.js"), "\n".join(map(_asset, SCRIPTS))],
    )


@cache
def _asset(name: str) -> str:
    text = (files("gan_lightning.report") / "assets" / name).read_text(encoding="utf-8")
    return re.sub(r"(?m)^(//|/\*)# sourceMappingURL=.*$", "", text)  # a browser's tools would look for that file


def _named(content: Comparison) -> dict[str, str]:
    """Place of a run to the letter of its group."""
    groups = content.groups
    return {run.place: name for name, group in zip(letters(len(groups)), groups, strict=True) for run in group.runs}


def _troubles(content: Comparison) -> list[dict[str, Any]]:
    """Return what went wrong: runs that did not end well, then each kind of problem in a configuration's runs."""
    names, root = _named(content), shared_root([run.place for run in content.runs])
    found: list[dict[str, Any]] = [
        {
            "group": names.get(run.place, ""),
            "place": run.place.removeprefix(root),
            "what": run.status,
            "ended": True,
            "message": ending(run).removeprefix(f"{run.place}: "),
        }
        for run in content.runs
        if run.status != "finished"
    ]
    for group in content.groups:
        for kind in group.warnings:
            seen = trouble_in(group, kind)
            name = names[group.runs[0].place]
            found.append({"group": name, "what": words(kind), "seen": seen, "of": len(group.runs)})
    return found


def _differences(content: Comparison) -> dict[str, Any]:
    """Return the differing settings: one row per key, one column per group, and whether a value is the usual one."""
    groups = content.groups[:MAX_COLUMNS]
    values = [own(content, group) for group in groups]
    rows = []
    for key in map(short, content.differing):
        usual, count = Counter(str(value[key]) for value in values).most_common(1)[0]
        cells = [
            {"text": _shown(v[key]), "own": count == 1 or str(v[key]) != usual, "absent": v[key] == ABSENT}
            for v in values
        ]
        rows.append({"key": key, "cells": cells})
    return {"names": letters(len(groups)), "rows": rows, "left_out": len(content.groups) - len(groups)}


def _shared(content: Comparison) -> dict[str, Any]:
    """Return the settings in which all groups agree."""
    configs = [group.config for group in content.groups]
    if not configs:
        return {}
    return {key: value for key, value in configs[0].items() if all(c.get(key, ABSENT) == value for c in configs)}


def _shown(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)

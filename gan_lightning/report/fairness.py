"""Whether the groups of a section ran the same race: over as many images, with generators of one size, looked at alike.

A score at the end of twice as many images says nothing of the method. Where races differ, a table marks it, a sentence
says in what, and nothing is called significant. A second table compares them where they have all been: at the last
number of images at which every one of them was evaluated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gan_lightning.report.group import Group, Section
from gan_lightning.report.run import Run

TOLERANCE = 0.02
"""Relative difference up to which numbers of images count as equal: a run ends with a whole batch."""

PARAMETERS = 0.1
"""Relative difference up to which generators count as equally large: one latent more makes no other network."""


@dataclass(frozen=True)
class Race:
    """What a group ran; None: unknown, as of a record of an older version, and no difference.

    Attributes:
        budget: images of the whole training.
        images_seen: by the finished runs, on average.
        parameters: number of the generator's parameters.
        cadence: images between two evaluations.
    """

    budget: float | None
    images_seen: float | None
    parameters: float | None
    cadence: float | None


def race(group: Group) -> Race:
    """Read off the finished runs of a group what they ran."""
    runs = group.counted
    every = group.runs[0].settings.get("callbacks.evaluation.every_kimg")
    return Race(
        budget=_mean([run.budget_images for run in runs]),
        images_seen=_mean([run.images_seen for run in runs]),
        parameters=_mean([run.generator_parameters for run in runs]),
        cadence=float(every) * 1000 if isinstance(every, (int, float)) else None,
    )


def _mean(values: Sequence[int | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def differences(one: Race, other: Race) -> list[str]:
    """Say in what two races differ, such as ``budget 64 against 128 kimg``; empty where they are equal."""
    rows = (
        ("budget", one.budget, other.budget, _kimg, TOLERANCE),
        ("images seen", one.images_seen, other.images_seen, _kimg, TOLERANCE),
        ("evaluation every", one.cadence, other.cadence, _kimg, TOLERANCE),
        ("generator", one.parameters, other.parameters, _parameters, PARAMETERS),
    )
    return [
        f"{name} {unit(first, second)}"
        for name, first, second, unit, tolerance in rows
        if first is not None and second is not None and abs(first - second) > tolerance * max(first, second)
    ]


def _kimg(first: float, second: float) -> str:
    return f"{first / 1000:.4g} against {second / 1000:.4g} kimg"


def _parameters(first: float, second: float) -> str:
    return f"of {first / 1e6:.3g} against {second / 1e6:.3g} million parameters"


def unequal(section: Section) -> list[str]:
    """Return in what the races of a section differ at all, by name."""
    races = [race(group) for group in section.groups if group.counted]
    pairs = [differences(races[0], other) for other in races[1:]]
    heads = ("budget", "images seen", "evaluation every", "generator")
    named = {"evaluation every": "evaluation cadence", "generator": "size of the generator"}
    return [named.get(head, head) for head in heads if any(d.startswith(head) for pair in pairs for d in pair)]


def at_equal_images(section: Section) -> tuple[int, Section] | None:
    """Return the last number of images at which all groups were evaluated, and the section as it stood there.

    None where the finished runs have seen equally many images at their ends, or where there is no such number.
    """
    groups = [group for group in section.groups if group.counted]
    runs = [run for group in groups for run in group.counted]
    if len(groups) < 2 or not any(_far(run.images_seen, runs[0].images_seen) for run in runs):
        return None
    moments = sorted({moment for run in runs for moment in run.evaluations}, reverse=True)
    for moment in moments:
        found = [_evaluated_at(run, moment) for run in runs]
        if all(entry is not None for entry in found):
            then = [replace(group, runs=[_as_it_stood(run, moment) for run in group.counted]) for group in groups]
            return moment, Section(then, section.protocols)
    return None


def _far(one: float, other: float) -> bool:
    return abs(one - other) > TOLERANCE * max(one, other)


def _evaluated_at(run: Run, moment: int) -> int | None:
    """Return the evaluation of a run that is nearest to a number of images and not farther than ``TOLERANCE``."""
    near = [seen for seen in run.evaluations if not _far(seen, moment)]
    return min(near, key=lambda seen: abs(seen - moment), default=None)


def _as_it_stood(run: Run, moment: int) -> Run:
    seen = _evaluated_at(run, moment)
    assert seen is not None
    values = run.evaluations[seen]
    known = {**run.scores["best"], **run.scores["final"]}
    final = {key: {**known[key], "value": value} for key, value in values.items() if key in known}
    return replace(run, images_seen=seen, scores={"final": final, "best": {}})

"""A reached score beside the published one, or why the two may not be compared. Pure, and without torch."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from gan_lightning.config.expected import Expected

_KEY = re.compile(r"([a-z_]+?)(\d+k?)(?:_(.*))?")


class Protocol(NamedTuple):
    """What the key of a score says of its protocol.

    Attributes:
        score: such as ``fid``.
        samples: number of generated samples, as the key has it.
        against: what they are compared with, split and features; of points, the mixture.
        preset: name at the end of the key, or "none".
    """

    score: str
    samples: str
    against: str
    preset: str


_WORDS = Protocol("score", "number of samples", "against", "preset")


def protocol_of(key: str, *, preset: str | None) -> Protocol | None:
    """Take the key of a score apart; None for a key of another form.

    Args:
        key: such as ``fid50k_train_legacy_tf``.
        preset: the preset's name, if the score has one.
    """
    match = _KEY.fullmatch(key)
    if match is None:
        return None
    rest = match[3] or ""
    end = "" if preset is None else preset.replace("-", "_")
    if not end or not f"_{rest}".endswith(f"_{end}"):
        return Protocol(match[1], match[2], rest or "nothing", "none")
    return Protocol(match[1], match[2], rest.removesuffix(end).rstrip("_") or "nothing", end)


def obstacle(
    expected: Expected,
    measured: Mapping[str, Mapping[str, Any]],
    *,
    images_seen: int,
    budget_images: int | None,
) -> str | None:
    """Say why a published score may not be compared with the reached one, or return None.

    Args:
        expected: the published score.
        measured: keys of the scores that there are to their protocols.
        images_seen: how far training had come.
        budget_images: how far it was to come; None: unknown.
    """
    if expected.other_data is not None:
        return f"of other data: {expected.other_data}"
    if expected.key not in measured:
        return _other_protocol(expected, measured)
    needed = max(budget_images or 0, round(1000 * (expected.kimg or 0)))
    if images_seen < needed:
        return f"budget not reached: stopped at {images_seen / 1000:g} of {needed / 1000:g} kimg"
    return None


def _other_protocol(expected: Expected, measured: Mapping[str, Mapping[str, Any]]) -> str:
    remedy = "" if expected.preset is None else f"; gan-evaluate with evaluator={expected.preset} measures it"
    wanted = protocol_of(expected.key, preset=expected.preset)
    for key, facts in measured.items():
        found = protocol_of(key, preset=facts.get("protocol"))
        if wanted is None or found is None or found.score != wanted.score:
            continue
        differing = [
            f"{word} {here}, not {there}"
            for word, here, there in zip(_WORDS, found, wanted, strict=True)
            if here != there
        ]
        return f"{key} has another protocol: {', '.join(differing)}{remedy}"
    return f"not measured{remedy}"


def published_text(expected: Expected) -> str:
    """Return the published number with its spread."""
    return f"{expected.value:.4g}" if expected.spread is None else f"{expected.value:.4g} ± {expected.spread:.2g}"


def beside(expected: Expected, *, reached: str, reason: str | None) -> str:
    """Return the sentence that sets a reached score beside the published one.

    Args:
        expected: the published score.
        reached: the reached one as text; of no effect with a ``reason``.
        reason: what ``obstacle`` returned.
    """
    origin = "; ".join(part for part in (expected.source, expected.note) if part)
    published = f"published {published_text(expected)} ({origin})"
    if reason is None:
        return f"{expected.key}: reached {reached}, {published}"
    return f"{expected.key}: {published}, not compared: {reason}"

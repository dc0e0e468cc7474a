"""Which evaluation of a run was the best, by one rule for the record, the checkpoint and the sweep."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gan_lightning.metrics.scores import Score

Entry = dict[str, Any]
"""A score as ``results.json`` holds it: value, stderr, higher_is_better, protocol, images_seen."""


def entry_of(score: Score, images_seen: int) -> Entry:
    """Return a score as plain data; its key is left to the table that holds it."""
    content = asdict(score)
    del content["key"]
    return {**content, "images_seen": images_seen}


def is_better(value: float, than: float, *, higher_is_better: bool) -> bool:
    """Return whether ``value`` beats ``than``; NaN never wins, and everything else beats NaN."""
    if math.isnan(value):
        return False
    if math.isnan(than):
        return True
    return value > than if higher_is_better else value < than


def beats(new: Mapping[str, Any], old: Mapping[str, Any] | None) -> bool:
    """Return whether an entry takes the place of the best one so far.

    NaN is never the best. Values of two protocols have no order, so the first value of another one is its best.
    """
    if math.isnan(new["value"]):
        return False
    if old is None or old["protocol"] != new["protocol"]:
        return True
    return is_better(new["value"], old["value"], higher_is_better=new["higher_is_better"])


class BestScores:
    """The best value of each score, and of the score that a run is judged by: the first of its evaluator.

    A run record owns one; the evaluation callback tells it of every evaluation and asks it whether to save.

    Attributes:
        judge: key of the score that the run is judged by, or None before the first evaluation.
        entries: the best entry of each score, by key.
    """

    def __init__(self) -> None:
        self.judge: str | None = None
        self.entries: dict[str, Entry] = {}
        self._former: Entry | None = None

    def enter(self, images_seen: int, scores: Sequence[Score]) -> bool:
        """Enter an evaluation; return whether the score that the run is judged by has improved.

        Args:
            images_seen: when it was.
            scores: scores of the evaluation, in its order.
        """
        improved = False
        for place, score in enumerate(scores):
            entry, old = entry_of(score, images_seen), self.entries.get(score.key)
            if place == 0:
                self.judge, self._former = score.key, old
            if beats(entry, old):
                self.entries[score.key] = entry
                improved = improved or place == 0
        return improved

    def withdraw(self) -> None:
        """Take back the last improvement of the score that the run is judged by: its state could not be kept."""
        assert self.judge is not None
        if self._former is None:
            del self.entries[self.judge]
        else:
            self.entries[self.judge] = self._former

    @property
    def judged(self) -> Entry | None:
        """The best entry of the score that the run is judged by; ``best.ckpt`` holds its state."""
        return None if self.judge is None else self.entries.get(self.judge)

    @property
    def objective(self) -> float | None:
        """What a sweep minimizes: the best value that the run is judged by, its sign turned if higher is better."""
        best = self.judged
        if best is None:
            return None
        return -best["value"] if best["higher_is_better"] else best["value"]

    def state_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {"judge": self.judge, "entries": copy.deepcopy(self.entries)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from what ``state_dict`` returned."""
        self.judge = state["judge"]
        self.entries = copy.deepcopy(dict(state["entries"]))

"""What the detectors have seen so far, and which trouble lasts: plain data that a checkpoint can hold."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Any

from gan_lightning.callbacks.health import detectors
from gan_lightning.callbacks.health.trouble import Present, Trouble

_USUAL = 3
"""Rows whose median is the usual norm of the gradient."""


class Monitor:
    """Keeps the recent past of a run and names its troubles.

    Args:
        batch: real samples per discriminator update, on one process.
        budget_images: images that the run will see; None: unknown.
        present: what the run has against troubles.

    Attributes:
        troubles: every kind of trouble that was seen, in the order of its first appearance.
        lasting: what the detectors see now, in words, by detector.
    """

    def __init__(self, *, batch: int, budget_images: int | None, present: Present) -> None:
        self.batch = batch
        self.budget_images = budget_images
        self.present = present
        self.troubles: dict[str, Trouble] = {}
        self.lasting: dict[str, str] = {}
        self._accuracy: deque[float] = deque(maxlen=detectors.LONG_WINDOW)
        self._gradient: deque[float] = deque(maxlen=detectors.WINDOW)
        self._critic_gradient: deque[float] = deque(maxlen=detectors.WINDOW)
        self._usual_gradient = 0.0
        self._right_rows = 0
        self._right_since = 0
        self._started = False
        self._looks: dict[str, list[float]] = {"diversity": [], "overfitting": [], "memorised": []}
        self._first_mature: int | None = None

    @property
    def kinds(self) -> list[str]:
        """The kinds of trouble that last now."""
        return list(dict.fromkeys(_KIND_OF[detector] for detector in self.lasting))

    def row(self, images_seen: int, *, accuracy: float, gradient: float, critic_gradient: float) -> list[Trouble]:
        """Enter a logged row: the discriminator's accuracy, and the norms of the generator's gradient and of its own.

        Returns:
            Trouble that has begun with this row.
        """
        if not all(map(math.isfinite, (accuracy, gradient, critic_gradient))):
            return []  # half precision skips such a step, and otherwise the losses will end the run
        self._accuracy.append(accuracy)
        self._critic_gradient.append(critic_gradient)
        self._gradient.append(gradient)
        accuracies, gradients = list(self._accuracy), list(self._gradient)
        usual = median(gradients[-_USUAL:]) if len(gradients) >= _USUAL else detectors.FIRST * gradients[0]
        self._usual_gradient = max(self._usual_gradient, usual)
        self._right_rows = self._right_rows + 1 if accuracy >= detectors.ALWAYS and not self.present.critic else 0
        self._right_since = self._right_since if self._right_rows > 1 else images_seen
        self._started = self._started or accuracy >= 0.5 or self._progress(images_seen) >= detectors.GRACE
        return self._enter(
            images_seen,
            {
                "overpowering": detectors.discriminator_overpowers(
                    accuracies, gradients, reference=self._usual_gradient
                ),
                "always_right": detectors.always_right(rows=self._right_rows, images=images_seen - self._right_since),
                "overpowered": detectors.generator_overpowers(accuracies, started=self._started),
                "oscillation": detectors.oscillates(accuracies, batch=self.batch),
                "death": detectors.dies(gradients, list(self._critic_gradient)),
            },
        )

    def look(
        self, images_seen: int, *, diversity: float, overfitting: float | None, memorised: float | None
    ) -> list[Trouble]:
        """Enter what was measured at samples; see ``Look``."""
        if math.isfinite(diversity):
            if self._first_mature is None and self._progress(images_seen) >= detectors.GRACE:
                self._first_mature = len(self._looks["diversity"])
            self._looks["diversity"].append(diversity)
        if (
            overfitting is not None
            and memorised is not None
            and math.isfinite(overfitting)
            and math.isfinite(memorised)
        ):
            self._looks["overfitting"].append(overfitting)
            self._looks["memorised"].append(memorised)
        return self._enter(
            images_seen,
            {
                "explosion": detectors.explodes(self._looks["diversity"]),
                "diversity": detectors.collapses(self._looks["diversity"], first_mature=self._first_mature),
                "overfitting": detectors.overfits(self._looks["overfitting"], self._looks["memorised"]),
            },
        )

    def classes(self, images_seen: int, fractions: Sequence[float], expected: Sequence[float]) -> list[Trouble]:
        """Enter the share of each class among generated and real samples."""
        progress = self._progress(images_seen)
        return self._enter(images_seen, {"classes": detectors.misses_classes(fractions, expected, progress=progress)})

    def modes(
        self, images_seen: int, fractions: Sequence[float], *, covered: float | None, high_quality: float | None
    ) -> list[Trouble]:
        """Enter what is known of samples of a distribution whose modes are known; see ``detectors.misses_modes``."""
        seen = detectors.misses_modes(
            fractions, covered=covered, high_quality=high_quality, progress=self._progress(images_seen)
        )
        return self._enter(images_seen, {"modes": seen})

    def diverged(self, images_seen: int, message: str) -> list[Trouble]:
        """Enter the end of a run that has diverged."""
        return self._enter(images_seen, {"divergence": message})

    def _progress(self, images_seen: int) -> float:
        return 1.0 if self.budget_images is None else images_seen / self.budget_images

    def _enter(self, images_seen: int, seen: Mapping[str, str | None]) -> list[Trouble]:
        before = set(self.kinds)
        for detector, message in seen.items():
            if message is None:
                self.lasting.pop(detector, None)
                continue
            self.lasting[detector] = message
            kind = _KIND_OF[detector]
            known = self.troubles.get(kind)
            self.troubles[kind] = (
                Trouble.seen(kind, message, images_seen, present=self.present)
                if known is None
                else known.again(message, images_seen)
            )
        return [self.troubles[kind] for kind in self.kinds if kind not in before]

    def state_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "troubles": [trouble.as_dict() for trouble in self.troubles.values()],
            "lasting": dict(self.lasting),
            "accuracy": list(self._accuracy),
            "gradient": list(self._gradient),
            "critic_gradient": list(self._critic_gradient),
            "usual_gradient": self._usual_gradient,
            "right_rows": self._right_rows,
            "right_since": self._right_since,
            "started": self._started,
            "looks": {name: list(values) for name, values in self._looks.items()},
            "first_mature": self._first_mature,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what ``state_dict`` returned."""
        entries: Iterable[Mapping[str, Any]] = state["troubles"]
        self.troubles = {entry["kind"]: Trouble(**entry) for entry in entries}
        self.lasting = dict(state["lasting"])
        self._accuracy = deque(state["accuracy"], maxlen=detectors.LONG_WINDOW)
        self._gradient = deque(state["gradient"], maxlen=detectors.WINDOW)
        self._critic_gradient = deque(state["critic_gradient"], maxlen=detectors.WINDOW)
        self._usual_gradient = state["usual_gradient"]
        self._right_rows = state["right_rows"]
        self._right_since = state["right_since"]
        self._started = state["started"]
        self._looks = {name: list(values) for name, values in state["looks"].items()}
        self._first_mature = state["first_mature"]


_KIND_OF = {
    "overpowering": "discriminator_overpowering",
    "always_right": "discriminator_overpowering",
    "overpowered": "generator_overpowering",
    "diversity": "mode_collapse",
    "classes": "mode_collapse",
    "modes": "mode_collapse",
    "overfitting": "discriminator_overfitting",
    "divergence": "divergence",
    "explosion": "divergence",
    "death": "divergence",
    "oscillation": "oscillation",
}
"""Detector to the kind of trouble that it is evidence of."""

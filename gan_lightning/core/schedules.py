"""Hyper-parameters over images seen. Schedules hold no state, so a resumed run needs nothing restored."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


class Schedule:
    """A number that changes with the images seen."""

    def value(self, images_seen: int, budget_images: int | None) -> float:
        """Return the value at ``images_seen`` real images of ``budget_images`` (None: no budget)."""
        raise NotImplementedError

    @property
    def smallest(self) -> float:
        """Return the smallest value that the schedule takes."""
        raise NotImplementedError


Scalar = float | Schedule
"""What every scalar hyper-parameter is: a number, or a schedule of one."""


def value_at(scalar: Scalar, images_seen: int, budget_images: int | None) -> float:
    """Return the number that ``scalar`` is at ``images_seen``."""
    return scalar.value(images_seen, budget_images) if isinstance(scalar, Schedule) else scalar


def smallest_of(scalar: Scalar) -> float:
    """Return the smallest number that ``scalar`` is at any time."""
    return scalar.smallest if isinstance(scalar, Schedule) else scalar


def is_scheduled(argument: Any) -> bool:
    """Say whether an argument is a schedule, or a pair or list that holds one."""
    if isinstance(argument, list | tuple):
        return any(isinstance(item, Schedule) for item in argument)
    return isinstance(argument, Schedule)


def arguments_at(arguments: Mapping[str, Any], images_seen: int, budget_images: int | None) -> dict[str, Any]:
    """Return arguments with the number of the moment in place of each schedule, those inside pairs included."""

    def resolved(argument: Any) -> Any:
        if not is_scheduled(argument):
            return argument
        if isinstance(argument, Schedule):
            return argument.value(images_seen, budget_images)
        return tuple(value_at(item, images_seen, budget_images) for item in argument)

    return {name: resolved(argument) for name, argument in arguments.items()}


class Constant(Schedule):
    """Always 1: a learning rate that does not change."""

    def value(self, images_seen: int, budget_images: int | None) -> float:
        """Return 1."""
        return 1.0

    @property
    def smallest(self) -> float:
        """Return 1."""
        return 1.0


class Linear(Schedule):
    """A straight line from ``initial`` at ``start_kimg`` to ``final`` at ``end_kimg``, constant before and after.

    Args:
        start_kimg: thousands of images at which the change begins.
        end_kimg: thousands of images at which it ends; None: the budget of the run.
        initial: value before the change; 1 for a factor of a learning rate.
        final: value after it.

    Raises:
        ValueError: if the change would end before it begins.
    """

    def __init__(
        self, *, start_kimg: float = 0.0, end_kimg: float | None = None, initial: float = 1.0, final: float = 0.0
    ) -> None:
        if end_kimg is not None and end_kimg <= start_kimg:
            raise ValueError(f"schedule.end_kimg must be above start_kimg={start_kimg}, got {end_kimg}")
        self.start_kimg = start_kimg
        self.end_kimg = end_kimg
        self.initial = initial
        self.final = final

    def progress(self, images_seen: int, budget_images: int | None) -> float:
        """Return how much of the change is done, from 0 to 1."""
        start, end = self.start_kimg * 1000, budget_images if self.end_kimg is None else self.end_kimg * 1000
        if end is None:
            raise ValueError("schedule.end_kimg must be given: the run has no budget to take it from")
        if end <= start:
            return float(images_seen >= start)
        return min(max((images_seen - start) / (end - start), 0.0), 1.0)

    def value(self, images_seen: int, budget_images: int | None) -> float:
        """Return initial + (final - initial) * progress."""
        return self.initial + (self.final - self.initial) * self.progress(images_seen, budget_images)

    @property
    def smallest(self) -> float:
        """Return the smaller end."""
        return min(self.initial, self.final)


class Cosine(Linear):
    """As ``Linear``, along half a cosine: final + (initial - final) * (1 + cos(pi * progress)) / 2."""

    def value(self, images_seen: int, budget_images: int | None) -> float:
        """Return the value at ``images_seen``."""
        wave = (1.0 + math.cos(math.pi * self.progress(images_seen, budget_images))) / 2
        return self.final + (self.initial - self.final) * wave


class EpochDecay(Schedule):
    """1 for the first epochs, then one equal step down after each further epoch, as pix2pix and CycleGAN have it.

    With n constant and m decaying epochs the value in epoch e, counted from 0, is 1 - max(0, e + 1 - n) / (m + 1):
    1/(m + 1) in the last one. The budget of the run stands for the n + m epochs, whatever the size of the data set.

    Args:
        constant_epochs: n; 100 in both papers.
        decay_epochs: m; likewise.

    Raises:
        ValueError: if either is below 1.
    """

    def __init__(self, *, constant_epochs: int = 100, decay_epochs: int = 100) -> None:
        for key, value in (("constant_epochs", constant_epochs), ("decay_epochs", decay_epochs)):
            if value < 1:
                raise ValueError(f"schedule.{key} must be at least 1, got {value}")
        self.constant_epochs = constant_epochs
        self.decay_epochs = decay_epochs

    def value(self, images_seen: int, budget_images: int | None) -> float:
        """Return the value of the epoch that ``images_seen`` falls into."""
        if budget_images is None:
            raise ValueError("EpochDecay divides the run's budget into epochs, and the run has no budget")
        epochs = self.constant_epochs + self.decay_epochs
        epoch = min(images_seen * epochs // budget_images, epochs - 1)
        return 1.0 - max(0, epoch + 1 - self.constant_epochs) / (self.decay_epochs + 1)

    @property
    def smallest(self) -> float:
        """Return the value of the last epoch."""
        return 1 / (self.decay_epochs + 1)


class Exponential(Schedule):
    """max(2^(-kimg / halflife_kimg), final).

    Args:
        halflife_kimg: thousands of images after which the value has halved.
        final: smallest value.

    Raises:
        ValueError: unless ``halflife_kimg`` is positive and ``final`` in [0, 1].
    """

    def __init__(self, *, halflife_kimg: float, final: float = 0.0) -> None:
        if halflife_kimg <= 0:
            raise ValueError(f"schedule.halflife_kimg must be positive, got {halflife_kimg}")
        if not 0 <= final <= 1:
            raise ValueError(f"schedule.final must be between 0 and 1, got {final}")
        self.halflife_kimg = halflife_kimg
        self.final = final

    def value(self, images_seen: int, budget_images: int | None) -> float:
        """Return the value at ``images_seen``."""
        return max(2.0 ** (-images_seen / (self.halflife_kimg * 1000)), self.final)

    @property
    def smallest(self) -> float:
        """Return ``final``."""
        return self.final


class Warmup(Schedule):
    """A straight line from 0 to 1 over the first ``warmup_kimg``, times another schedule.

    Args:
        warmup_kimg: thousands of images until the full value.
        then: the schedule that is multiplied by the ramp; None: constant.

    Raises:
        ValueError: unless ``warmup_kimg`` is positive.
    """

    def __init__(self, *, warmup_kimg: float, then: Schedule | None = None) -> None:
        if warmup_kimg <= 0:
            raise ValueError(f"schedule.warmup_kimg must be positive, got {warmup_kimg}")
        self.warmup_kimg = warmup_kimg
        self.then = then or Constant()

    def value(self, images_seen: int, budget_images: int | None) -> float:
        """Return the value at ``images_seen``."""
        ramp = min(images_seen / (self.warmup_kimg * 1000), 1.0)
        return ramp * self.then.value(images_seen, budget_images)

    @property
    def smallest(self) -> float:
        """Return 0, where the ramp begins, or what lies below it."""
        return min(0.0, self.then.smallest)

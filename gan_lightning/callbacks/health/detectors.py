"""What counts as trouble: functions of logged numbers, each with its threshold and the reason for it.

A detector returns what it saw in words, or None. The series that it reads hold one value per logged row, or per
look at samples, the newest last. No threshold refers to the size of a logit: a critic's logits have no bound. The
discriminator is judged by its accuracy, the share of (real, fake) pairs that it ranks right, which reads the same
for every loss.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from statistics import median

WINDOW = 10
"""Logged rows that a state must last: a batch's accuracy is noisy, and a single bad step is not trouble."""

NEAR_ONE = 0.98
"""Accuracy from which the discriminator has won. Alone it means nothing: a good critic of WGAN reaches 1."""

VANISHED = 0.02
"""Share of its usual norm to which the generator's gradient must have shrunk, besides."""

FIRST = 0.005
"""Share of its norm at the first step that counts as usual; an untrained pair's norm is often large."""

ALWAYS = 0.995
"""Accuracy that counts as always right: a batch of 16 may rank one pair wrong."""

MANY_IMAGES = 50_000
"""Images over which a discriminator that is always right has nothing left to teach, whatever the gradient's norm."""

FOOLED = 0.3
"""Accuracy below which fakes look more real than real samples do. 0.5 is the equilibrium that everybody wants."""

EXPLODED = 30.0
"""Mean distance between two samples, in multiples of that between two real ones, from which a generator has diverged.

Only samples without bounds, such as points, can get there.
"""

SWING = 0.25
"""How far the accuracy must go above and below 0.5 for a swing of the game."""

SWINGS = 4
"""Crossings from one side to the other, within ``LONG_WINDOW`` rows, that make an oscillation."""

LONG_WINDOW = 40

COLLAPSED = 0.25
"""Mean distance between two samples of the generator, as a share of that between two real ones.

Healthy generators lie between 0.7 and 1.1.
"""

DIVERSE = 0.5
"""Diversity from which a fall below ``COLLAPSED`` is one, however early in the run."""

LOOKS = 3
"""Looks at samples in a row that a state must last."""

GRACE = 0.1
"""Share of the budget before which nothing is expected of the players.

Samples of an untrained generator may all be alike, and an untrained discriminator may prefer them.
"""

MISSING = 0.1
"""A class is missing if it has less than this share of what it should have."""

LOOKED_AT_QUALITY = 0.5
"""Share of samples near a mode from which uncovered modes are a collapse, and not just poor samples."""

MATURE = 0.25
"""Share of the budget from which all classes should be there."""

OVERFIT = 0.5
"""r_v of ADA (Karras 2020, arXiv 2006.06676, equation 1): 0 without overfitting, 1 if held-out samples look fake."""

MEMORIZED = 0.8
"""Share of (training, held-out) pairs from which the discriminator knows the training set, besides.

r_v alone says nothing where samples are good: the demo's discriminator can hardly tell anything apart, and what is
left of its opinion is mostly memory (r_v 0.7, and 0.6 of the pairs).
"""


def discriminator_overpowers(
    accuracy: Sequence[float], generator_grad_norm: Sequence[float], *, reference: float
) -> str | None:
    """Report a discriminator that ranks nearly everything right while the generator's gradient has vanished.

    Arjovsky and Bottou 2017 (arXiv 1701.04862), theorem 2.4.

    Args:
        accuracy: in [0, 1].
        generator_grad_norm: global norms.
        reference: the norm that was usual earlier in the run.
    """
    if len(accuracy) < WINDOW:
        return None
    right, norm = median(accuracy[-WINDOW:]), median(generator_grad_norm[-WINDOW:])
    if right < NEAR_ONE or not norm < VANISHED * reference:
        return None
    return (
        f"the discriminator overpowers the generator: it ranks {right:.1%} of the pairs right, "
        f"and the generator's gradient norm fell from {reference:.2g} to {norm:.2g}"
    )


def always_right(*, rows: int, images: int) -> str | None:
    """Report a discriminator that has ranked everything right for long, as one that knows few images by heart does.

    Not for critics, of whose logits only differences mean anything: a good one is always right.

    Args:
        rows: logged rows in a row, up to now, whose accuracy is ``ALWAYS`` or more.
        images: number of images between the first and the last of them.
    """
    if rows < WINDOW or images < MANY_IMAGES:
        return None
    return (
        f"the discriminator overpowers the generator: over the last {images:,} images it ranked "
        f"{ALWAYS:.1%} of the pairs right or more"
    )


def generator_overpowers(accuracy: Sequence[float], *, started: bool) -> str | None:
    """Report a discriminator that ranks fakes above real samples most of the time: it does not keep up.

    Args:
        accuracy: in [0, 1].
        started: whether the discriminator has once been right, or has had its time to be.
    """
    if len(accuracy) < WINDOW or not started:
        return None
    right = median(accuracy[-WINDOW:])
    if right >= FOOLED:
        return None
    return f"the generator overpowers the discriminator, which ranks only {right:.1%} of the pairs right"


def oscillates(accuracy: Sequence[float], *, batch: int) -> str | None:
    """Report players that take turns in winning: the accuracy swings across 0.5 and back.

    Mescheder et al. 2018 (arXiv 1801.04406), section 2: the unregularised game circles around its equilibrium.

    Args:
        accuracy: in [0, 1].
        batch: samples of either kind in a batch, which bound how precise an accuracy is.
    """
    # standard deviation of the Mann-Whitney statistic of two samples of one distribution, over their pairs
    noise = math.sqrt((2 * batch + 1) / (12 * batch * batch))
    margin = max(SWING, 3.5 * noise)
    sides = [accurate > 0.5 for accurate in accuracy[-LONG_WINDOW:] if abs(accurate - 0.5) > margin]
    crossings = sum(before != after for before, after in pairwise(sides))
    if crossings < SWINGS:
        return None
    return (
        f"the players oscillate: within the last {min(len(accuracy), LONG_WINDOW)} logged rows the discriminator's "
        f"accuracy swung {crossings} times between {min(accuracy[-LONG_WINDOW:]):.0%} and "
        f"{max(accuracy[-LONG_WINDOW:]):.0%}"
    )


def dies(generator_grad_norm: Sequence[float], discriminator_grad_norm: Sequence[float]) -> str | None:
    """Report gradients that are exactly zero in both networks: no unit responds any more.

    Args:
        generator_grad_norm: global norms.
        discriminator_grad_norm: likewise.
    """
    if len(generator_grad_norm) < WINDOW or any([*generator_grad_norm[-WINDOW:], *discriminator_grad_norm[-WINDOW:]]):
        return None
    return "the players have stopped learning: the gradients of both are zero"


def explodes(diversity: Sequence[float]) -> str | None:
    """Report samples that are much farther apart than real ones.

    Args:
        diversity: mean distance between two samples, as a share of that between two real ones.
    """
    recent = diversity[-LOOKS:]
    if len(recent) < LOOKS or min(recent) <= EXPLODED:
        return None
    return f"the generator diverges: its samples are {recent[-1]:.3g} times as far apart as real samples are"


def collapses(diversity: Sequence[float], *, first_mature: int | None) -> str | None:
    """Report samples of different latents that are much more alike than real samples.

    Args:
        diversity: mean distance between two samples, as a share of that between two real ones, since the start.
        first_mature: index of the first look after the grace at the start of a run; None: there was none yet.
    """
    recent = diversity[-LOOKS:]
    if len(recent) < LOOKS or max(recent) >= COLLAPSED:
        return None
    in_grace = first_mature is None or len(diversity) - LOOKS < first_mature
    if in_grace and max(diversity) < DIVERSE:
        return None
    return (
        f"the generator collapses: samples of different latents are {recent[-1]:.1%} as far apart as real samples are"
    )


def misses_classes(fractions: Sequence[float], expected: Sequence[float], *, progress: float) -> str | None:
    """Report classes of the real samples that are rare among the generated ones.

    Args:
        fractions: share of the generated samples in each class.
        expected: share of the real ones.
        progress: share of the budget that is spent.
    """
    missing = [
        index for index, (share, wanted) in enumerate(zip(fractions, expected, strict=True)) if share < MISSING * wanted
    ]
    if not missing or progress < MATURE:
        return None
    named = ", ".join(map(str, missing[:10])) + (", ..." if len(missing) > 10 else "")
    return f"the generator misses {len(missing)} of {len(expected)} classes: {named}"


def misses_modes(
    fractions: Sequence[float], *, covered: float | None, high_quality: float | None, progress: float
) -> str | None:
    """Report samples that lie near some of a distribution's equally likely modes but not near all.

    A generator that has collapsed to a place between modes covers none. So a mode counts as missing also if hardly any
    sample has it for its nearest one, however far that is; samples on their way, spread over the plane, have all.

    Args:
        fractions: share of the samples nearest to each mode.
        covered: how many modes have a sample within a few of their standard deviations; None: unknown.
        high_quality: share of the samples that are so near to any mode; None: unknown.
        progress: share of the budget that is spent.
    """
    if progress < MATURE:
        return None
    total = len(fractions)
    missing = sum(share < MISSING / total for share in fractions)
    if covered is not None and high_quality is not None and high_quality >= LOOKED_AT_QUALITY:
        missing = max(missing, total - round(covered))
    return f"the generator misses {missing} of {total} modes" if missing else None


def overfits(overfitting: Sequence[float], memorised: Sequence[float]) -> str | None:
    """Report a discriminator that tells the training set from held-out samples of the same distribution.

    Args:
        overfitting: r_v at each look.
        memorised: share of (training, held-out) pairs in which the training sample has the larger logit.
    """
    if len(overfitting) < LOOKS or min(overfitting[-LOOKS:]) < OVERFIT or min(memorised[-LOOKS:]) < MEMORIZED:
        return None
    return (
        f"the discriminator overfits: it tells {memorised[-1]:.0%} of the training samples from held-out ones, which "
        f"are {overfitting[-1]:.0%} of the way from its logits of the training set to those of fakes"
    )

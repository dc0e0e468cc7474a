"""Score what ``gan-evaluate`` was told of, show the scores, and write them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from torch import Tensor

from gan_lightning.callbacks.nearest import draw_nearest
from gan_lightning.core.atomic import write_atomic
from gan_lightning.core.grids import png
from gan_lightning.core.strict_json import dumps
from gan_lightning.core.terminal import printable, say
from gan_lightning.data import EvaluationImages
from gan_lightning.launch.evaluation_inputs import Sides
from gan_lightning.launch.summary import parts_of_real, score_table, set_beside
from gan_lightning.metrics import Evaluation, Evaluator, GeneratorSampler
from gan_lightning.metrics.real_parts import far_or_copied
from gan_lightning.sampling.progress import progress


def evaluate(sides: Sides) -> Evaluation:
    """Score one side against the other, and tell on standard error how many samples were looked at if it takes long.

    Raises:
        ValueError: if the samples are broken, or do not fit the evaluator.
    """
    sample = sides.sample
    with contextlib.ExitStack() as stack:
        if isinstance(sides.evaluator, Evaluator) and isinstance(sample, GeneratorSampler):
            sample = Watched(sample, stack.enter_context(progress(sides.evaluator.samples, "samples")))
        return sides.evaluator.evaluate(sample, sides.real, weights=sides.weights, device=sides.device)


def show(result: Evaluation, sides: Sides) -> None:
    """Print scores, what could not be computed, what a reader should know, and what is published."""
    console = Console(soft_wrap=True)
    if result.scores:
        try:
            real = parts_of_real(sides.evaluator, sides.real, sides.data, device=sides.device)
        except ValueError as error:  # held-out images that are missing or damaged: the scores need none
            real = {}
            say(console, f"note: without what real images score, since the held-out ones cannot be used: {error}")
        console.print(score_table(result.scores, real=real))
        if (warning := far_or_copied(result.scores, real)) is not None:
            say(console, warning)
    for metric, reason in result.skipped.items():
        say(console, f"{metric} was not computed: {reason}")
    for note in result.notes:
        say(console, f"note: {note}")
    for sentence in set_beside(
        sides.expected, result.scores, images_seen=sides.images_seen, budget_images=sides.budget_images
    ):
        say(console, sentence)


def write(result: Evaluation, sides: Sides, out: Path) -> None:
    """Write the scores and, where copies were looked for, a picture of the suspects.

    Raises:
        OSError: if they cannot be written.
    """
    record: dict[str, Any] = {**sides.facts, **asdict(result)}
    written = [out]
    if result.closest and isinstance(sides.real, EvaluationImages):
        written.append(out.with_suffix(".nearest.png"))
        write_atomic(written[-1], png(draw_nearest(result.closest, sides.sample, sides.real)))
    write_atomic(out, dumps(record, indent=2) + "\n")
    print(printable(f"written to {' and '.join(map(str, written))}"))


@dataclass(frozen=True, slots=True)
class Watched(GeneratorSampler):
    """Hands on what ``sampler`` makes.

    Attributes:
        sampler: what makes the samples.
        report: called from time to time with the number made.
    """

    sampler: GeneratorSampler
    report: Callable[[int], None]

    def __call__(self, indices: Tensor) -> Tensor:
        """Make samples, and report them."""
        made = self.sampler(indices)
        self.report(len(indices))
        return made

    def labels(self, indices: Tensor) -> Tensor | None:
        """Return the classes that were asked for."""
        return self.sampler.labels(indices)

    def codes(self, indices: Tensor) -> Tensor | None:
        """Return the classes or codes that were asked for."""
        return self.sampler.codes(indices)

    def facts(self) -> dict[str, Any]:
        """Return what the samples depend on."""
        return self.sampler.facts()

    def path(self, indices: Tensor, *, epsilon: float) -> tuple[Tensor, Tensor] | None:
        """Return neighboring images; see ``GeneratorSampler``."""
        return self.sampler.path(indices, epsilon=epsilon)

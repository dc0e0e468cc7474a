"""The table at the end of a run: its scores, and where everything is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from lightning import LightningDataModule
from rich.console import Console
from rich.table import Table

from gan_lightning.callbacks import Evaluation
from gan_lightning.config.expected import Expected
from gan_lightning.core.terminal import say, shell_quoted, short_path, write_to_log_files
from gan_lightning.data import EvaluationImages, EvaluationSet, ImageDataModule
from gan_lightning.metrics import Evaluator, SampleEvaluator, Score
from gan_lightning.metrics.real_parts import RealParts, far_or_copied
from gan_lightning.runs.folder import SAMPLES, RunFolder
from gan_lightning.runs.published import beside, obstacle
from gan_lightning.runs.results import Outcome


def print_summary(
    output_dir: Path,
    evaluation: Evaluation | None,
    outcome: Outcome,
    *,
    real: Mapping[str, RealParts],
    published: Sequence[str],
    seconds: float,
) -> None:
    """Print what a run ended with.

    Args:
        output_dir: the run's folder.
        evaluation: where the scores are.
        outcome: how the run ended.
        real: see ``parts_of_real``.
        published: see ``set_beside``.
        seconds: how long it took.
    """
    console = Console(soft_wrap=True, record=True)
    output_dir = Path(short_path(output_dir))
    if evaluation is not None and evaluation.latest is not None and evaluation.latest.scores:
        console.print(score_table(evaluation.latest.scores, real=real))
        fractions = evaluation.latest.class_fractions
        if fractions is not None:
            shares = " ".join(f"{label}:{share:.1%}" for label, share in enumerate(fractions))
            say(console, f"classes of the samples  {shares}")
        for note in evaluation.latest.notes:
            say(console, f"note: {note}")
        if (warning := far_or_copied(evaluation.latest.scores, real)) is not None:
            say(console, warning)
    for sentence in published:
        say(console, sentence)
    folder = RunFolder(output_dir)
    samples = list(folder.pictures_by_images(SAMPLES).values())
    rows = [
        ("run", f"{output_dir} ({outcome.status} after {seconds:.0f} s)"),
        *([] if outcome.message is None else [(outcome.status, outcome.message)]),
        ("samples", str(samples[-1]) if samples else "none"),
        ("checkpoint", str(folder.latest)),
        ("best", str(folder.best)),
        ("metrics", f"{folder.metrics} and {folder.results}"),
    ]
    if folder.wandb.is_dir():
        rows.append(("tracker", str(folder.wandb)))
    if outcome.meaning.resumable and folder.latest.is_file():
        rows.append(("to go on", f"gan-train resume={shell_quoted(str(output_dir))}"))
    for name, value in rows:
        if name in ("checkpoint", "best") and not Path(value).exists():
            continue
        say(console, f"{name:<11} {value}")
    write_to_log_files(console.export_text())


def set_beside(
    expected: Sequence[Expected], scores: Sequence[Score], *, images_seen: int, budget_images: int | None
) -> list[str]:
    """Return a sentence for each published score: the reached one beside it, or why the two are not compared.

    Args:
        expected: the published scores.
        scores: the reached ones.
        images_seen: by the generator that reached them.
        budget_images: images of the whole training; None: unknown.
    """
    protocols = {score.key: score.protocol for score in scores}
    reached = {score.key: f"{score.value:.4g}" for score in scores}
    return [
        beside(
            entry,
            reached=reached.get(entry.key, ""),
            reason=obstacle(entry, protocols, images_seen=images_seen, budget_images=budget_images),
        )
        for entry in expected
    ]


def parts_of_real(
    evaluator: SampleEvaluator | None, real: EvaluationSet, data: LightningDataModule | None, *, device: torch.device
) -> dict[str, RealParts]:
    """Return what parts of the real images score, by the names of metrics, to stand beside scores.

    All ranks must call it.

    Args:
        evaluator: computes the scores.
        real: what they compare samples with.
        data: what it is of, whose held-out images count as real, too; None: files.
        device: where extractors run.
    """
    if not (isinstance(evaluator, Evaluator) and isinstance(real, EvaluationImages)):
        return {}
    sets = [real]
    if isinstance(data, ImageDataModule) and data.heldout_split not in (None, real.split):
        sets.append(data.evaluation_images(data.heldout_split))
    return evaluator.real_parts(sets, device=device)


def score_table(scores: list[Score], *, real: Mapping[str, RealParts]) -> Table:
    """Return scores with their direction and spread, and what parts of the real images score.

    Args:
        scores: at least one.
        real: see ``parts_of_real``; all of the same counts.
    """
    table = Table(title="scores of the averaged generator" if scores[0].protocol["weights"] == "ema" else "scores")
    table.add_column("score", no_wrap=True, overflow="fold")  # a key cut short names nothing
    counts = [f"real images,\n{parts.first} against {parts.second}" for parts in real.values()]
    columns = ["value", "± s.e.", "better", *counts[:1]]
    for column in columns:
        table.add_column(column, justify="right")
    for score in scores:
        parts = real.get(score.protocol["metric"])
        cells = [
            f"{score.value:.4g}",
            "" if score.stderr is None else f"{score.stderr:.2g}",
            "higher" if score.higher_is_better else "lower",
            "" if parts is None else f"{parts.mean:.3g} ± {parts.std:.2g}",
        ]
        table.add_row(score.key, *cells[: len(columns)])
    return table

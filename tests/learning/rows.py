"""One row: a training by ``gan-train``, scored on the features of the classifier and on texture."""

from __future__ import annotations

import json
import math
import os
import resource
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from gan_lightning.core.atomic import write_atomic
from gan_lightning.models.loading import load_model
from gan_lightning.runs.folder import SAMPLES, RunFolder
from tests.learning import classifier

ROOT = Path(__file__).parent.parent.parent
CONF = Path(__file__).with_name("conf")
ROWS = sorted(path.stem for path in (CONF / "experiment").glob("*.yaml"))
CPU_MINUTES = 40.0
"""How long a row takes with the budget that its file has."""

PEOPLE_AND_FLAGS = ("people-body", "flags")


@dataclass(frozen=True)
class Places:
    """Where data lie and runs go.

    Attributes:
        work: folder of all that is made.
        cifar: archive or folder of CIFAR-10.
        emoji: archive of emoji.
    """

    work: Path
    cifar: Path
    emoji: Path | None

    def images(self, row: str) -> Path:
        """Return the images that a row is trained on; the emoji are unpacked first.

        Raises:
            ValueError: without an archive of emoji for a row that needs it.
        """
        if not row.startswith("emoji"):
            return self.cifar
        folder = self.work / "emoji"
        if not folder.is_dir():
            if self.emoji is None:
                raise ValueError(f"--emoji must name the archive of emoji for the row {row}")
            partial = self.work / "emoji.partial"
            shutil.rmtree(partial, ignore_errors=True)
            with zipfile.ZipFile(self.emoji) as archive:
                for name in archive.namelist():
                    style, category, *_ = name.split("/")
                    if style == "noto" and category not in PEOPLE_AND_FLAGS:
                        archive.extract(name, partial)
            (partial / "noto").rename(folder)
            partial.rmdir()
        return folder


def header(row: str) -> str:
    """Return what the file of a row says of it."""
    lines = (CONF / "experiment" / f"{row}.yaml").read_text(encoding="utf-8").splitlines()
    return " ".join(line.removeprefix("# ") for line in lines[1:] if line.startswith("# "))


def budget_kimg(row: str, cpu_minutes: float) -> float:
    """Return how many thousand images a row sees in about so many CPU minutes."""
    content = yaml.safe_load((CONF / "experiment" / f"{row}.yaml").read_text(encoding="utf-8"))
    if "budget" in content:
        return round(content["budget"]["kimg"] * cpu_minutes / CPU_MINUTES, 1)
    for parent in content["defaults"]:
        if isinstance(parent, str) and parent != "_self_":
            return budget_kimg(parent, cpu_minutes)
    raise ValueError(f"{row}: neither the row nor what it inherits from has a budget")


def overrides(row: str, places: Places, *, cpu_minutes: float) -> list[str]:
    """Return what follows ``gan-train`` for a row."""
    return [
        f"--config-dir={CONF}",
        f"experiment={row}",
        f"data.path={places.images(row)}",
        f"budget.kimg={budget_kimg(row, cpu_minutes):g}",
        f"evaluator.extractor.weights_path={classifier.WEIGHTS}",
        f"paths.cache={places.work / 'cache'}",
        f"paths.runs={places.work / 'runs'}",
        f"hydra.run.dir={places.work / 'runs' / row}",
    ]


def train_row(row: str, places: Places, *, cpu_minutes: float) -> tuple[dict[str, Any], Path]:
    """Train a row, or go on where it was interrupted; return what the tables show of it, and its last sample grid."""
    places.work.mkdir(parents=True, exist_ok=True)
    known = classifier.known()
    run = RunFolder(places.work / "runs" / row)
    run.path.parent.mkdir(parents=True, exist_ok=True)
    line = overrides(row, places, cpu_minutes=cpu_minutes)
    spent = run.path.with_suffix(".cpu")
    command("train", *line, "resume=auto", spent=spent)
    scores = {**scored(run, "learning", places), **scored(run, "learning_texture", places)}
    record = json.loads(run.results.read_text(encoding="utf-8"))
    model = load_model(run.latest, trust=True)
    minutes = float(spent.read_text(encoding="utf-8")) / 60
    grids = run.pictures_by_images(SAMPLES)
    facts = {
        "row": row,
        "set_up": header(row),
        "images": record["images_seen"],
        "resolution": model.generator.sample_shape[-1],
        "cpu_minutes": None if math.isnan(minutes) else round(minutes, 1),
        "scores": scores,
        "curve": [
            {"images": entry["images_seen"], **{key: score["value"] for key, score in entry["scores"].items()}}
            for entry in record["evaluations"]
        ],
        "health": record["health"],
        "parameters": {
            "generator": sum(weight.numel() for weight in model.generator.parameters()),
            "discriminator": sum(weight.numel() for weight in model.discriminator.parameters() if weight.requires_grad),
        },
        "classifier": known,
        "command": f"python -m tests.learning --row {row} --cpu-minutes {cpu_minutes:g}",
    }
    return facts, grids[max(grids)]


def scored(run: RunFolder, evaluator: str, places: Places) -> dict[str, float]:
    """Score the end of a run; return distance by key."""
    out = run.path / f"{evaluator}.json"
    command(
        "evaluate",
        f"--config-dir={CONF}",
        f"ckpt={run.latest}",
        f"evaluator={evaluator}",
        *([f"evaluator.extractor.weights_path={classifier.WEIGHTS}"] if evaluator == "learning" else []),
        f"paths.cache={places.work / 'cache'}",
        f"out={out}",
        "overwrite=true",
        "trust=true",
    )
    found = json.loads(out.read_text(encoding="utf-8"))["scores"]
    return {score["key"]: score["value"] for score in found}


def command(name: str, *arguments: str, spent: Path | None = None) -> None:
    """Run a command of the package on one thread, and add the CPU seconds that it takes to the file ``spent``.

    The file says "nan" meanwhile and, when this process is killed before it could add them, from then on.

    Raises:
        subprocess.CalledProcessError: if it fails.
    """
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    former = 0.0
    if spent is not None:
        former = float(spent.read_text(encoding="utf-8")) if spent.is_file() else 0.0
        write_atomic(spent, "nan\n")
    ended = subprocess.run([sys.executable, "-m", "gan_lightning", name, *arguments], env=environment, check=False)
    if spent is not None:
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        write_atomic(spent, f"{former + seconds:.1f}\n")
    ended.check_returncode()

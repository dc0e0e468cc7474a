"""A metric that this package knows nothing of: a class in a module, a YAML in a folder, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import TINY, Commands

MODULE = '''
from gan_lightning.metrics import Estimate, Metric, Needs


class Darkness(Metric):
    """Mean darkness of the first images in [0, 1]; ``extra`` is added to it."""

    name = key = "darkness"
    higher_is_better = False
    needs = Needs(images=20)

    def __init__(self, *, extra=0.0):
        self.extra = extra

    def estimate(self, evidence):
        dark = 1 - evidence.generated.images.double().flatten(1).mean(1) / 255
        return Estimate(dark.mean().item() + self.extra, None, dark.std().item() / len(dark) ** 0.5)

    def samples(self, generated):
        return min(20, generated)

    def facts(self):
        return {"extra": self.extra}


class Classes(Metric):
    name = key = "classes"
    higher_is_better = True
    needs = Needs(labels=True)

    def estimate(self, evidence):
        return Estimate(len(evidence.labels.unique()), None, None)
'''
YAML = "# darkness of the first samples\n_target_: metrics_of_mine.Darkness\nextra: 2.0\n"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home_of_a_metric")
    (folder / "metrics_of_mine.py").write_text(MODULE)
    files = folder / "my_conf" / "evaluator" / "metric"
    files.mkdir(parents=True)
    (files / "darkness.yaml").write_text(YAML)
    return folder


@pytest.fixture(autouse=True)
def _importable(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(home))


@pytest.fixture(scope="module")
def run(commands: Commands, home: Path) -> Path:
    """A run that is judged by the metric, twice."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(home))
        ended = commands(
            "train",
            "--config-dir",
            "my_conf",
            *TINY,
            "evaluator.metrics=[darkness,frechet]",
            "budget.kimg=0.064",
            "callbacks.evaluation.every_kimg=0.032",
            "logger=none",
            "hydra.run.dir=run",
            cwd=home,
        )
    assert ended.code == 0, ended.text
    assert "darkness20_digits" in ended.out
    return home / "run"


def test_it_is_in_the_results_with_its_protocol_and_decides_what_is_best(run: Path):
    results = json.loads((run / "results.json").read_text())
    score = results["scores"]["final"]["darkness20_digits"]
    assert 2 < score["value"] < 3
    assert score["stderr"] > 0
    assert score["higher_is_better"] is False
    facts = {key: score["protocol"][key] for key in ("metric", "n_generated", "n_real", "split", "extractor", "extra")}
    assert facts == {
        "metric": "darkness",
        "n_generated": 20,
        "n_real": None,
        "split": None,
        "extractor": "digits",
        "extra": 2.0,
    }
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    values = {row["images_seen"]: row["score/darkness20_digits"] for row in rows if "score/darkness20_digits" in row}
    assert len(values) == 2
    best = results["scores"]["best"]["darkness20_digits"]
    assert best["value"] == min(values.values())
    assert values[best["images_seen"]] == best["value"]


def test_gan_evaluate_finds_it_in_the_run_by_its_name_and_by_its_class(
    commands: Commands, home: Path, run: Path, tmp_path: Path
):
    ckpt = f"ckpt={run / 'checkpoints' / 'latest.ckpt'}"
    own = commands("evaluate", ckpt, "trust=true", "out=own.json", cwd=tmp_path)
    assert own.code == 0, own.text
    options = ["evaluator=digits", "evaluator.samples=100"]
    metrics = "evaluator.metrics=[darkness,frechet]"
    folder = ["--config-dir", str(home / "my_conf")]
    named = commands("evaluate", *folder, ckpt, *options, metrics, "out=named.json", cwd=tmp_path)
    assert named.code == 0, named.text
    node = "evaluator.metrics=[{_target_: metrics_of_mine.Darkness, extra: 3.0}]"
    given = commands("evaluate", ckpt, *options, node, "out=node.json", cwd=tmp_path)
    assert given.code == 0, given.text
    scores = [json.loads((tmp_path / name).read_text())["scores"] for name in ("named.json", "own.json", "node.json")]
    assert [score["key"] for score in scores[0]] == ["darkness20_digits", "fd100_train_digits"]
    assert [score["value"] for score in scores[1]] == [score["value"] for score in scores[0]]
    assert scores[2][0]["value"] == pytest.approx(scores[0][0]["value"] + 1, abs=1e-9)


def test_a_checkpoint_that_names_it_has_to_be_trusted(commands: Commands, run: Path, tmp_path: Path):
    ended = commands("evaluate", f"ckpt={run / 'checkpoints' / 'latest.ckpt'}", cwd=tmp_path)
    assert ended.code == 2
    assert "evaluator.metrics[0]._target_ = 'metrics_of_mine.Darkness'" in ended.err
    assert "trust=true" in ended.err


def test_a_sweep_has_it_in_every_job(commands: Commands, home: Path, tmp_path: Path):
    words = [*TINY, "evaluator.metrics=[darkness]", "budget.kimg=0.032", "logger=none", "hydra.sweep.dir=sweep"]
    folder = str(home / "my_conf")
    ended = commands("train", "--config-dir", folder, "-m", *words, "seed=1,2", cwd=tmp_path)
    assert ended.code == 0, ended.text
    found = [json.loads(path.read_text()) for path in (tmp_path / "sweep").glob("*/results.json")]
    assert [list(results["scores"]["final"]) for results in found] == [["darkness20_digits"]] * 2


def test_the_report_shows_it(commands: Commands, run: Path, tmp_path: Path):
    ended = commands("compare", f"runs={run}", cwd=tmp_path)
    assert ended.code == 0, ended.text
    assert "darkness20_digits" in ended.out


def test_a_metric_of_classes_is_refused_for_a_generator_without(commands: Commands, run: Path, tmp_path: Path):
    node = "evaluator.metrics=[{_target_: metrics_of_mine.Classes}]"
    checkpoint = f"ckpt={run / 'checkpoints' / 'latest.ckpt'}"
    for ended in (
        commands("evaluate", checkpoint, "evaluator=digits", node, cwd=tmp_path),
        commands("train", *TINY, node, "logger=none", cwd=tmp_path),
    ):
        assert ended.code == 2
        assert "evaluator.metrics has classes: the generator of DCGAN is told no classes" in ended.err
    assert not list(tmp_path.iterdir())

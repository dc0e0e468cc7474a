"""What trackers and the record are told of how a run was started, how it went and how it ended."""

from __future__ import annotations

import json
import sys

import pytest
from omegaconf import OmegaConf

from gan_lightning.cli import compare
from gan_lightning.loggers.wandb_segments import read_segments
from gan_lightning.runs.metrics_file import read_metrics
from gan_lightning.runs.results import read_results
from tests.cli.conftest import UNSCORED, of_kind, read_wandb


def merged(records, kind):
    """The last value of each key of config or summary records."""
    values = {}
    for record in of_kind(records, kind):
        changes = record["update"] if isinstance(record["update"], list) else [record["update"]]
        for change in changes:
            if "value_json" in change:
                name = change.get("key") or "/".join(change["nested_key"])
                values[name] = json.loads(change["value_json"])
            else:
                values.update(change)
    return values


@pytest.fixture(scope="module")
def sweep(commands, tmp_path_factory):
    """A sweep of one process whose first job diverges."""
    folder = tmp_path_factory.mktemp("sweep")
    line = [*UNSCORED, "budget.kimg=0.32", "hydra.sweep.dir=many", "callbacks.health.every_kimg=0.1"]
    ended = commands("train", "-m", *line, "model.generator_optimizer.lr=1e30,2e-4", cwd=folder)
    assert ended.code == 3, ended.text
    lr = "model.generator_optimizer.lr"
    jobs = sorted(
        (path.parent for path in folder.glob("many/*/config.yaml")),
        key=lambda job: -OmegaConf.select(OmegaConf.load(job / "config.yaml"), lr),
    )
    return ended, jobs, [read_wandb(job) for job in jobs]


def test_the_diverged_job_says_so_in_words_everywhere(sweep):
    ended, jobs, records = sweep
    (trouble,) = read_results(jobs[0] / "results.json")["health"]
    assert (trouble["kind"], trouble["config_key"]) == ("divergence", "model.generator_optimizer.lr")
    assert trouble["message"].startswith("the run has diverged: ")
    assert f"{trouble['message']}. Remedy: " in ended.text
    summary = merged(records[0], "summary")
    assert (summary["status"], summary["health"]) == ("diverged", "divergence")
    assert [e.get("exit_code", 0) for e in of_kind(records[0], "exit")] == [3]


def test_the_healthy_job_says_so_too(sweep):
    _, jobs, records = sweep
    results = read_results(jobs[1] / "results.json")
    assert (results["status"], results["health"]) == ("finished", [])
    summary = merged(records[1], "summary")
    assert (summary["status"], summary["health"], summary["images_seen"]) == ("finished", "healthy", 320)
    assert [e.get("exit_code", 0) for e in of_kind(records[1], "exit")] == [0]
    rows = [row for row in read_metrics(jobs[1] / "metrics.jsonl") if "d/loss" in row]
    common = ("d/real", "d/fake", "d/accuracy", "d/grad_norm", "g/grad_norm", "d/lr", "g/lr")
    for row in rows:
        assert {*common, "images_per_second", "peak_memory_mib"} <= row.keys()
    assert any("health/diversity" in row for row in rows)


def test_the_jobs_are_named_by_what_differs_and_tagged_by_their_sweep(sweep):
    (first, second) = (of_kind(records, "run")[0] for records in sweep[2])
    assert [run["display_name"].split(" ", 1)[1] for run in (first, second)] == [
        "model.generator_optimizer.lr=1e+30",
        "model.generator_optimizer.lr=0.0002",
    ]
    assert first["tags"] == second["tags"] == ["sweep many"]
    assert first["run_group"] != second["run_group"]
    assert first["job_type"] == "train"


def test_the_configuration_comes_with_its_origin(sweep):
    config = merged(sweep[2][1], "config")
    assert config["model"]["generator_optimizer"]["lr"] == 2e-4
    origin = config["origin"]
    assert "model.generator_optimizer.lr=0.0002" in origin["overrides"]
    assert (origin["sweep"], origin["job"]) == ("many", "1")
    assert origin["config_hash"] == read_results(sweep[1][1] / "results.json")["segments"][0]["config_hash"]
    assert {"python", "torch", "lightning", "wandb"} <= origin["versions"].keys()
    assert origin["hardware"]["cpus"] >= 1


def test_walks_and_samples_are_in_the_history(sweep):
    items = [row["item"] for row in of_kind(sweep[2][1], "history")]
    for key in ("samples", "walks"):
        shown = [item["images_seen"] for item in items if f"{key}.path" in item or key in item]
        assert shown[-1] == 320


def test_sync_is_a_word_of_gan_compare(sweep, monkeypatch, capsys):
    folder = sweep[1][0].parent
    monkeypatch.setattr(sys, "argv", ["gan-compare", "sync", "--dry-run", str(folder)])
    compare.main()
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        line
        for job in sorted(sweep[1])
        for line in (f"{job}: 1 to upload", *(f"  {segment.folder}" for segment in read_segments(job)))
    ]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="finds the process in /proc")
def test_the_death_of_wandb_does_not_end_a_training(commands, tmp_path):
    kill = ["+callbacks.kill._target_=tests.cli.saboteurs.KillWandb", "+callbacks.kill.images=160"]
    ended = commands("train", *UNSCORED, "budget.kimg=0.32", "hydra.run.dir=run", *kill, cwd=tmp_path)
    assert ended.code == 0, ended.text
    assert ended.text.count("W&B's process died") == 1
    results = read_results(tmp_path / "run" / "results.json")
    assert (results["status"], results["images_seen"]) == ("finished", 320)
    (problem,) = results["tracking"]
    assert problem in ended.text
    assert [row["images_seen"] for row in read_metrics(tmp_path / "run" / "metrics.jsonl") if "d/loss" in row] == [
        16,
        160,
        320,
    ]
    records = read_wandb(tmp_path / "run")
    assert 320 in [row["item"]["images_seen"] for row in of_kind(records, "history")]
    assert [e.get("exit_code", 0) for e in of_kind(records, "exit")] == [0]
    assert merged(records, "summary")["status"] == "finished"

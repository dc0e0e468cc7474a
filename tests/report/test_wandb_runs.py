"""W&B's API behind a fake: the same comparison as from the folders of the same runs."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
import yaml

from gan_lightning.report import as_csv, as_html, compare, find_runs
from gan_lightning.report.cells import group_tables
from gan_lightning.report.wandb_runs import find_wandb_runs
from gan_lightning.runs.provenance import config_hash
from gan_lightning.runs.results import tracker_summary

FD = "fd2k_train_digits"


class FakeFile:
    def __init__(self, name):
        self.name = name

    def download(self, *, root, replace):
        path = Path(root) / self.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.name.encode())
        return io.StringIO()


class FakeRun:
    """A run as the API gives it, made from a run's folder as the tracker would log it."""

    def __init__(self, folder, *, state="finished"):
        config = yaml.safe_load((folder / "config.yaml").read_text())
        self.id = folder.name
        self.url = f"https://wandb.example/team/gans/runs/{folder.name}"
        self.state = state
        # a server writes 1.0 as 1, and the configuration would have another hash
        self.config = {**config, "batch_size": 64.0, "origin": {"config_hash": config_hash(config), "job": None}}
        self.summary_metrics = tracker_summary(json.loads((folder / "results.json").read_text())) | {"_runtime": 3}
        self.history = []
        self.scans = 0

    def scan_history(self):
        self.scans += 1
        return iter(self.history)

    def file(self, name):
        return FakeFile(name)


class FakeApi:
    def __init__(self, runs):
        self._runs = runs

    def runs(self, path, *, lazy):
        if path != "team/gans":
            raise ValueError(f"Could not find project {path}")
        assert not lazy
        return iter(self._runs)

    def run(self, path):
        return next(run for run in self._runs if run.id == path.rpartition("/")[2])


@pytest.fixture
def folders(make):
    trouble = {
        "kind": "mode_collapse",
        "first_images_seen": 20,
        "last_images_seen": 60,
        "message": "m",
        "remedy": "r",
        "config_key": "k",
    }
    made = [make(f"hinge{seed}", seed=seed, fd=10.0 + seed, cs=5.0 + seed, best=9.0) for seed in range(3)]
    made.append(make("minimax", loss="Minimax", fd=30.0, cs=2.0, health=[trouble]))
    made.append(make("diverged", loss="Wasserstein", status="diverged", error="ValueError: nan"))
    return made


@pytest.fixture
def api(folders):
    return FakeApi([FakeRun(folder) for folder in folders])


def test_a_project_and_folders_give_the_same_table(folders, api, tmp_path):
    online, local = compare(find_wandb_runs("team/gans", api=api), sort=FD), compare(find_runs([tmp_path]), sort=FD)
    assert [table.rows for table in group_tables(online)] == [table.rows for table in group_tables(local)]
    assert online.verdicts == local.verdicts
    assert online.reasons == local.reasons
    assert "wandb:team/gans/diverged: diverged at 100 images, left out of the means: ValueError: nan" in online.notes
    assert "wandb:team/gans/hinge0" in as_csv(online)


def test_runs_of_both_kinds_are_seeds_of_one_configuration(api, make, tmp_path):
    make("more/seed7", seed=7, fd=20.0)
    content = compare([*find_runs([tmp_path / "more"]), *find_wandb_runs("team/gans", api=api)])
    assert [group.seeds for group in content.groups] == [4, 1, 1]


def test_a_run_in_a_project_can_be_named_alone(api):
    (run,) = find_wandb_runs("team/gans/hinge1", api=api)
    assert (run.place, run.seed, run.wall_time_s, run.status) == ("wandb:team/gans/hinge1", 1, 50.0, "finished")


def test_the_state_counts_where_there_is_no_summary_yet_or_the_run_goes_on(folders):
    fresh, crashed, resumed = (
        FakeRun(folder, state=s) for folder, s in zip(folders[:3], ("running", "crashed", "running"), strict=True)
    )
    fresh.summary_metrics = crashed.summary_metrics = {"_runtime": 12, "images_seen": 40}
    resumed.summary_metrics["status"] = "preempted"
    runs = find_wandb_runs("team/gans", api=FakeApi([fresh, crashed, resumed]))
    assert [run.status for run in runs] == ["running", "failed", "running"]
    assert (runs[0].images_seen, runs[0].wall_time_s) == (40, 12.0)


def test_a_score_without_protocol_makes_a_damaged_run(folders):
    run = FakeRun(folders[0])
    del run.summary_metrics[f"protocol/{FD}"]
    (found,) = find_wandb_runs("team/gans", api=FakeApi([run]))
    assert (found.status, found.problem) == ("damaged", f"its record has no 'protocol/{FD}'")


def test_curves_and_pictures_are_downloaded_once_and_only_for_the_page(api):
    run = api._runs[0]
    picture = {"_type": "image-file", "path": "media/images/samples_3.png"}
    run.history = [
        {"_step": 0, "_timestamp": 1.0},
        {"_step": 1, "images_seen": 10, "d/loss": "NaN", "health/diversity": None},
        {"_step": 2, "images_seen": 20, "d/loss": 0.5, "samples": picture, "config": {"a": 1}},
    ]
    runs = find_wandb_runs("team/gans", api=api)
    compare(runs)
    assert run.scans == 0
    details = runs[0].details
    first, second = details.metrics()
    assert first["d/loss"] != first["d/loss"]
    assert second == {"images_seen": 20, "d/loss": 0.5}
    assert details.picture_moments() == [20]
    assert details.picture(20) == b"media/images/samples_3.png"
    with pytest.raises(ValueError, match="no picture at 10"):
        details.picture(10)
    page = as_html(compare(runs))
    assert run.scans == 1
    assert "the picture at 20 images cannot be read: it is not an image" in page


@pytest.mark.parametrize(
    ("path", "words"),
    [("gans", "ENTITY/PROJECT"), ("team//x", "ENTITY/PROJECT"), ("team/other", "Could not find project")],
)
def test_wrong_paths_are_refused(api, path, words):
    with pytest.raises(ValueError, match=words):
        find_wandb_runs(path, api=api)


def test_no_login_and_no_runs_are_said(monkeypatch, tmp_path):
    with pytest.raises(ValueError, match="has no runs"):
        find_wandb_runs("team/gans", api=FakeApi([]))
    for name in ("WANDB_API_KEY", "WANDB_IDENTITY_TOKEN_FILE", "NETRC"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(ValueError, match="no W&B login"):
        find_wandb_runs("team/gans")


@pytest.mark.parametrize(
    ("url", "shown"),
    [("https://wandb.ai/team/gans/runs/0", "https://wandb.ai/team/gans/runs/0"), ("javascript:1", None)],
)
def test_the_address_of_a_run_is_one_of_the_web(runs, url, shown):
    run = FakeRun(runs / "hinge" / "0")
    run.url = url
    assert find_wandb_runs("team/gans", api=FakeApi([run]))[0].tracker == shown

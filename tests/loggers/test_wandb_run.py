"""Two offline runs in one process, read back from the files that W&B wrote."""

import json
import math
import os
import pickle
import re
import subprocess
import sys
from types import SimpleNamespace

import pytest
import wandb
from lightning.pytorch.utilities import rank_zero_only
from omegaconf import OmegaConf
from PIL import Image

from gan_lightning.loggers import WandbTracker, log_samples
from gan_lightning.loggers.wandb_segments import read_segments
from gan_lightning.runs.provenance import Origin

EVALUATIONS = [
    {"images_seen": 32, "scores": {"fd": {"value": 9.5, "stderr": 0.5}}},
    {"images_seen": 96, "scores": {"fd": {"value": 7.5, "stderr": None}, "cs": {"value": 2.0, "stderr": None}}},
    {"images_seen": 128, "scores": {"fd": {"value": math.nan, "stderr": None}, "cs": {"value": 3.0, "stderr": None}}},
]

CONFIG = {"seed": 3, "model": {"optimizer": {"lr": 0.25, "betas": [0.5, 0.999]}, "ema": None}}


def read_back(folder):
    """All records of the only offline run below ``folder``."""
    (path,) = folder.glob("wandb/offline-run-*/run-*.wandb")
    command = [sys.executable, "-m", "wandb", "leet", "inspect", "--json", str(path)]
    return [json.loads(line) for line in subprocess.check_output(command, text=True).splitlines()]


def fake_run(**attributes):
    """Stands in for a W&B run."""
    return SimpleNamespace(define_metric=lambda *a, **k: None, dir="offline-run-x/files", id="x", **attributes)


def of_kind(records, kind):
    return [record[kind] for record in records if record["type"] == kind]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two runs that are open at the same time; the first fails."""
    folder = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as environment:
        for name in [name for name in os.environ if name.startswith("WANDB_")]:
            environment.delenv(name)
        environment.setenv("HOME", str(folder))  # nobody's login
        first = WandbTracker(save_dir=folder / "first", name="one", group="g", tags=["a"], log_best_checkpoint=True)
        second = WandbTracker(save_dir=folder / "second", name="two", project="other")
        first.identify(Origin(sweep="sweep_7"), {"name": "other", **CONFIG})
        assert not first.begun
        assert list(folder.iterdir()) == []  # a configuration that is refused later has written nothing
        first.set_config(CONFIG)
        second.set_config({"seed": 4})
        leaked = [name for name in os.environ if name == "WANDB_MODE"]
        first.log_metrics({"d/loss": 0.5, "images_seen": 64}, step=64)
        first.log_metrics({"lr": 0.1}, step=1)  # a foreign callback counts batches
        second.log_metrics({"d/loss": 7.0}, step=32)
        picture = folder / "grid.png"
        Image.new("L", (8, 4), 255).save(picture)
        log_samples([first], "samples", picture, 128)
        first.summary({"fid50k": 3.5})
        for tracker in (first, second):
            tracker.best_checkpoint(picture, {"fid50k": 3.5})
        first.close(1)
        first.close(0)
        second.close(0)
        wheres = first.where(), second.where()
        import wandb

        wandb.teardown()
    return SimpleNamespace(
        folder=folder,
        first=read_back(folder / "first"),
        second=read_back(folder / "second"),
        leaked=leaked,
        wheres=wheres,
        manifests=[read_segments(folder / name) for name in ("first", "second")],
        ids=[(folder / name / "wandb" / "run_id").read_text().strip() for name in ("first", "second")],
    )


def test_the_configuration_stays_nested(runs):
    config = {}
    for record in of_kind(runs.first, "config"):
        config.update(record["update"])
    assert config == CONFIG


def test_history_has_images_seen_as_its_axis(runs):
    items = [row["item"] for row in of_kind(runs.first, "history")]
    assert [(i["images_seen"], i.get("d/loss"), i.get("lr")) for i in items[:2]] == [(64, 0.5, None), (64, None, 0.1)]
    assert any(m.get("glob_name") == "*" and m["step_metric"] == "images_seen" for m in of_kind(runs.first, "metric"))
    assert not any("trainer/global_step" in item for item in items)


def test_pictures_are_in_the_history_and_on_disk(runs):
    (item,) = [row["item"] for row in of_kind(runs.first, "history") if "samples.path" in row["item"]] or [None]
    (file,) = runs.folder.glob("first/wandb/offline-run-*/files/media/images/samples_*.png")
    assert item["images_seen"] == 128
    assert file.name in item["samples.path"]
    with Image.open(file) as image:
        assert image.size == (8, 4)


def test_a_table_has_every_evaluation_with_the_last_samples_drawn_until_then(server, tmp_path):
    picture = tmp_path / "grid.png"
    Image.new("L", (8, 4), 255).save(picture)
    tracker = WandbTracker(save_dir=tmp_path / "run", mode="online")
    tracker.set_config(CONFIG)
    tracker.evaluations([], {64: picture})
    tracker.evaluations(EVALUATIONS, {64: picture, 100: picture})
    tracker.close(0)
    (files,) = server.artifacts.values()
    table = json.loads(files["evaluations.table.json"])
    assert table["columns"] == ["images_seen", "fd", "fd s.e.", "cs", "cs s.e.", "samples", "samples_at"]
    pictures = [row.pop(5) for row in table["data"]]
    assert table["data"] == [
        [32, 9.5, 0.5, None, None, None],  # nothing was drawn yet, and one score could not be computed
        [96, 7.5, None, 2.0, None, 64],
        [128, None, None, 3.0, None, 100],  # NaN
    ]
    assert pictures[0] is None
    assert [files[shown["path"]] for shown in pictures[1:]] == [picture.read_bytes()] * 2
    assert server.unknown == []


def test_the_summary_has_the_scores(runs):
    assert any(record["update"].get("fid50k") == 3.5 for record in of_kind(runs.first, "summary"))


def test_each_run_ends_with_its_own_exit_code(runs):
    assert [e["exit_code"] for e in of_kind(runs.first, "exit")] == [1]
    assert [e.get("exit_code", 0) for e in of_kind(runs.second, "exit")] == [0]


def test_two_runs_of_one_process_are_two_runs(runs):
    (first,), (second,) = of_kind(runs.first, "run")[:1], of_kind(runs.second, "run")[:1]
    assert [first["run_id"], second["run_id"]] == runs.ids
    assert first["run_id"] != second["run_id"]
    assert (first["display_name"], first["project"], first["run_group"]) == ("one", "gan-lightning", "g")
    assert (second["display_name"], second["project"]) == ("two", "other")
    assert [row["item"]["d/loss"] for row in of_kind(runs.second, "history")] == [7.0]


def test_the_mode_does_not_leak_into_the_environment(runs):
    assert runs.leaked == []


def test_the_command_that_uploads_the_run_names_its_folder(runs):
    assert runs.wheres == tuple(f"gan-compare sync {runs.folder / name}" for name in ("first", "second"))


def test_the_manifest_names_the_segment(runs):
    for name, run_id, (segment,) in zip(("first", "second"), runs.ids, runs.manifests, strict=True):
        (folder,) = runs.folder.glob(f"{name}/wandb/offline-run-*")
        assert (segment.folder, segment.run_id, segment.mode) == (folder.name, run_id, "offline")
        assert segment.uploaded == "none"


def test_a_checkpoint_becomes_an_artifact_when_asked_for(runs):
    (artifact,) = of_kind(runs.first, "artifact")
    assert (artifact["name"], artifact["type"]) == (f"{runs.ids[0]}-best", "checkpoint")
    assert set(artifact["aliases"]) == {"best", "latest"}
    assert [entry["path"] for entry in artifact["manifest"]["contents"]] == ["grid.png"]
    assert json.loads(artifact["metadata"]) == {"fid50k": 3.5}
    assert of_kind(runs.second, "artifact") == []


def test_name_group_and_tags_come_from_the_sweep_unless_they_are_given(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr("wandb.init", lambda **arguments: seen.append(arguments) or fake_run())
    origin = Origin(overrides=["seed=4", "x=1"], sweep="sweep_7", job="1", swept=["seed=4"])
    for seed in (0, 1):
        open_one = WandbTracker(save_dir=tmp_path / f"{seed}", mode="offline", tags=["mine"])
        open_one.identify(origin, {"name": "demo", **CONFIG, "seed": seed})
        assert not open_one.begun
        assert open_one.experiment is not None
    given = WandbTracker(save_dir=tmp_path / "given", mode="offline", name="one", group="g", job_type="probe")
    given.identify(origin, {"name": "demo", **CONFIG})
    assert given.experiment is not None
    assert [one["name"] for one in seen] == ["demo seed=4", "demo seed=4", "one"]
    assert seen[0]["group"] == seen[1]["group"]
    assert seen[0]["group"].startswith("demo-")
    assert [one["tags"] for one in seen] == [["mine", "sweep sweep_7"], ["mine", "sweep sweep_7"], ["sweep sweep_7"]]
    assert (seen[2]["group"], seen[2]["job_type"], seen[0]["job_type"]) == ("g", "probe", "train")


VARIABLES = {
    "WANDB_PROJECT": "mine",
    "WANDB_ENTITY": "us",
    "WANDB_RUN_GROUP": "seeds",
    "WANDB_NAME": "first try",
    "WANDB_TAGS": "a, b",
    "WANDB_NOTES": "why",
    "WANDB_RUN_ID": "agent-7",
}


@pytest.fixture
def begun(monkeypatch):
    """The arguments of each run that began, and a function that begins one."""
    seen = []
    monkeypatch.setattr("wandb.init", lambda **arguments: seen.append(arguments) or fake_run())

    def begin(folder, *, origin=None, **arguments):
        tracker = WandbTracker(save_dir=folder, mode="offline", **arguments)
        if origin is not None:
            tracker.identify(origin, {"name": "demo", **CONFIG})
        assert tracker.experiment is not None
        return seen[-1]

    return begin


def test_the_variables_of_wandb_stand_for_what_is_not_given(tmp_path, monkeypatch, begun):
    plain = begun(tmp_path / "plain", origin=Origin())
    assert (plain["project"], plain["name"]) == ("gan-lightning", "demo")
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    followed = begun(tmp_path / "followed", origin=Origin())
    expected = {
        "project": "mine", "entity": "us", "group": "seeds", "name": "first try",
        "tags": ["a", "b"], "notes": "why", "id": "agent-7",
    }  # fmt: skip
    assert {key: followed[key] for key in expected} == expected
    own = {"project": "p", "entity": "e", "group": "g", "name": "n", "tags": ["t"], "notes": "o"}
    given = begun(tmp_path / "given", origin=Origin(), **own)
    assert {key: given[key] for key in own} == own


def test_a_run_keeps_the_id_that_an_agent_gave_it_and_jobs_of_a_sweep_get_their_own(
    tmp_path, monkeypatch, begun, caplog
):
    monkeypatch.setenv("WANDB_RUN_ID", "agent-7")
    assert begun(tmp_path / "run")["id"] == "agent-7"
    monkeypatch.setenv("WANDB_RUN_ID", "agent-8")
    assert begun(tmp_path / "run")["id"] == "agent-7"  # it is resumed
    jobs = [begun(tmp_path / job, origin=Origin(sweep="s", job=job))["id"] for job in "01"]
    assert len({*jobs, "agent-7", "agent-8"}) == 4
    assert "WANDB_RUN_ID is ignored" in caplog.text


@pytest.mark.parametrize(
    ("name", "value"), [("WANDB_PROJECT", "a/b"), ("WANDB_TAGS", "fine," + "x" * 81), ("WANDB_RUN_ID", "a/b")]
)
def test_a_variable_that_wandb_would_refuse_is_named(tmp_path, monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(ValueError, match=f"^{name} must have 1 to "):
        WandbTracker(save_dir=tmp_path, mode="offline")


def test_a_resumed_run_keeps_its_id(runs, monkeypatch):
    seen = []
    monkeypatch.setattr("wandb.init", lambda **arguments: seen.append(arguments) or fake_run())
    tracker = WandbTracker(save_dir=runs.folder / "first", mode="offline")
    assert tracker.experiment is tracker.experiment
    (arguments,) = seen
    assert arguments["id"] == runs.ids[0]
    assert arguments["resume"] == "allow"
    assert arguments["mode"] == "offline"


def test_a_raw_omegaconf_node_is_refused(tmp_path):
    tracker = WandbTracker(save_dir=tmp_path, mode="offline")
    with pytest.raises(ValueError, match=r"config\.model .*DictConfig"):
        tracker.set_config({"model": OmegaConf.create({"lr": "${seed}"})})
    assert list(tmp_path.iterdir()) == []


def test_other_ranks_begin_no_run(tmp_path, monkeypatch):
    monkeypatch.setattr(rank_zero_only, "rank", 1)
    tracker = WandbTracker(save_dir=tmp_path, mode="offline")
    tracker.set_config({"seed": 1})
    tracker.log_metrics({"d/loss": 1.0}, step=1)
    tracker.close(0)
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_does_not_answer_means_offline(tmp_path, monkeypatch, caplog):
    seen = []
    monkeypatch.setenv("WANDB_API_KEY", "x" * 40)
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")  # the discard port: nobody listens
    monkeypatch.delenv("WANDB_MODE", raising=False)
    monkeypatch.setattr(
        "wandb.init",
        lambda **arguments: seen.append(arguments["mode"]) or fake_run(),
    )
    tracker = WandbTracker(save_dir=tmp_path)
    assert tracker.mode == "online"
    assert tracker.experiment is not None
    assert (tracker.mode, seen) == ("offline", ["offline"])
    assert "does not answer" in caplog.text


def test_a_server_that_refuses_means_offline_under_a_new_id_unless_online_was_asked_for(tmp_path, monkeypatch):
    import wandb

    seen = []

    def init(**arguments):
        seen.append((arguments["mode"], arguments["id"]))
        if arguments["mode"] == "online":
            raise wandb.errors.CommError("401")
        return fake_run()

    monkeypatch.setenv("WANDB_API_KEY", "x" * 40)
    monkeypatch.delenv("WANDB_MODE", raising=False)
    monkeypatch.setattr("wandb.init", init)
    monkeypatch.setattr("gan_lightning.loggers.wandb_run.server_answers", lambda: True)
    assert WandbTracker(save_dir=tmp_path / "a").experiment is not None
    assert [mode for mode, _ in seen] == ["online", "offline"]
    assert seen[0][1] != seen[1][1]
    assert (tmp_path / "a" / "wandb" / "run_id").read_text().strip() == seen[1][1]
    with pytest.raises(wandb.errors.CommError):
        _ = WandbTracker(save_dir=tmp_path / "b", mode="online").experiment


def test_a_run_travels_to_another_process_by_its_id(tmp_path, monkeypatch):
    events = []

    def init(**arguments):
        events.append(arguments["id"])
        return fake_run(finish=lambda: events.append("finish"))

    monkeypatch.setattr("wandb.init", init)
    tracker = WandbTracker(save_dir=tmp_path, mode="offline")
    assert pickle.loads(pickle.dumps(tracker)).experiment is not None
    assert tracker.experiment is not None
    assert pickle.loads(pickle.dumps(tracker)).experiment is not None
    first, second, finish, third = events
    assert finish == "finish"
    assert first == second == third


@pytest.mark.parametrize("content", [b"", b"\0" * 9, b"two words\n", b"a/b", b"\x80\x81", b"x" * 10_000, None])
def test_a_damaged_id_is_replaced(tmp_path, caplog, content):
    tracker = WandbTracker(save_dir=tmp_path, mode="offline")
    kept = tmp_path / "wandb" / "run_id"
    kept.parent.mkdir()
    kept.mkdir() if content is None else kept.write_bytes(content)
    made = tracker._run_id()
    assert len(made) == 8
    assert tracker._run_id() == made
    assert "it was renamed to run_id.damaged; a new W&B run begins" in caplog.text
    kept.write_text("my-run_1.a\n")
    assert tracker._run_id() == "my-run_1.a"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"project": "a/b"}, "logger.wandb.project must have 1 to 128 characters"),
        ({"project": "x" * 129}, "logger.wandb.project"),
        ({"project": ""}, "logger.wandb.project"),
        ({"tags": ["fine", "x" * 65]}, "logger.wandb.tags must have 1 to 64 characters each, got 'xxx"),
        ({"tags": [""]}, "logger.wandb.tags"),
    ],
)
def test_what_wandb_would_refuse_is_refused_before_the_run(tmp_path, arguments, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        WandbTracker(save_dir=tmp_path, **arguments)
    settings = {"run_tags" if key == "tags" else key: value for key, value in arguments.items() if value}
    if settings:
        with pytest.raises(Exception, match=r"(?i)project name|tag"):
            wandb.Settings(**settings)

"""Against a server on the loopback device: logging, going on after a requeue, and uploading offline segments."""

import json

import pytest

from gan_lightning.cli import sync as command
from gan_lightning.loggers import WandbTracker
from gan_lightning.loggers.wandb_segments import Segment, add_segment, read_segments, write_segments
from gan_lightning.loggers.wandb_sync import find_tracked, sync_runs


def record(folder, images, *, mode="auto", exit_code=0):
    tracker = WandbTracker(save_dir=folder, name="demo", group="g", tags=["t"], mode=mode)
    tracker.set_config({"model": {"lr": 0.5}})
    for seen in images:
        tracker.log_metrics({"d/loss": 1.0, "images_seen": seen})
    tracker.summary({"status": "preempted" if exit_code else "finished"})
    tracker.close(exit_code)


def test_a_requeued_job_goes_on_in_its_run_online(server, tmp_path):
    record(tmp_path / "run", (8, 16), exit_code=143)
    (run,) = server.runs.values()
    assert (run.exit_code, run.summary["status"], run.rows[-1]["images_seen"]) == (143, "preempted", 16)
    assert run.preempting
    assert (run.project, run.display_name, run.group, run.tags, run.job_type) == (
        "gan-lightning",
        "demo",
        "g",
        ["t"],
        "train",
    )
    assert run.config["model"]["value"] == {"lr": 0.5}
    record(tmp_path / "run", (24, 32))
    assert list(server.runs.values()) == [run]
    assert [(row["_step"], row["images_seen"]) for row in run.rows] == [(0, 8), (1, 16), (2, 24), (3, 32)]
    assert (run.exit_code, run.summary["status"]) == (0, "finished")
    assert [segment.mode for segment in read_segments(tmp_path / "run")] == ["online", "online"]
    assert server.unknown == []


def test_offline_segments_become_one_run_also_after_a_kill(server, tmp_path, capsys):
    run = tmp_path / "runs" / "a"
    for images in ((8, 16), (24, 32), (40,)):
        record(run, images, mode="offline")
    names = [segment.folder for segment in read_segments(run)]
    assert len(names) == 3
    (log,) = (run / "wandb" / names[1]).glob("*.wandb")
    log.write_bytes(log.read_bytes()[:-30])  # the end of the exit record
    command.main([str(tmp_path / "runs")])
    assert capsys.readouterr().out == f"{run}: 2 uploaded, 1 cut off by a kill, uploaded up to there\n"
    (stored,) = server.runs.values()
    assert [(row["_step"], row["images_seen"]) for row in stored.rows] == list(enumerate((8, 16, 24, 32, 40)))
    assert stored.exit_code == 0
    assert [segment.uploaded for segment in read_segments(run)] == ["whole", "cut", "whole"]
    assert server.unknown == []
    command.main([str(tmp_path / "runs")])
    assert capsys.readouterr().out == f"{run}: nothing new\n"
    assert len(stored.rows) == 5


class Uploads:
    """Stands in for ``wandb sync``: marks what it was given, of each run up to a segment that is cut off or fails."""

    def __init__(self, *, cut=(), failing=()):
        self.cut, self.failing, self.calls = cut, failing, []

    def __call__(self, folders):
        self.calls.append([folder.name.removeprefix("offline-run-") for folder in folders])
        stopped, lines = set(), []
        for folder in folders:
            name = folder.name.removeprefix("offline-run-")
            if folder.parent in stopped:
                continue
            if name in self.cut or name in self.failing:
                why = "the file ends with an incomplete record." if name in self.cut else "no space"
                lines.append(f'wandb: ERROR Failed to sync all data from "{folder}": {why}')
                stopped.add(folder.parent)
                continue
            (folder / "run-id.wandb.synced").touch()
        return "\n".join(lines)


def tracked(run, *names, status="preempted", mode="offline"):
    for name in (f"offline-run-{name}" for name in names):
        (run / "wandb" / name).mkdir(parents=True)
        add_segment(run, folder=name, run_id="id", mode=mode)
    (run / "results.json").write_text(json.dumps({"status": status}))
    return run


def test_one_call_uploads_all_runs_and_a_second_what_lay_behind_a_cut(tmp_path):
    first, second = tracked(tmp_path / "first", "a", "b", "c"), tracked(tmp_path / "second", "d")
    upload = Uploads(cut=["b"])
    done = sync_runs(find_tracked([tmp_path]), upload=upload)
    assert upload.calls == [["a", "b", "c", "d"], ["c"]]
    assert [(one.whole, one.cut, one.failed) for one in done] == [(2, 1, 0), (1, 0, 0)]
    assert [segment.uploaded for segment in read_segments(first)] == ["whole", "cut", "whole"]
    assert [segment.uploaded for segment in read_segments(second)] == ["whole"]


def test_a_failure_stays_to_be_uploaded(tmp_path):
    run = tracked(tmp_path / "run", "a", "b")
    (done,) = sync_runs([run], upload=Uploads(failing=["b"]))
    assert (done.whole, done.failed) == (1, 1)
    assert "no space" in done.problem
    (done,) = sync_runs([run], upload=Uploads())
    assert (done.whole, done.failed, done.problem) == (1, 0, None)


def test_the_last_segment_of_a_running_job_is_left_alone(tmp_path):
    run, upload = tracked(tmp_path / "run", "a", "b", status="running"), Uploads()
    (done,) = sync_runs([run], upload=upload)
    assert (done.whole, done.waiting, done.failed) == (1, 1, 0)
    (done,) = sync_runs([run], running=True, upload=upload)
    assert (done.whole, done.waiting) == (1, 0)
    assert upload.calls == [["a"], ["b"]]


def test_online_segments_and_those_that_wandb_sync_has_marked_need_nothing(tmp_path):
    run = tracked(tmp_path / "run", "a", mode="online")
    tracked(run, "b")
    (run / "wandb" / "offline-run-b" / "run-id.wandb.synced").touch()
    upload = Uploads()
    (done,) = sync_runs([run], upload=upload)
    assert (done.whole, done.failed, upload.calls) == (0, 0, [])
    assert [segment.uploaded for segment in read_segments(run)] == ["none", "whole"]


ENTRY = {"folder": "offline-run-a", "run_id": "id", "mode": "offline", "started_at": "2026-01-31"}
CHANGES = {"folder": "../b", "run_id": 1, "unknown": ""}
DAMAGED = [
    *("", "\0" * 20, "[1]", "{", "[" * 5000),
    *('{"segments": 3}', '{"segments": [null]}', '{"segments": [{"folder": 1}]}'),
    *(json.dumps({"segments": [{**ENTRY, key: value}]}) for key, value in CHANGES.items()),
    None,
]


@pytest.mark.parametrize("content", DAMAGED)
def test_a_damaged_manifest_is_a_problem_of_its_run_only(tmp_path, content):
    tracked(tmp_path / "good", "a")
    manifest = tracked(tmp_path / "bad", "b") / "wandb" / "segments.json"
    manifest.unlink()
    if content is None:
        manifest.mkdir()
    else:
        manifest.write_text(content)
        assert tmp_path / "bad" in find_tracked([tmp_path])
    bad, good = sync_runs([tmp_path / "bad", tmp_path / "good"], upload=Uploads())
    assert bad.problem.startswith(f"{manifest} is ")
    assert good.whole == 1


@pytest.mark.parametrize("content", DAMAGED)
def test_a_run_with_a_damaged_manifest_goes_on_with_a_new_one(tmp_path, caplog, content):
    manifest = tracked(tmp_path, "a") / "wandb" / "segments.json"
    manifest.unlink()
    manifest.mkdir() if content is None else manifest.write_text(content)
    add_segment(tmp_path, folder="offline-run-b", run_id="id", mode="offline")
    assert [segment.folder for segment in read_segments(tmp_path)] == ["offline-run-b"]
    assert f"{manifest} is " in caplog.text
    assert "it was renamed to segments.json.damaged" in caplog.text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "there is no folder nowhere"),
        (["empty"], "W&B recorded no run below empty"),
        (["tracked"], "no login: set WANDB_API_KEY"),
    ],
)
def test_bad_input_ends_with_2_and_a_message(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    (tmp_path / "empty").mkdir()
    tracked(tmp_path / "tracked", "a")
    with pytest.raises(SystemExit) as ending:
        command.main(arguments)
    assert ending.value.code == 2
    assert message in capsys.readouterr().err


def test_a_dry_run_lists_and_a_silent_server_is_a_failure(tmp_path, monkeypatch, capsys):
    run = tracked(tmp_path / "run", "a")
    command.main([str(tmp_path), "--dry-run"])
    assert capsys.readouterr().out == f"{run}: 1 to upload\n  offline-run-a\n"
    monkeypatch.setenv("WANDB_API_KEY", "x" * 40)
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
    with pytest.raises(SystemExit) as ending:
        command.main([str(tmp_path)])
    assert ending.value.code == 1
    assert "does not answer" in capsys.readouterr().err


def test_a_manifest_reads_as_it_was_written(tmp_path):
    segments = [Segment("a", "id", "offline", "2026-01-31T12:00:00+00:00", "cut")]
    write_segments(tmp_path, segments)
    assert read_segments(tmp_path) == segments
    assert read_segments(tmp_path / "elsewhere") == []

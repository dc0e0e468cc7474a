"""What is left of a run that was refused once its folder was there: nothing of its own, all of others'."""

import pytest

from gan_lightning.runs.cleanup import discard_unused, empty_run
from gan_lightning.runs.folder import RunFolder


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "runs" / "name" / "now"
    folder.mkdir(parents=True)
    (folder / ".lock").touch()
    return folder


def test_a_folder_that_holds_nothing_but_its_lock_goes_with_the_empty_ones_above(folder, tmp_path):
    discard_unused(folder)
    assert list(tmp_path.iterdir()) == []


def test_folders_above_that_hold_other_runs_stay(folder, tmp_path):
    (tmp_path / "runs" / "other").mkdir()
    discard_unused(folder)
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["other"]


@pytest.mark.parametrize("name", ["config.yaml", "results.json", ".hydra", "notes.txt"])
def test_a_folder_with_anything_else_in_it_stays(folder, name):
    (folder / name).touch()
    discard_unused(folder)
    assert (folder / name).is_file()


def test_nothing_outside_of_the_present_directory_is_touched(folder, tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    discard_unused(folder)
    assert folder.is_dir()


def test_what_others_have_put_into_the_folders_of_a_run_stays(folder):
    run = RunFolder(folder)
    mine = [run.checkpoints / "epoch_1.ckpt", run.pictures("samples") / "mine.png"]
    for path in (run.results, run.latest, run.previous, run.best, run.picture("samples", 8), *mine):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    run.pictures("walks").mkdir()
    empty_run(folder)
    assert {path for path in folder.rglob("*") if path.is_file()} == {run.lock, *mine}
    assert not run.pictures("walks").exists()


def test_a_run_is_removed_and_the_files_beside_it_stay(folder, tmp_path):
    run = RunFolder(folder)
    outside = tmp_path / "kept"
    outside.mkdir()
    for path in (
        run.config,
        run.hydra_config,
        run.results,
        run.metrics,
        run.real,
        run.latest,
        run.picture("samples", 8),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (folder / "notes.txt").touch()
    run.wandb.symlink_to(outside)
    empty_run(folder)
    assert {path.name for path in folder.iterdir()} == {".lock", "notes.txt"}
    assert outside.is_dir()

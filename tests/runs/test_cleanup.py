"""What is left of a run that was refused once its folder was there: nothing of its own, all of others'."""

import logging

import pytest

from gan_lightning.runs.cleanup import discard_unused


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "runs" / "name" / "now"
    (folder / ".hydra").mkdir(parents=True)
    (folder / ".hydra" / "config.yaml").touch()
    (folder / ".lock").touch()
    handler = logging.FileHandler(folder / "train.log")
    logging.getLogger().addHandler(handler)
    yield folder
    logging.getLogger().removeHandler(handler)
    handler.close()


def test_a_folder_that_only_hydra_wrote_in_goes_with_the_empty_ones_above(folder, tmp_path):
    discard_unused(folder)
    assert list(tmp_path.iterdir()) == []


def test_folders_above_that_hold_other_runs_stay(folder, tmp_path):
    (tmp_path / "runs" / "other").mkdir()
    discard_unused(folder)
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["other"]


@pytest.mark.parametrize("name", ["config.yaml", "job.json", "notes.txt"])
def test_a_folder_with_anything_else_in_it_stays(folder, name):
    (folder / name).touch()
    discard_unused(folder)
    assert (folder / "train.log").is_file()


def test_a_folder_that_hydra_did_not_make_stays(folder):
    (folder / ".hydra" / "config.yaml").unlink()
    (folder / ".hydra").rmdir()
    discard_unused(folder)
    assert folder.is_dir()


def test_nothing_outside_of_the_present_directory_is_touched(folder, tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    discard_unused(folder)
    assert folder.is_dir()

"""A start checks once, builds once, and writes nothing into a folder before it is sure that the folder is its own."""

from __future__ import annotations

import errno
import logging
import os
import shutil
from pathlib import Path

import pytest
from lightning import Callback, LightningModule, Trainer
from omegaconf import OmegaConf

from gan_lightning import create_model
from gan_lightning.config.resolvers import register_resolvers
from gan_lightning.core import slurm
from gan_lightning.core.errors import InputError
from gan_lightning.data import DigitsDataModule
from gan_lightning.launch import preflight
from gan_lightning.launch.held_back import HeldBack
from gan_lightning.launch.preflight import check_writable
from gan_lightning.launch.run import run
from gan_lightning.launch.start import clear_names, refuse_inside_run, start
from gan_lightning.runs.folder import RunFolder
from gan_lightning.runs.lock import Occupied, exclusive
from gan_lightning.runs.results import read_results
from tests.cli.conftest import UNSCORED
from tests.conftest import LONG

SMALL = [*UNSCORED, "budget.kimg=null", "budget.images=32", "logger=none"]


def everything_in(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


class Counted(Callback):
    """Counts how often it is built, and how often its signature is looked at."""

    built = 0
    looked_at = 0


class _Signature:
    def __get__(self, instance: object, owner: type | None = None):
        import inspect

        Counted.looked_at += 1
        return inspect.Signature()


Counted.__signature__ = _Signature()  # type: ignore[attr-defined]


def _count(self: Counted) -> None:
    Callback.__init__(self)
    Counted.built += 1


Counted.__init__ = _count  # type: ignore[method-assign]


def test_a_start_checks_once_and_builds_once(commands, tmp_path, monkeypatch):
    monkeypatch.setattr(Counted, "built", 0)
    monkeypatch.setattr(Counted, "looked_at", 0)
    models = []
    original = LightningModule.__init__
    monkeypatch.setattr(LightningModule, "__init__", lambda self, *a, **k: (models.append(self), original(self, *a))[1])
    line = [*SMALL, "hydra.run.dir=run", "+callbacks.counted._target_=tests.cli.test_start.Counted"]
    assert commands("train", *line, cwd=tmp_path).code == 0
    assert (Counted.built, len(models)) == (1, 1)
    assert Counted.looked_at == 1


@pytest.fixture(scope="module")
def trained(commands, tmp_path_factory) -> Path:
    """A finished run; the folder is only read."""
    base = tmp_path_factory.mktemp("trained")
    assert commands("train", *SMALL, "hydra.run.dir=run", cwd=base).code == 0
    return base / "run"


@pytest.fixture
def finished(trained, tmp_path) -> Path:
    """A copy of it."""
    return shutil.copytree(trained, tmp_path / "run")


def test_a_folder_that_holds_a_run_is_refused_and_left_as_it_is(commands, finished, tmp_path):
    before = everything_in(finished)
    ended = commands("train", *SMALL, "hydra.run.dir=run", "seed=5", cwd=tmp_path)
    assert ended.code == 2
    assert "there is a run already" in ended.err
    assert f"resume={finished}" in ended.err
    assert "overwrite=true" in ended.err
    assert everything_in(finished) == before


def test_a_run_is_overwritten_when_that_is_said(commands, finished, tmp_path):
    (finished / "notes.txt").write_text("mine")
    ended = commands("train", *SMALL, "hydra.run.dir=run", "seed=5", "overwrite=true", cwd=tmp_path)
    assert ended.code == 0, ended.text
    assert OmegaConf.load(RunFolder(finished).config).seed == 5
    assert "seed=5" in OmegaConf.load(RunFolder(finished).hydra_overrides)
    assert (finished / "notes.txt").read_text() == "mine"
    # and it can be continued, without being overwritten again
    assert commands("train", f"resume={finished}", "budget.images=64", cwd=tmp_path).code == 0
    assert len(OmegaConf.load(RunFolder(finished).hydra_overrides)) > 3


@pytest.mark.parametrize(
    ("kept", "words"),
    [
        ("metrics.jsonl", []),
        ("checkpoints/best.ckpt", []),
        ("checkpoints/best.ckpt", ["resume=auto"]),
        ("samples", ["resume=latest.ckpt"]),
    ],
)
def test_the_rest_of_a_run_is_not_taken_for_nothing(commands, finished, tmp_path, kept, words):
    shutil.copy(RunFolder(finished).latest, tmp_path)
    shutil.move(RunFolder(finished).latest, RunFolder(finished).best)
    shutil.move(finished, tmp_path / "whole")
    (finished / kept).parent.mkdir(parents=True)
    shutil.move(tmp_path / "whole" / kept, finished / kept)
    before = everything_in(tmp_path)
    ended = commands("train", *SMALL, HERE, *words, cwd=tmp_path)
    assert ended.code == 2, ended.text
    assert f"there is the rest of a run already, {kept}; " in ended.err
    assert ("overwrite=true" in ended.err) == (not words)
    assert everything_in(tmp_path) == before


@pytest.mark.parametrize(
    "words",
    [
        ["hydra.run.dir=run/samples/one"],
        ["hydra.run.dir=link/checkpoints", "overwrite=true"],
        ["seed=1", "hydra.sweep.dir=run/.hydra", "-m"],
    ],
)
def test_a_run_among_the_files_of_another_one_is_refused(commands, finished, tmp_path, words):
    (tmp_path / "link").symlink_to(finished)
    before = everything_in(tmp_path)
    ended = commands("train", *SMALL, *words, cwd=tmp_path)
    assert ended.code == 2, ended.text
    assert f"which belongs to the run in {finished}" in ended.err
    assert everything_in(tmp_path) == before


def test_a_disk_that_is_full_at_the_start_is_said_to_be_so(commands, tmp_path, monkeypatch):
    def full(path, content):
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr("gan_lightning.launch.run.write_side_file", full)
    ended = commands("train", *SMALL, "hydra.run.dir=run", cwd=tmp_path)
    assert ended.code == 1
    assert ended.err.splitlines()[-1] == f"[Errno 28] No space left on device: '{tmp_path / 'run' / 'config.yaml'}'"
    assert "Traceback" not in ended.text


def test_a_folder_that_leads_into_another_run_is_refused_and_one_on_another_disk_is_not(tmp_path):
    other, mine = RunFolder(tmp_path / "other"), RunFolder(tmp_path / "mine")
    other.checkpoints.mkdir(parents=True)
    other.latest.write_text("on another disk")
    mine.path.mkdir()
    mine.checkpoints.symlink_to("../other/checkpoints")
    refuse_inside_run(mine.path)
    other.results.write_text("{}")
    with pytest.raises(InputError, match=r"checkpoints leads to .*other/checkpoints, which belongs to another run"):
        refuse_inside_run(mine.path)
    (tmp_path / "link").symlink_to("other")
    refuse_inside_run(tmp_path / "link")


def whole_tree(folder: Path) -> dict[str, tuple[int, bytes | None]]:
    """Return every file and folder with its time, and the content of files; taking a lock changes that file's time."""
    return {
        str(path.relative_to(folder)): (
            path.lstat().st_mtime_ns if path.name != ".lock" else 0,
            path.read_bytes() if path.is_file() else None,
        )
        for path in sorted(folder.rglob("*"))
    }


HERE = "hydra.run.dir=run"
REFUSED = {
    "no resume": [HERE],
    "overwrite and resume": [HERE, "resume=auto", "overwrite=true"],
    "overwrite and a run": ["resume=run", "overwrite=true"],
    "another seed": ["resume=run", "seed=5"],
    "another model": ["resume=run", "model.generator.width=16"],
    "a budget that was passed": ["resume=run", "budget.images=16"],
    "a limit": ["resume=run", "trainer.max_epochs=2"],
    "a wrong type": ["resume=run", "batch_size=many"],
    "an unknown key": ["resume=run", "batch_sise=3"],
    "a checkpoint that is not there": [HERE, "resume=nowhere.ckpt"],
    "a file in another folder": [HERE, "resume=other/latest.ckpt"],
    "a file of another program": [HERE, "resume=other/foreign.ckpt"],
    "more processes": ["resume=run", "trainer=ddp", "trainer.devices=2", "trainer.accelerator=cpu"],
    "a damaged experiment": ["resume=run", "experiment=nothing"],
    "another working folder": ["resume=run", "hydra.job.chdir=true"],
}


QUICK = ("no resume", "overwrite and a run", "another seed", "a limit", "a file of another program")


@pytest.mark.parametrize(
    "cases",
    [
        pytest.param(QUICK, id="some"),
        pytest.param(
            tuple(REFUSED),
            id="all",
            marks=LONG,
        ),
    ],
)
def test_whatever_is_refused_leaves_the_run_and_its_folder_as_they_were(commands, finished, tmp_path, cases):
    (tmp_path / "other").mkdir()
    shutil.copy(RunFolder(finished).latest, tmp_path / "other")
    (tmp_path / "other" / "foreign.ckpt").write_text("no checkpoint")
    before = whole_tree(tmp_path)
    for case in cases:
        line = REFUSED[case] if REFUSED[case][0] == "resume=run" else [*SMALL, *REFUSED[case]]
        ended = commands("train", *line, cwd=tmp_path)
        assert (ended.code, whole_tree(tmp_path) == before) == (2, True), f"{case}: {ended.text}"
        assert "Traceback" not in ended.text, case


@pytest.mark.parametrize(
    "words", [["seed=5"], ["seed=5", "overwrite=true"], ["resume=auto"], ["seed=5", "resume=auto"]]
)
def test_a_second_start_changes_nothing_where_a_process_trains(commands, finished, tmp_path, words):
    before = everything_in(finished)
    with exclusive(finished):
        ended = commands("train", *SMALL, "hydra.run.dir=run", *words, cwd=tmp_path)
    assert ended.code == 2
    assert "another process trains in this folder" in ended.err
    assert everything_in(finished) == before


@pytest.mark.parametrize("content", [b"no checkpoint", b""])
def test_nothing_begins_anew_over_checkpoints_that_cannot_be_read(commands, finished, tmp_path, content):
    run_folder = RunFolder(finished)
    for path in (run_folder.latest, run_folder.previous):
        if path.exists():
            path.write_bytes(content)
    before = everything_in(finished)
    ended = commands("train", *SMALL, "hydra.run.dir=run", "resume=auto", cwd=tmp_path)
    assert ended.code == 2
    assert str(run_folder.latest) in ended.err
    assert everything_in(finished) == before


def test_another_runs_checkpoint_does_not_replace_a_run(commands, finished, tmp_path):
    line = [*SMALL, "budget.images=64", f"resume={finished / 'checkpoints' / 'latest.ckpt'}"]
    assert commands("train", *line, "hydra.run.dir=other", cwd=tmp_path).code == 0
    before = everything_in(tmp_path / "other")
    ended = commands("train", *line, "hydra.run.dir=other", cwd=tmp_path)
    assert ended.code == 2
    assert "there is a run already" in ended.err
    assert everything_in(tmp_path / "other") == before
    ended = commands("train", *line, "hydra.run.dir=other", "overwrite=true", cwd=tmp_path)
    assert ended.code == 2
    assert "one starts over, the other resumes" in ended.err
    assert everything_in(tmp_path / "other") == before


def test_a_requeued_job_goes_on_from_its_own_checkpoint(train_config, finished, monkeypatch):
    other = RunFolder(finished.parent / "other")
    other.checkpoints.mkdir(parents=True)
    shutil.copy(RunFolder(finished).latest, other.latest)
    line = [*SMALL, f"resume={other.latest}"]
    with pytest.raises(InputError, match="there is a run already"):
        start(train_config(*line))
    monkeypatch.setattr(slurm, "restarts", lambda: 1)
    begun = start(train_config(*line))
    begun.held.close()
    assert begun.source.path == RunFolder(finished).latest


def test_a_run_goes_on_in_its_folder_wherever_that_is_named_from(commands, tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "here").mkdir()
    assert commands("train", *SMALL, "output_dir=run", cwd=tmp_path / "there").code == 0
    ended = commands("train", "resume=../there/run", "budget.images=64", cwd=tmp_path / "here")
    assert ended.code == 0, ended.text
    assert read_results(RunFolder(tmp_path / "there" / "run").results)["images_seen"] == 64
    assert list((tmp_path / "here").iterdir()) == []


@pytest.mark.parametrize("folder", ["file", "file/run", "n" * 300])
def test_a_folder_that_cannot_be_made_is_named(commands, tmp_path, folder):
    (tmp_path / "file").touch()
    ended = commands("train", *SMALL, f"hydra.run.dir={folder}", cwd=tmp_path)
    assert ended.code == 2, ended.text
    assert f"{folder}: the folder cannot be made" in ended.err
    assert "Traceback" not in ended.text
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_folder_that_is_read_only_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("os.access", lambda *_: False)  # the superuser may write everywhere
    with pytest.raises(InputError, match="read-only"), exclusive(tmp_path):
        pass


def test_a_sweep_does_not_overwrite_its_jobs(commands, tmp_path):
    ended = commands("train", "-m", *SMALL, "hydra.sweep.dir=sweep", "seed=0,1", "overwrite=true", cwd=tmp_path)
    assert ended.code == 2
    assert "overwrite = true: a sweep resumes its jobs" in ended.err
    assert list(tmp_path.iterdir()) == []


def test_runs_that_begin_in_the_same_second_get_folders_of_their_own(commands, tmp_path, monkeypatch):
    (tmp_path / "runs" / "demo" / "noon").mkdir(parents=True)
    tried = []

    def occupied(config):
        tried.append(Path(config.output_dir).name)
        raise Occupied("at the same moment") if len(tried) < 3 else InputError("enough")

    monkeypatch.setattr(preflight, "_started", occupied)
    OmegaConf.register_new_resolver("run_folder", lambda: "noon", replace=True)
    try:
        ended = commands("train", *SMALL, cwd=tmp_path)
        assert (ended.err, tried) == ("enough\n", ["noon_2", "noon_3", "noon_4"])
        tried.clear()
        ended = commands("train", *SMALL, "hydra.run.dir=noon", cwd=tmp_path)  # a name that somebody chose
        assert (ended.err, tried) == ("at the same moment\n", ["noon"])
    finally:
        register_resolvers()


def test_a_finished_run_without_checkpoints_is_not_begun_anew(commands, finished, tmp_path):
    shutil.rmtree(RunFolder(finished).checkpoints)
    before = everything_in(finished)
    ended = commands("train", *SMALL, "hydra.run.dir=run", "resume=auto", cwd=tmp_path)
    assert ended.code == 2
    assert "holds a finished run without latest.ckpt" in ended.err
    assert everything_in(finished) == before


def test_checkpoints_on_a_disk_that_is_not_there_are_not_taken_for_none(commands, finished, tmp_path):
    run = RunFolder(finished)
    shutil.move(run.checkpoints, tmp_path / "disk")
    for link in (run.checkpoints, run.latest):
        link.parent.mkdir(exist_ok=True)
        link.symlink_to(tmp_path / "away" / link.name)
        ended = commands("train", *SMALL, "hydra.run.dir=run", "resume=auto", cwd=tmp_path)
        assert (ended.code, str(link) in ended.err) == (2, True), ended.text
        link.unlink()


def test_folders_with_the_names_of_a_runs_files_are_moved_aside(commands, finished, tmp_path):
    names = ["config.yaml", "results.json", "metrics.jsonl", "train.log"]
    for name in names:
        (finished / name).unlink(missing_ok=True)
        (finished / name / "mine").mkdir(parents=True)
    ended = commands("train", "resume=run", "budget.images=64", cwd=tmp_path)
    assert ended.code == 0, ended.text
    for name in names:
        assert not (finished / name).is_dir()
        assert (finished / f"{name}.damaged" / "mine").is_dir()
        assert f"{name} is a folder; it was renamed to {name}.damaged" in ended.out


@pytest.mark.parametrize("kind", ["pipe", "link to nothing", "link to itself", "device"])
def test_what_is_neither_file_nor_folder_gives_up_the_name_of_one_of_a_runs(kind, tmp_path):
    def put(path):
        targets = {"link to nothing": tmp_path / "nowhere", "link to itself": path, "device": "/dev/zero"}
        os.mkfifo(path) if kind == "pipe" else path.symlink_to(targets[kind])

    run = RunFolder(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    run.checkpoints.symlink_to(tmp_path / "elsewhere")  # on another disk, as it may be
    paths = {path for path in [*run.files(), *run.own_subfolders()] if path != run.checkpoints}
    for path in paths:
        put(path)
    clear_names(run)
    assert not any(map(os.path.lexists, paths))
    assert {path.name for path in tmp_path.glob("*.damaged")} == {f"{path.name}.damaged" for path in paths}
    assert run.checkpoints.is_dir()
    put(log := run.log)
    with pytest.raises(InputError, match=r"train\.log is not a file, or is a link to a missing one, but the log needs"):
        check_writable(log, purpose="the log")


def test_a_sweep_whose_file_cannot_be_written_is_refused(commands, tmp_path):
    name = tmp_path / "sweep" / "multirun.yaml"
    name.mkdir(parents=True)
    ended = commands("train", "-m", *SMALL, "seed=0,1", "hydra.sweep.dir=sweep", cwd=tmp_path)
    assert ended.code == 2, ended.text
    assert f"{name} is a folder" in ended.err
    assert list(name.parent.iterdir()) == [name]


def test_a_twins_checkpoint_in_a_runs_folder_is_said_to_come_from_there(commands, finished, tmp_path):
    twin = shutil.copytree(finished, tmp_path / "twin")
    assert commands("train", "resume=twin", "budget.images=64", cwd=tmp_path).code == 0
    shutil.copy(RunFolder(twin).latest, RunFolder(finished).latest)
    ended = commands("train", "resume=run", "budget.images=96", cwd=tmp_path)
    assert ended.code == 0, ended.text
    assert f"latest.ckpt was written in {twin}, at 64 images, and" in ended.text


def test_a_sweep_in_a_place_where_no_folder_can_be_is_refused(commands, tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "sweep" / "1" / "train.log").mkdir(parents=True)
    (tmp_path / "sweep" / "0").touch()
    before = whole_tree(tmp_path)
    for folder, parts in (
        ("file/below", ["file is not a folder"]),
        ("sweep", ["sweep/0 is not a folder", "train.log is a"]),
    ):
        line = [*SMALL, f"hydra.sweep.dir={folder}", "hydra.sweep.subdir=${hydra.job.num}", "seed=0,1"]
        ended = commands("train", "-m", *line, cwd=tmp_path)
        assert ended.code == 2, ended.text
        assert all(part in ended.err for part in parts), ended.err
        assert "Traceback" not in ended.text
    assert whole_tree(tmp_path) == before


def test_a_checkpoint_of_a_plain_trainer_is_no_run(commands, tmp_path):
    model = create_model("gan", resolution=16, channels=1)
    data = DigitsDataModule(resolution=16, batch_size=16)
    trainer = Trainer(
        max_steps=2, accelerator="cpu", logger=False, enable_progress_bar=False, enable_checkpointing=False
    )
    trainer.fit(model, datamodule=data)
    trainer.save_checkpoint(tmp_path / "plain.ckpt")
    ended = commands("train", *SMALL, "resume=plain.ckpt", cwd=tmp_path)
    assert ended.code == 2
    assert "plain.ckpt was written by a Trainer without gan-train" in ended.err


def test_a_checkpoint_file_of_a_run_names_the_run(commands, finished, tmp_path):
    ended = commands("train", "model=dcgan", "data=digits", "resume=run/checkpoints/latest.ckpt", cwd=tmp_path)
    assert ended.code == 2
    assert "resume=run resumes the run of latest.ckpt with its settings" in ended.err


def test_a_refused_start_leaves_no_folder(commands, tmp_path):
    ended = commands("train", *SMALL, "hydra.run.dir=a/b/run", "resume=nowhere.ckpt", cwd=tmp_path)
    assert ended.code == 2
    assert "nowhere.ckpt" in ended.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["file", "file/below", "x" * 300])
def test_a_folder_that_cannot_be_made_is_refused_by_name(commands, tmp_path, name):
    (tmp_path / "file").touch()
    ended = commands("train", *SMALL, f"hydra.run.dir={name}", cwd=tmp_path)
    assert ended.code == 2
    assert f"output_dir = {tmp_path / name}: " in ended.err
    assert "Traceback" not in ended.text
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_hydras_files_are_those_that_hydra_would_write(trained):
    stored = RunFolder(trained)
    assert list(OmegaConf.load(stored.hydra_overrides))[: len(SMALL)] == SMALL
    composed = OmegaConf.load(stored.hydra_config)
    assert OmegaConf.to_container(composed, resolve=False)["callbacks"]["evaluation"]["evaluator"] == "${evaluator}"
    assert "hydra" not in composed
    settings = OmegaConf.load(stored.hydra_settings)
    assert settings.hydra.runtime.output_dir == str(trained)


def test_the_lock_is_held_until_the_run_is_over(train_config, tmp_path):
    begun = start(train_config(*SMALL))
    with pytest.raises(InputError, match="another process trains"), exclusive(begun.folder):
        pass
    run(begun)
    with exclusive(begun.folder):
        pass


def test_what_is_said_while_parts_are_built_is_in_the_runs_log(commands, tmp_path):
    line = [*SMALL, "hydra.run.dir=run", "+callbacks.talkative._target_=tests.cli.test_start.Talkative"]
    ended = commands("train", *line, cwd=tmp_path)
    assert ended.code == 0
    assert ended.text.count("I was built") == 1
    assert "WARNING I was built" in (tmp_path / "run" / "train.log").read_text()


class Talkative(Callback):
    """Says when it is built."""

    def __init__(self) -> None:
        super().__init__()
        logging.getLogger(__name__).warning("I was built")


def test_records_held_back_are_shown_once_and_at_once_after_an_error(caplog):
    held, log = HeldBack(), logging.getLogger("a.logger")
    caplog.set_level(logging.INFO)
    with held:
        log.info("first")
    assert caplog.messages == []
    held.show()
    held.show()
    assert caplog.messages == ["first"]
    caplog.clear()
    with pytest.raises(KeyError):  # noqa: PT012, SIM117
        with held:
            log.info("second")
            raise KeyError
    assert caplog.messages == ["second"]

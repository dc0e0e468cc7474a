import errno
import os
import shutil
import subprocess
from functools import partial

import pytest
import torch

from gan_lightning.callbacks import Evaluation, RunCheckpoint
from gan_lightning.callbacks import checkpoints as module
from gan_lightning.core.checkpoint import read_checkpoint
from gan_lightning.losses import NonSaturating
from gan_lightning.runs import checkpoints as files
from gan_lightning.runs.folder import RunFolder
from tests.contract import variants
from tests.contract.variants import assert_same, state

fit = partial(variants.fit, enable_checkpointing=True)


def seen_in(path):
    return read_checkpoint(path)["gan_lightning"]["images_seen"]


@pytest.fixture
def writes(monkeypatch):
    """Images seen at every write, by file name."""
    noted = []
    write = module.write_checkpoint

    def spy(trainer, path, *, keep=None):
        noted.append((path.name, trainer.lightning_module.images_seen))
        write(trainer, path, keep=keep)

    monkeypatch.setattr(module, "write_checkpoint", spy)
    return noted


@pytest.fixture
def clock(monkeypatch):
    """A clock that only the test moves, for this callback alone."""

    class Clock:
        now = 1000.0

        def monotonic(self):
            return self.now

    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


def test_by_images_and_at_the_end(build, tmp_path, writes):
    fit(*build(), images=100, callbacks=[RunCheckpoint(output_dir=str(tmp_path), every_kimg=0.03)])
    assert writes == [("latest.ckpt", n) for n in (30, 60, 90, 100)]
    assert sorted(p.name for p in RunFolder(tmp_path).checkpoints.iterdir()) == ["latest.ckpt", "previous.ckpt"]
    assert (seen_in(RunFolder(tmp_path).latest), seen_in(RunFolder(tmp_path).previous)) == (
        100,
        90,
    )


def test_the_end_is_not_saved_twice(build, tmp_path, writes):
    fit(*build(), images=100, callbacks=[RunCheckpoint(output_dir=str(tmp_path), every_kimg=0.05)])
    assert writes == [("latest.ckpt", 50), ("latest.ckpt", 100)]


def test_time_based_checkpoints_are_written(build, tmp_path, writes, clock):
    model, data = build()
    step = model.training_step

    def slow_step(batch, batch_idx):
        clock.now += 25
        step(batch, batch_idx)

    model.training_step = slow_step
    fit(model, data, images=100, callbacks=[RunCheckpoint(output_dir=str(tmp_path), every_minutes=1.0)])
    # 25 seconds a batch: a minute has passed after every third
    assert writes == [("latest.ckpt", n) for n in (30, 60, 90, 100)]


def test_a_clock_that_stands_still_saves_at_the_end_only(build, tmp_path, writes, clock):
    fit(*build(), images=50, callbacks=[RunCheckpoint(output_dir=str(tmp_path))])
    assert writes == [("latest.ckpt", 50)]


def test_lightning_adds_no_files_and_no_callback_of_its_own(build, tmp_path):
    fit(
        *build(),
        images=20,
        callbacks=[RunCheckpoint(output_dir=str(tmp_path))],
        default_root_dir=tmp_path,
    )
    assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == ["latest.ckpt"]


def test_the_latest_file_does_not_wait_for_a_better_score(build, tmp_path, scripted):
    evaluation = Evaluation(evaluator=scripted([1.0, 2.0, 3.0]), every_kimg=0.02)
    fit(*build(), images=60, callbacks=[evaluation, RunCheckpoint(output_dir=str(tmp_path), every_kimg=0.02)])
    assert (seen_in(RunFolder(tmp_path).latest), seen_in(RunFolder(tmp_path).best)) == (
        60,
        20,
    )


@pytest.mark.parametrize(("higher", "best"), [(False, [10, 30]), (True, [10, 20, 40])])
def test_the_best_file_is_written_when_the_score_improves(build, tmp_path, writes, scripted, higher, best):
    evaluation = Evaluation(evaluator=scripted([2.0, 3.0, 1.0, 4.0], higher_is_better=higher), every_kimg=0.01)
    fit(*build(), images=40, callbacks=[evaluation, RunCheckpoint(output_dir=str(tmp_path))])
    assert [seen for name, seen in writes if name == "best.ckpt"] == best
    assert seen_in(RunFolder(tmp_path).best) == best[-1]


def test_the_best_score_survives_a_resume(build, tmp_path, writes, scripted):
    callbacks = [Evaluation(evaluator=scripted([2.0]), every_kimg=0.02), RunCheckpoint(output_dir=str(tmp_path))]
    fit(*build(), images=20, callbacks=callbacks)
    evaluation = Evaluation(evaluator=scripted([3.0, 1.0]), every_kimg=0.02)
    callbacks = [evaluation, RunCheckpoint(output_dir=str(tmp_path))]
    fit(*build(), images=60, callbacks=callbacks, ckpt_path=RunFolder(tmp_path).latest)
    assert writes == [("best.ckpt", n) if n else ("latest.ckpt", m) for n, m in [(20, 0), (0, 20), (60, 0), (0, 60)]]
    assert (evaluation.best.judged["value"], evaluation.best.judged["images_seen"]) == (1.0, 60)
    assert evaluation.best.judged["protocol"] == {"metric": "frechet", "samples": 4}


def test_fitting_twice_saves_the_best_once(build, tmp_path, writes, scripted):
    model, data = build()
    callbacks = [Evaluation(evaluator=scripted([2.0, 1.0])), RunCheckpoint(output_dir=str(tmp_path))]
    trainer = fit(model, data, images=20, callbacks=callbacks)
    model.budget_images = 40
    trainer.fit(model, datamodule=data)
    assert [seen for name, seen in writes if name == "best.ckpt"] == [20, 40]


def test_a_full_disk_does_not_stop_training(build, tmp_path, monkeypatch, caplog):
    disk = {"full": False}
    save = torch.save

    def save_if_there_is_room(content, path):
        if disk["full"]:
            raise OSError(errno.ENOSPC, "No space left on device")
        save(content, path)

    monkeypatch.setattr(torch, "save", save_if_there_is_room)
    model, data = build()
    step = model.training_step

    def step_and_fill(batch, batch_idx):
        step(batch, batch_idx)
        disk["full"] = 40 <= model.images_seen < 80

    model.training_step = step_and_fill
    checkpoint = RunCheckpoint(output_dir=str(tmp_path), every_kimg=0.02)
    fit(model, data, images=70, callbacks=[checkpoint])
    assert model.images_seen == 70
    assert seen_in(RunFolder(tmp_path).latest) == 20
    assert [p.name for p in RunFolder(tmp_path).checkpoints.iterdir()] == ["latest.ckpt"]
    assert "No space left on device" in caplog.text
    assert "training continues" in caplog.text
    fit(model, data, images=90, callbacks=[checkpoint])
    assert seen_in(RunFolder(tmp_path).latest) == 90


def test_a_best_state_that_could_not_be_written_is_not_the_best(build, tmp_path, monkeypatch, scripted):
    """The third score is better than the file's, and worse than the one whose file could not be written."""
    save, full = torch.save, {"at": 20}

    def save_if_there_is_room(content, path):
        if content["gan_lightning"]["images_seen"] == full["at"]:
            raise OSError(errno.ENOSPC, "No space left on device")
        save(content, path)

    monkeypatch.setattr(torch, "save", save_if_there_is_room)
    evaluation = Evaluation(evaluator=scripted([5.0, 1.0, 3.0, 4.0]), every_kimg=0.01)
    fit(*build(), images=40, callbacks=[evaluation, RunCheckpoint(output_dir=str(tmp_path), every_kimg=0.01)])
    assert seen_in(RunFolder(tmp_path).best) == 30
    assert (evaluation.best.judged["value"], evaluation.best.judged["images_seen"]) == (3.0, 30)
    saved = read_checkpoint(RunFolder(tmp_path).best)["callbacks"]["Evaluation"]
    (kept,) = saved["best"]["entries"].values()
    assert (kept["value"], kept["images_seen"]) == (3.0, 30)


@pytest.mark.parametrize("failing", [1, 2])
def test_a_rename_that_fails_leaves_the_former_file(build, tmp_path, monkeypatch, failing):
    fit(*build(), images=20, callbacks=[RunCheckpoint(output_dir=str(tmp_path))])
    replace, calls = os.replace, []

    def failing_replace(source, target):
        calls.append(target)
        if len(calls) == failing:
            raise OSError(errno.EDQUOT, "Disk quota exceeded")
        replace(source, target)

    monkeypatch.setattr(files.os, "replace", failing_replace)
    fit(*build(), images=40, callbacks=[RunCheckpoint(output_dir=str(tmp_path))])
    monkeypatch.undo()
    assert seen_in(RunFolder(tmp_path).latest) == 20
    assert [p.name for p in RunFolder(tmp_path).checkpoints.iterdir()] == ["latest.ckpt"]


@pytest.fixture
def tiny_disk(tmp_path):
    """A file system of 300 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    line = ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(line, capture_output=True).returncode:
        pytest.skip("this user may not mount a file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_disk_that_is_really_full(build, tiny_disk, caplog):
    checkpoints = tiny_disk / "checkpoints"
    fit(*build(), images=20, callbacks=[RunCheckpoint(output_dir=str(tiny_disk))])
    size = (checkpoints / "latest.ckpt").stat().st_size
    room = os.statvfs(tiny_disk)
    (tiny_disk / "filler").write_bytes(b"x" * (room.f_bavail * room.f_frsize - size // 2))
    model, data = build()
    fit(model, data, images=40, callbacks=[RunCheckpoint(output_dir=str(tiny_disk))])
    assert model.images_seen == 40
    assert seen_in(checkpoints / "latest.ckpt") == 20
    assert [p.name for p in checkpoints.iterdir()] == ["latest.ckpt"]
    assert "training continues" in caplog.text
    (tiny_disk / "filler").unlink()
    fit(*build(), images=60, callbacks=[RunCheckpoint(output_dir=str(tiny_disk))])
    assert seen_in(checkpoints / "latest.ckpt") == 60


class BreaksLater(NonSaturating):
    """Is NaN from the fourth batch on."""

    calls = 0

    def discriminator(self, real, fake):
        self.calls += 1
        return super().discriminator(real, fake) * (float("nan") if self.calls > 3 else 1)


def test_a_state_that_has_diverged_is_not_saved(build, tmp_path, writes):
    model, data = build(loss=BreaksLater())
    fit(
        model,
        data,
        images=100,
        callbacks=[RunCheckpoint(output_dir=str(tmp_path), every_kimg=0.01)],
        log_every_n_steps=1,
    )
    assert model.diverged
    assert model.images_seen == 40
    assert writes == [("latest.ckpt", n) for n in (10, 20, 30)]


def test_a_run_resumed_from_a_file_is_the_uninterrupted_one(build, tmp_path):
    whole, data = build()
    variants.fit(whole, data, images=80)
    checkpoint = RunCheckpoint(output_dir=str(tmp_path), every_kimg=0.03)
    fit(*build(), images=50, callbacks=[checkpoint])
    second, data = build()
    variants.fit(second, data, images=80, ckpt_path=RunFolder(tmp_path).previous)
    assert_same(state(whole), state(second))


@pytest.mark.parametrize(
    ("argument", "value"), [("every_minutes", 0.0), ("every_minutes", -1.0), ("every_kimg", 0.0), ("every_kimg", -2.0)]
)
def test_intervals_must_be_positive(tmp_path, argument, value):
    with pytest.raises(ValueError, match=rf"callbacks\.checkpoint\.{argument} must be positive or null, got {value}"):
        RunCheckpoint(output_dir=str(tmp_path), **{argument: value})


def poison_weight(model):
    next(model.generator.parameters()).data.view(-1)[0] = torch.nan


def poison_average(model):
    next(model.generator_ema.parameters()).data.view(-1)[0] = torch.inf


def poison_moment(model):
    optimizer = model.trainer.optimizers[0]
    next(iter(optimizer.state.values()))["exp_avg"].view(-1)[0] = torch.nan


@pytest.mark.parametrize("poison", [poison_weight, poison_average, poison_moment])
@pytest.mark.parametrize("every_kimg", [0.02, None])
def test_no_state_that_is_not_finite_takes_the_place_of_a_finite_one(build, tmp_path, caplog, poison, every_kimg):
    """Between two logged rows, where no loss tells: at the next save, and at the end of the budget."""
    model, data = build()
    folder = RunFolder(tmp_path)
    callback = RunCheckpoint(output_dir=str(tmp_path), every_kimg=every_kimg)
    step = model.training_step

    def poisoned(batch, batch_idx):
        step(batch, batch_idx)
        if model.images_seen == 70:
            poison(model)

    model.training_step = poisoned
    fit(model, data, images=100, callbacks=[callback], log_every_n_steps=0)
    assert model.diverged
    assert "the run has diverged; its last finite state is kept" in caplog.text
    if every_kimg is None:
        assert not folder.latest.exists()
        assert model.images_seen == 100
    else:
        assert model.images_seen == 80
        assert (seen_in(folder.latest), seen_in(folder.previous)) == (60, 40)
        assert files.first_nonfinite(read_checkpoint(folder.latest)) is None


def test_the_first_number_that_is_not_finite_is_named():
    state = {"state_dict": {"a": torch.ones(2), "n": torch.tensor(3)}, "optimizer_states": [{"state": {0: {}}}]}
    assert files.first_nonfinite(state) is None
    state["optimizer_states"][0]["state"][0]["exp_avg"] = torch.tensor([0.0, -torch.inf])
    assert files.first_nonfinite(state) == "optimizer_states[0].state.0.exp_avg"
    state["state_dict"]["a"][1] = torch.nan
    assert files.first_nonfinite(state) == "state_dict.a"

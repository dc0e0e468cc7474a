import errno
import os
import pathlib
import random
import resource
import shutil
import subprocess
import time

import pytest
import torch

import gan_lightning.runs.checkpoints as module
from gan_lightning.config import ConfigError, build
from gan_lightning.core.checkpoint import FORMAT, CheckpointError, processes_problem, read_checkpoint, stored_config
from gan_lightning.core.container import ContainerError, write_container
from gan_lightning.models.loading import load_model
from gan_lightning.runs.checkpoints import checkpoint_in, newest_whole, write_checkpoint
from gan_lightning.runs.folder import RunFolder
from tests.conftest import LONG
from tests.core.killed import kills
from tests.core.test_container import seal
from tests.models.toys import BATCH, points, train, vector

MODEL = {
    "_target_": "gan_lightning.models.DCGAN",
    "generator": {"_target_": "gan_lightning.networks.DCGANGenerator", "resolution": 8, "width": 4},
    "discriminator": {"_target_": "gan_lightning.networks.DCGANDiscriminator", "resolution": 8, "width": 4},
    "loss": {"_target_": "gan_lightning.losses.NonSaturating"},
    **{
        f"{player}_optimizer": {"_target_": "torch.optim.Adam", "_partial_": True, "lr": 2e-4, "betas": [0.5, 0.999]}
        for player in ("generator", "discriminator")
    },
    "prior": {"_target_": "gan_lightning.models.priors.Normal"},
    "updates": {"_target_": "gan_lightning.models.UpdateRule"},
}


@pytest.fixture
def trainer():
    return train(points(), 2)


def folder_of(path):
    return sorted(p.name for p in path.parent.iterdir())


def test_what_is_written_is_read(trainer, tmp_path):
    path = tmp_path / "deep" / "latest.ckpt"
    model = trainer.lightning_module
    model.run_config = {"model": MODEL, "seed": 3}
    write_checkpoint(trainer, path)
    assert folder_of(path) == ["latest.ckpt"]
    checkpoint = read_checkpoint(path)
    record = checkpoint["gan_lightning"]
    assert (record["format"], record["images_seen"], record["config"]) == (
        FORMAT,
        2 * BATCH,
        {"model": MODEL, "seed": 3},
    )
    assert record["model"] == "gan_lightning.models.dcgan.DCGAN"
    assert stored_config(checkpoint) == {"model": MODEL, "seed": 3}
    for name, value in model.state_dict().items():
        saved = checkpoint["state_dict"][name]
        assert torch.equal(saved, value) if isinstance(value, torch.Tensor) else saved == value
    assert len(checkpoint["optimizer_states"]) == 2


def test_the_former_file_moves_or_is_replaced(trainer, tmp_path):
    path, keep = tmp_path / "latest.ckpt", tmp_path / "previous.ckpt"
    model = trainer.lightning_module
    for seen in (10, 20, 30):
        model.images_seen = seen
        write_checkpoint(trainer, path, keep=keep)
    assert [read_checkpoint(p)["gan_lightning"]["images_seen"] for p in (path, keep)] == [30, 20]
    model.images_seen = 40
    write_checkpoint(trainer, path)
    assert folder_of(path) == ["latest.ckpt", "previous.ckpt"]
    assert read_checkpoint(keep)["gan_lightning"]["images_seen"] == 20


@pytest.mark.parametrize("left", ["link", "pipe"])
def test_nothing_is_written_through_what_has_the_name_of_the_partial_file(trainer, tmp_path, left):
    precious, partial = tmp_path / "precious.ckpt", tmp_path / "run" / ".latest.ckpt.partial"
    precious.write_text("of another run")
    partial.parent.mkdir()
    partial.symlink_to(precious) if left == "link" else os.mkfifo(partial)
    write_checkpoint(trainer, partial.with_name("latest.ckpt"))
    assert precious.read_text() == "of another run"
    assert folder_of(partial) == ["latest.ckpt"]
    assert read_checkpoint(partial.with_name("latest.ckpt"))["gan_lightning"]["images_seen"] == 2 * BATCH


FULL = OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(
    ("stage", "error"),
    [("save", FULL), ("save", RuntimeError("unexpected pos")), ("flush", FULL)],  # torch's writer raises a RuntimeError
)
def test_a_full_disk_leaves_the_old_file_and_nothing_else(trainer, tmp_path, monkeypatch, error, stage):
    path, keep = tmp_path / "latest.ckpt", tmp_path / "previous.ckpt"
    write_checkpoint(trainer, path)
    before = path.read_bytes()

    def fail(*arguments):
        if stage == "save":
            arguments[1].write(b"half a checkpoint")
        raise error

    monkeypatch.setattr(*((torch, "save") if stage == "save" else (module, "flush")), fail)
    with pytest.raises(OSError, match=r"latest\.ckpt: "):
        write_checkpoint(trainer, path, keep=keep)
    assert folder_of(path) == ["latest.ckpt"]
    assert path.read_bytes() == before


def test_any_other_error_leaves_no_temporary_file_either(trainer, tmp_path, monkeypatch):
    path = tmp_path / "latest.ckpt"

    def interrupted(state, temporary):
        temporary.write(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(torch, "save", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_checkpoint(trainer, path)
    assert folder_of(path) == []


@pytest.fixture
def tiny_disk(tmp_path):
    """A disk of 64 KiB."""
    mount = tmp_path / "disk"
    mount.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", mount], capture_output=True)
    if mounted.returncode:
        pytest.skip("mounting a small disk needs rights that this machine does not give")
    yield mount
    subprocess.run(["umount", mount], check=True)


def test_a_disk_that_is_really_full(trainer, tiny_disk):
    path = tiny_disk / "latest.ckpt"
    write_checkpoint(trainer, path)
    before = path.read_bytes()
    assert 10_000 < len(before) < 60_000
    (tiny_disk / "ballast").write_bytes(bytes(64 * 1024 - (len(before) // 4096 + 1) * 4096 - 8192))
    with pytest.raises(OSError, match="latest"):
        write_checkpoint(trainer, path, keep=tiny_disk / "previous.ckpt")
    assert folder_of(path) == ["ballast", "latest.ckpt"]
    assert path.read_bytes() == before


def seen(path):
    return read_checkpoint(path)["gan_lightning"]["images_seen"]


FOLDERS = ("latest is a folder", "previous is a folder")


@pytest.mark.parametrize("damage", [None, "latest", "previous", *(pytest.param(one, marks=LONG) for one in FOLDERS)])
def test_a_kill_between_any_two_steps_leaves_a_whole_file(trainer, tmp_path, damage):
    latest, previous = tmp_path / "latest.ckpt", tmp_path / "previous.ckpt"
    model = trainer.lightning_module

    def prepare():
        for path in tmp_path.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        for images_seen in (10, 20):
            model.images_seen = images_seen
            write_checkpoint(trainer, latest, keep=previous)
        if damage is not None:
            path = tmp_path / f"{damage.split()[0]}.ckpt"
            content = path.read_bytes()
            path.unlink()
            path.mkdir() if "folder" in damage else path.write_bytes(content[:500] + b"x" + content[501:])
        model.images_seen = 30

    expected = {None: {20, 30}, "latest": {10, 30}, "latest is a folder": {10, 30}}.get(damage, {20, 30})
    steps, found = [], set()
    for step in kills(prepare, lambda: write_checkpoint(trainer, latest, keep=previous)):
        steps.append(step)
        whole, _ = newest_whole(tmp_path)
        assert whole is not None, step
        found.add(seen(whole))
    assert found == expected
    assert steps.count("fsync") == 2
    assert seen(latest) == 30
    if damage is None or damage.startswith("previous"):
        assert seen(previous) == 20
    else:
        assert seen(previous) == 10  # a damaged file does not take its place


def test_what_this_process_wrote_is_not_read_again_unless_it_has_changed(trainer, tmp_path, monkeypatch):
    latest, previous, been_read = tmp_path / "latest.ckpt", tmp_path / "previous.ckpt", []

    def noted(path, **given):
        been_read.append(path.name)
        return read_checkpoint(path, **given)

    monkeypatch.setattr(module, "read_checkpoint", noted)
    for _ in range(3):
        write_checkpoint(trainer, latest, keep=previous)
    assert been_read == []
    os.utime(previous, ns=(1, 1))
    write_checkpoint(trainer, latest, keep=previous)
    assert been_read == ["previous.ckpt"]


def test_a_state_that_could_not_be_loaded_is_not_saved(trainer, tmp_path, monkeypatch):
    path = tmp_path / "latest.ckpt"
    write_checkpoint(trainer, path)
    before = path.read_bytes()
    trainer.lightning_module.run_config = {"model": MODEL, "path": tmp_path}
    with pytest.raises(ContainerError, match=r"latest\.ckpt: what is to be saved .* pathlib PosixPath"):
        write_checkpoint(trainer, path, keep=tmp_path / "previous.ckpt")
    assert path.read_bytes() == before
    assert folder_of(path) == ["latest.ckpt"]


def test_a_folder_that_cannot_be_made_is_an_os_error(trainer, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        write_checkpoint(trainer, tmp_path / "file" / "latest.ckpt")


class Payload:
    """What an attacker would put in a pickle."""

    def __reduce__(self):
        return os.system, ("touch hacked",)


def test_a_pickled_object_is_refused_and_not_run(trainer, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_checkpoint(trainer, tmp_path / "a.ckpt")
    torch.save({**torch.load("a.ckpt", weights_only=True), "extra": Payload()}, "b.ckpt")
    seal(tmp_path / "b.ckpt")
    with pytest.raises(CheckpointError, match=r"b\.ckpt is refused: it holds something other than plain containers"):
        read_checkpoint("b.ckpt")
    assert not (tmp_path / "hacked").exists()


@pytest.mark.parametrize("ending", ["", "hello", "PK\x03\x04", "\x80\x02K\x01."])
def test_damaged_files_are_refused(trainer, tmp_path, ending):
    """``tests/core/test_container.py`` tries hundreds of ways to damage one."""
    path = tmp_path / "damaged.ckpt"
    write_checkpoint(trainer, path)
    path.write_bytes(path.read_bytes()[:-1000] + ending.encode("latin-1"))
    with pytest.raises(CheckpointError, match=rf"{path} is damaged or truncated"):
        read_checkpoint(path)


def test_every_flipped_bit_of_a_checkpoint_is_noticed(trainer, tmp_path):
    path = tmp_path / "damaged.ckpt"
    write_checkpoint(trainer, path)
    whole, draw = path.read_bytes(), random.Random(0)
    for bit in draw.sample(range(8 * len(whole)), 200):
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        with pytest.raises(CheckpointError, match=str(path)):
            read_checkpoint(path)


def test_a_checkpoint_that_may_not_be_read_is_not_called_damaged(tmp_path, monkeypatch):
    path, opened = tmp_path / "a.ckpt", pathlib.Path.open

    def refuse(file, *arguments, **options):
        if file == path:
            raise PermissionError(13, "Permission denied", str(file))
        return opened(file, *arguments, **options)

    path.write_bytes(b"")
    monkeypatch.setattr(pathlib.Path, "open", refuse)
    with pytest.raises(CheckpointError, match=r"a\.ckpt cannot be read: .*Permission denied"):
        read_checkpoint(tmp_path / "a.ckpt")


def record(**values):
    return {"state_dict": {}, "gan_lightning": {"format": FORMAT, "images_seen": 0, "config": None, **values}}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"state_dict": {}, "epoch": 0}, "checkpoint of another program: it has no 'gan_lightning' record"),
        ({"state_dict": {}, "gan_lightning": 1}, "checkpoint of another program"),
        ({"gan_lightning": {"format": FORMAT}}, "checkpoint of another program"),
        ([1, 2], "checkpoint of another program"),
        (torch.zeros(3), "checkpoint of another program"),
        ({"state_dict": {}, "gan_lightning": {"format": 1}}, "has checkpoint format 1, .* reads format 2"),
        ({"state_dict": {}, "gan_lightning": {"format": 3}}, "has checkpoint format 3, .* reads format 2"),
        ({"state_dict": {}, "gan_lightning": {}}, "has checkpoint format None"),
        ({"state_dict": [], "gan_lightning": {"format": FORMAT}}, "checkpoint of another program"),
        (record(images_seen="many"), r"its gan_lightning\.images_seen is a str"),
        (record(images_seen=None), r"its gan_lightning\.images_seen is a NoneType"),
        (record(config=[1]), r"its gan_lightning\.config is a list"),
        (record(processes="2"), r"its gan_lightning\.processes is a str"),
        (record(config={"model": 5}), r"its gan_lightning\.config\.model is a int"),
        (record(config={"data": "x"}), r"its gan_lightning\.config\.data is a str"),
        (record(config={"evaluator": [{}]}), r"its gan_lightning\.config\.evaluator is a list"),
    ],
)
def test_foreign_files_are_refused(tmp_path, content, message):
    path = tmp_path / "foreign.ckpt"
    write_container(path, content)
    with pytest.raises(CheckpointError, match=message):
        read_checkpoint(path)
    torch.save(content, path)
    if "another program" in message:
        message = "has no digest: an older version of gan-lightning wrote it, or another"
    with pytest.raises(CheckpointError, match=message):
        read_checkpoint(path)


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    for path in (tmp_path / "missing.ckpt", tmp_path):
        with pytest.raises(CheckpointError, match="there is no checkpoint at"):
            read_checkpoint(path)


def test_the_newest_whole_checkpoint_is_found(trainer, tmp_path):
    latest, previous = tmp_path / "latest.ckpt", tmp_path / "previous.ckpt"
    assert newest_whole(tmp_path) == (None, [])
    write_checkpoint(trainer, latest)
    assert newest_whole(tmp_path) == (latest, [])
    write_checkpoint(trainer, latest, keep=previous)
    assert newest_whole(tmp_path) == (latest, [])
    latest.write_bytes(latest.read_bytes()[:1000])
    found, complaints = newest_whole(tmp_path)
    assert found == previous
    assert len(complaints) == 1
    assert "latest.ckpt is damaged" in complaints[0]
    latest.unlink()  # the process was killed between the two renames
    assert newest_whole(tmp_path) == (previous, [])
    previous.write_bytes(b"")
    found, complaints = newest_whole(tmp_path)
    assert found is None
    assert "previous.ckpt" in complaints[0]


@pytest.fixture
def run_file(trainer, tmp_path):
    """Return a function that saves a model of a config under that or another config."""

    def write(config, **changes):
        torch.manual_seed(5)
        model = build(MODEL, key="model")
        model.images_seen = 640
        path = tmp_path / "run.ckpt"
        record = {"format": FORMAT, "images_seen": 640, "config": {"model": {**config, **changes}}}
        write_container(path, {"state_dict": model.state_dict(), "gan_lightning": record})
        return model, path

    return write


def test_a_model_is_rebuilt_from_the_file_alone(run_file, tmp_path, monkeypatch):
    model, path = run_file(MODEL)
    monkeypatch.chdir(tmp_path)
    before = torch.get_rng_state()
    loaded = load_model(path)
    assert torch.equal(before, torch.get_rng_state())
    assert not loaded.training
    assert loaded.images_seen == 640
    assert loaded.run_config == {"model": MODEL}
    assert torch.equal(vector(model), vector(loaded))
    assert torch.equal(model.sample(2), loaded.sample(2))


def test_a_config_that_names_os_system_is_refused(run_file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    hostile = {"_target_": "os.system", "_args_": ["touch hacked"]}
    for config in (hostile, {**MODEL, "loss": hostile}):
        _, path = run_file(config)
        with pytest.raises(ConfigError, match=r"os\.system.*refused"):
            load_model(path)
    assert not (tmp_path / "hacked").exists()


def test_a_target_elsewhere_needs_trust(run_file):
    model, path = run_file(MODEL, _target_="tests.models.toys.DCGAN")
    with pytest.raises(ConfigError, match=r"tests\.models\.toys\.DCGAN.*refused"):
        load_model(path)
    assert torch.equal(vector(model), vector(load_model(path, trust=True)))


def test_weights_that_do_not_fit_are_reported(run_file):
    _, path = run_file(MODEL, generator={**MODEL["generator"], "width": 8})
    with pytest.raises(CheckpointError, match="weights do not fit the model it describes"):
        load_model(path)


@pytest.mark.parametrize(
    "changes",
    [
        {"generator": {**MODEL["generator"], "width": 200_000}},  # 10 TB
        {"generator": {**MODEL["generator"], "width": 10**12}},
        {"discriminator": {**MODEL["discriminator"], "width": 10_000_000}},
        {"discriminator": {"_target_": "gan_lightning.networks.MLPDiscriminator", "widths": [1] * 9_000}},
    ],
)
def test_a_model_beyond_memory_is_refused_before_it_is_built(run_file, changes):
    _, path = run_file(MODEL, **changes)
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    with pytest.raises(CheckpointError, match="the model it describes is larger than the weights it holds"):
        load_model(path)
    assert time.process_time() - started < 5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000  # KiB


@pytest.mark.parametrize("value", [5, {"images_seen": "many"}, {}, [1]])
def test_counters_of_another_form_are_reported(run_file, value):
    _, path = run_file(MODEL)
    content = read_checkpoint(path)
    content["state_dict"]["_extra_state"] = value
    write_container(path, content)
    with pytest.raises(CheckpointError, match="weights do not fit the model it describes"):
        load_model(path)


def test_what_is_no_model_is_reported(run_file):
    _, path = run_file(MODEL["generator"])
    with pytest.raises(CheckpointError, match="describes a DCGANGenerator, which is not a model"):
        load_model(path)


def test_a_checkpoint_without_a_config_says_what_to_do(trainer, tmp_path):
    write_checkpoint(trainer, tmp_path / "a.ckpt")
    with pytest.raises(CheckpointError, match=r"lacks model\.loss, .* built by hand; DCGAN\.load_from_checkpoint"):
        load_model(tmp_path / "a.ckpt")


def test_a_run_goes_on_with_as_many_processes_as_wrote_it():
    assert processes_problem(2, 2) is None
    assert processes_problem(None, 2) is None
    problem = processes_problem(2, 1)
    assert "written by 2 processes" in problem
    assert "cannot be resumed with 1" in problem


def test_a_module_refuses_another_number_of_processes(tmp_path):
    trainer = train(points(), 2)
    write_checkpoint(trainer, tmp_path / "a.ckpt")
    saved = torch.load(tmp_path / "a.ckpt", weights_only=True)
    assert saved["gan_lightning"]["processes"] == 1
    saved["gan_lightning"]["processes"] = 4
    write_container(tmp_path / "b.ckpt", saved)
    with pytest.raises(ValueError, match="written by 4 processes and cannot be resumed with 1"):
        train(points(), 4, ckpt_path=tmp_path / "b.ckpt")


def test_a_folder_means_its_best_or_else_its_latest_checkpoint(tmp_path):
    run = RunFolder(tmp_path / "run")
    run.checkpoints.mkdir(parents=True)
    with pytest.raises(CheckpointError, match="a folder without a checkpoint"):
        checkpoint_in(run.path)
    run.latest.touch()
    assert checkpoint_in(run.path) == checkpoint_in(run.checkpoints) == run.latest
    run.best.touch()
    assert checkpoint_in(run.path) == checkpoint_in(run.checkpoints) == run.best
    assert checkpoint_in(run.latest) == run.latest
    assert checkpoint_in(tmp_path / "no.ckpt") == tmp_path / "no.ckpt"


KINDS = ("nothing", "whole", "damaged", "a folder", "a broken link")


def put(path, kind):
    if kind == "a folder":
        path.mkdir()
    elif kind == "a broken link":
        path.symlink_to(path.with_name("away"))
    elif kind != "nothing":
        path.write_text(kind)


@pytest.mark.parametrize("latest", KINDS)
@pytest.mark.parametrize("previous", KINDS)
def test_what_cannot_be_read_is_never_taken_for_nothing(tmp_path, monkeypatch, latest, previous):
    def read(path):
        if not path.is_file() or path.read_text() != "whole":
            raise CheckpointError(f"{path} is bad")

    monkeypatch.setattr(module, "read_checkpoint", read)
    put(tmp_path / "latest.ckpt", latest)
    put(tmp_path / "previous.ckpt", previous)
    found, complaints = newest_whole(tmp_path)
    whole = [name for name, kind in (("latest.ckpt", latest), ("previous.ckpt", previous)) if kind == "whole"]
    assert (None if found is None else found.name) == (whole[0] if whole else None)
    assert (found is None and not complaints) == (latest == previous == "nothing")


@pytest.mark.parametrize("kind", ["damaged", "a broken link"])
def test_a_folder_of_checkpoints_that_is_none_is_not_taken_for_an_empty_one(tmp_path, kind):
    put(tmp_path / "checkpoints", kind)
    found, (complaint,) = newest_whole(tmp_path / "checkpoints")
    assert found is None
    assert "checkpoints is not a folder, or is a link to a missing one" in complaint

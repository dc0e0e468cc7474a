"""``init_from``: a new run starts from the weights of another one, says so, and needs it no more."""

from __future__ import annotations

import shutil
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import save_file

from gan_lightning.config import ConfigError
from gan_lightning.config.schema import InitFrom, init_from_problems
from gan_lightning.core.checkpoint import read_checkpoint
from gan_lightning.data.digits import load_digits
from gan_lightning.launch.command_line import for_hydra
from gan_lightning.launch.init_from import find_beginning
from gan_lightning.launch.start import Start, check, start
from gan_lightning.runs.folder import RunFolder
from gan_lightning.runs.results import read_results
from gan_lightning.testing import assert_same
from tests.cli.conftest import UNSCORED, listing
from tests.conftest import compose_train

SMALL = [*UNSCORED, "budget.kimg=null", "budget.images=64", "logger=none"]
INIT_FROM = asdict(InitFrom())
CLASSES = ["model=acgan", *SMALL[1:]]


@pytest.fixture(scope="module")
def source(commands, tmp_path_factory) -> Path:
    """A folder with a run in it, ``runs/a``; it is only read."""
    base = tmp_path_factory.mktemp("source")
    assert commands("train", *SMALL, "hydra.run.dir=runs/a", "seed=1", cwd=base).code == 0
    return base / "runs" / "a"


def begun(tmp_path: Path, *overrides: str) -> Start:
    """Start a run without training it, and let its folder go."""
    cfg = compose_train(*for_hydra([*SMALL, *overrides]), output_dir=tmp_path / "run")
    made = start(cfg)
    made.held.close()
    return made


def weights(state: dict[str, torch.Tensor], *prefixes: str) -> dict[str, torch.Tensor]:
    return {
        name.removeprefix(prefix): value
        for prefix in prefixes
        for name, value in state.items()
        if name.startswith(prefix)
    }


def test_the_networks_start_from_the_run_that_is_named(source, tmp_path):
    there = read_checkpoint(RunFolder(source).latest)["state_dict"]
    here = begun(tmp_path, f"init_from={source}", "seed=2", "data.resolution=16").parts.model
    state = here.state_dict()
    assert_same(weights(state, "generator."), weights(there, "generator."))
    assert_same(weights(state, "discriminator."), weights(there, "discriminator."))
    assert_same(weights(state, "generator_ema."), weights(there, "generator."))
    assert here.images_seen == 0
    averaged = begun(tmp_path, f"init_from={source}", "init_from.weights=ema").parts.model.state_dict()
    assert_same(weights(averaged, "generator."), weights(there, "generator_ema."))
    assert not torch.equal(averaged["generator.stack.0.weight"], state["generator.stack.0.weight"])


def test_a_shared_model_is_a_source_as_well(source, tmp_path):
    there = begun(tmp_path, f"init_from={source}").parts.model
    there.save_pretrained(tmp_path / "shared")
    here = begun(tmp_path, f"init_from={tmp_path / 'shared'}", "seed=2").parts.model
    assert_same(weights(here.state_dict(), "discriminator."), weights(there.state_dict(), "discriminator."))


def test_a_fine_tuned_run_tells_what_it_started_from_and_goes_on_without_it(commands, source, tmp_path):
    words = [
        "init_from=copy",
        "model.updates.freeze_discriminator=1",
        "seed=2",
        "model.discriminator_optimizer.lr=1e-4",
    ]
    shutil.copytree(source, tmp_path / "copy")
    whole = commands("train", *SMALL, *words, "hydra.run.dir=whole", cwd=tmp_path)
    assert whole.code == 0, whole.text
    assert "init_from: 21 of 21 tensors are those of copy/checkpoints/latest.ckpt, which saw 64 images" in whole.text
    assert "not taken from there: augment (1), generator_ema (13)" in whole.text
    assert "averages start anew, optimizers start anew" in whole.text
    entry = read_results(RunFolder(tmp_path / "whole").results)["segments"][0]["init_from"]
    assert (entry["checkpoint"], entry["loaded"], entry["fresh"]) == ("copy/checkpoints/latest.ckpt", 21, {})
    assert yaml.safe_load(RunFolder(tmp_path / "whole").config.read_text())["init_from"]["path"] == "copy"

    half = commands("train", *SMALL, *words, "hydra.run.dir=half", "+trainer.max_steps=4", cwd=tmp_path)
    assert half.code == 0, half.text
    assert read_results(RunFolder(tmp_path / "half").results)["status"] == "stopped"
    shutil.rmtree(tmp_path / "copy")
    rest = commands("train", "resume=half", "++trainer.max_steps=-1", cwd=tmp_path)
    assert rest.code == 0, rest.text
    assert "init_from" not in rest.text
    assert len(read_results(RunFolder(tmp_path / "half").results)["segments"]) == 2
    first, second = (read_checkpoint(RunFolder(tmp_path / name).latest) for name in ("whole", "half"))
    there = read_checkpoint(RunFolder(source).latest)["state_dict"]
    for key in ("state_dict", "optimizer_states"):
        assert_same(first[key], second[key], key)
    frozen, moved = "discriminator.body.0.weight", "discriminator.body.2.weight"
    assert torch.equal(first["state_dict"][frozen], there[frozen])
    assert not torch.equal(first["state_dict"][moved], there[moved])

    other = commands("train", "resume=half", f"init_from={source}", "budget.images=96", cwd=tmp_path)
    assert other.code == 2
    assert f"init_from.path was 'copy' and is now '{source}'" in other.err


def test_a_run_is_rolled_back_in_its_own_folder(source, tmp_path):
    shutil.copytree(source, tmp_path / "run")
    before = read_checkpoint(RunFolder(source).latest)["state_dict"]
    start = begun(tmp_path, "overwrite=true", f"init_from={tmp_path}/run/checkpoints/latest.ckpt")
    assert not RunFolder(tmp_path / "run").holds_checkpoint()
    assert_same(weights(start.parts.model.state_dict(), "generator."), weights(before, "generator."))


def test_another_number_of_classes_is_named_and_refused_or_left_fresh(commands, tmp_path):
    images = load_digits(split="train")
    few = images.labels < 5
    np.savez(tmp_path / "few.npz", images.images[few].permute(0, 2, 3, 1).numpy(), images.labels[few].numpy())
    assert commands("train", *CLASSES, "hydra.run.dir=ten", cwd=tmp_path).code == 0
    before = listing(tmp_path)
    five = [*CLASSES, "data=arrays", "data.path=few.npz", "data.classes=5", "data.resolution=16", "data.channels=1"]
    five += ["hydra.run.dir=five", "init_from=ten"]
    refused = commands("train", *five, cwd=tmp_path)
    assert refused.code == 2, refused.text
    shapes = {
        "generator.stack.0.weight": "is (110, 16, 4, 4) there and (105, 16, 4, 4) here",
        "classifier.weight": "is (10, 256) there and (5, 256) here",
        "classifier.bias": "is (10,) there and (5,) here",
    }
    for name, shape in shapes.items():
        assert f"{name} {shape}" in refused.err
    assert "init_from.strict=false" in refused.err
    assert listing(tmp_path) == before
    held = commands("train", *five, "init_from.strict=false", "model.updates.freeze_generator=1", cwd=tmp_path)
    assert held.code == 2
    assert "it would freeze what ten/checkpoints/latest.ckpt does not fill: generator.stack.0.weight" in held.err
    left = commands("train", *five, "init_from.strict=false", cwd=tmp_path)
    assert left.code == 0, left.text
    entry = read_results(RunFolder(tmp_path / "five").results)["segments"][0]["init_from"]
    assert entry["fresh"] == shapes
    for name, shape in shapes.items():
        assert f"left as it was drawn: {name} {shape}" in left.text


def foreign(source: Path, folder: Path, kind: str) -> str:
    """Write the networks of a run as other programs do, and return the file's name."""
    state = read_checkpoint(RunFolder(source).latest)["state_dict"]
    networks = {
        letter: {name: value + 1 for name, value in weights(state, f"{network}.").items()}
        for letter, network in (("G", "generator"), ("D", "discriminator"))
    }
    if kind == "safetensors":
        flat = {f"{letter}.{name}": value for letter, part in networks.items() for name, value in part.items()}
        save_file(flat, folder / "weights.safetensors")
        return "weights.safetensors"
    torch.save({**networks, "epoch": 7}, folder / "weights.pt")
    return "weights.pt"


@pytest.mark.parametrize("kind", ["safetensors", "torch"])
def test_the_weights_of_another_program_come_in_by_a_map_of_names(source, tmp_path, kind):
    there = read_checkpoint(RunFolder(source).latest)["state_dict"]
    path = tmp_path / foreign(source, tmp_path, kind)
    (tmp_path / "map.yaml").write_text("generator: G\ndiscriminator: D\n")
    words = [f"init_from={path}", f"init_from.names={tmp_path / 'map.yaml'}"]
    state = begun(tmp_path, *words).parts.model.state_dict()
    for name, value in there.items():
        if name.startswith(("generator.", "discriminator.")):
            assert torch.equal(state[name], value + 1), name
    with pytest.raises(ConfigError, match=r"if another program wrote it, init_from\.names=MAP\.yaml"):
        begun(tmp_path, words[0])


def damaged(path: Path) -> Path:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    return path


def test_a_damaged_source_is_named_and_nothing_is_written(commands, source, tmp_path):
    damaged(Path(shutil.copy(RunFolder(source).latest, tmp_path / "bad.ckpt")))
    before = listing(tmp_path)
    ended = commands("train", *SMALL, "init_from=bad.ckpt", "hydra.run.dir=run", cwd=tmp_path)
    assert ended.code == 2, ended.text
    assert "init_from.path = bad.ckpt: bad.ckpt is damaged: its content does not match its digest" in ended.err
    assert "Traceback" not in ended.text
    assert listing(tmp_path) == before


def test_a_source_that_cannot_be_used_is_named_with_the_reason(source, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = begun(tmp_path).parts.model
    foreign(source, tmp_path, "safetensors")
    Path("short.safetensors").write_bytes(Path("weights.safetensors").read_bytes()[:-9])
    Path("none.pt").write_text("no tensors")
    torch.save({"epoch": 7}, "epoch.pt")
    Path("list.yaml").write_text("generator: G\ndiscriminator: [D]\n")
    Path("map.yaml").write_text("generator: G\ndiscriminator: D\n")
    Path("other.yaml").write_text("generator: X\ndiscriminator: Y\n")
    Path("empty").mkdir()
    run = str(source)
    for path, settings, said in (
        ("nowhere.ckpt", {}, "init_from.path = nowhere.ckpt: there is no checkpoint at nowhere.ckpt"),
        ("empty", {}, "empty is a folder without a checkpoint"),
        ("epoch.pt", {}, "epoch.pt has no digest.*init_from.names=MAP.yaml"),
        ("short.safetensors", {"names": "map.yaml"}, "short.safetensors is damaged or not a safetensors file"),
        ("none.pt", {"names": "map.yaml"}, "none.pt is damaged, or not what torch.save has written"),
        ("epoch.pt", {"names": "map.yaml"}, "epoch.pt does not hold a mapping of names to tensors"),
        ("nowhere.pt", {"names": "map.yaml"}, "there is no file nowhere.pt"),
        ("weights.safetensors", {"names": "other.yaml"}, "none of its tensors fits one of the networks"),
        ("weights.safetensors", {"names": "list.yaml"}, "init_from.names = list.yaml: must map names to names"),
        ("weights.safetensors", {"names": "no.yaml"}, "init_from.names = no.yaml: there is no such file"),
        ("weights.safetensors", {"names": "map.yaml", "optimizers": True}, "weights.safetensors holds no optimizers"),
        (run, {"optimizers": True, "weights": "ema"}, None),
    ):
        config = {"init_from": {**INIT_FROM, "path": path, **settings}}
        if said is None:
            assert find_beginning(config, model) is not None
            continue
        with pytest.raises(ConfigError, match=said):
            find_beginning(config, model)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"strict": False}, ["init_from.strict = False: there is no init_from.path that it is about"]),
        ({"path": "x", "weights": "best"}, ["init_from.weights = 'best': must be one of ema, raw"]),
        ({"path": "x", "strict": False}, []),
        ({}, []),
    ],
)
def test_settings_without_meaning_are_refused(settings, said):
    assert init_from_problems({**INIT_FROM, **settings}) == said


def test_blocks_are_frozen_only_where_something_was_learned(tmp_path):
    with pytest.raises(ConfigError, match=r"init_from=\.\.\. names the run or the checkpoint that has them"):
        begun(tmp_path, "model.updates.freeze_generator=1")


def test_the_jobs_of_a_sweep_are_checked_before_any_of_them_runs(source, tmp_path):
    cfg = compose_train(*for_hydra([*SMALL, f"init_from={source}", "model.discriminator.width=4"]), output_dir=tmp_path)
    with pytest.raises(ConfigError, match=r"discriminator\.output\.weight is \(1, 256\) there and \(1, 128\) here"):
        check(cfg)
    RunFolder(tmp_path).checkpoints.mkdir()
    shutil.copy(RunFolder(source).latest, RunFolder(tmp_path).latest)
    assert check(cfg)["init_from"]["path"] == str(source)  # a job that goes on needs its source no more


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("init_from=runs/a", "init_from.path=runs/a"),
        ("init_from=my runs (1)/a", "init_from.path='my runs (1)/a'"),
        ("init_from=null", "init_from.path=null"),
        ("init_from=runs/a,runs/b", "init_from.path=runs/a,runs/b"),
        ("init_from=hf://us/gan", "init_from.path=hf://us/gan"),
        ("init_from={path: runs/a, strict: false}", "init_from={path: runs/a, strict: false}"),
        ("init_from.path=runs/a", "init_from.path=runs/a"),
    ],
)
def test_a_path_alone_is_short_for_the_key_of_the_path(typed, read):
    assert for_hydra([typed]) == [read]
    assert for_hydra([read]) == [read]

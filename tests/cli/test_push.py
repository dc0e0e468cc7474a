"""Models on the Hugging Face Hub: what is put there samples as the run did, and foreign repositories do no harm."""

from __future__ import annotations

import errno
import json
import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import xxhash
import yaml
from safetensors.torch import load_file, save

import gan_lightning
from gan_lightning.cli import push
from gan_lightning.core.checkpoint import CheckpointError
from gan_lightning.core.errors import InputError
from gan_lightning.core.shared_model import CONFIG, WEIGHTS
from gan_lightning.models import DCGAN, WGAN
from gan_lightning.models.card import PICTURE
from gan_lightning.models.loading import load_model
from tests.cli.conftest import TINY
from tests.cli.hub_server import serving
from tests.contract.variants import build
from tests.record.commands import Ended
from tests.record.commands import run as in_a_fork


@pytest.fixture(scope="module")
def run(commands, tmp_path_factory):
    """A short run with scores and pictures."""
    base = tmp_path_factory.mktemp("shared")
    ended = commands(
        "train", *TINY, "budget.kimg=null", "budget.images=160", "logger=none", "hydra.run.dir=run", cwd=base
    )
    assert ended.code == 0, ended.text
    return base / "run"


@pytest.fixture(scope="module")
def folder(run, tmp_path_factory):
    """What ``gan-push --out`` makes of it."""
    out = tmp_path_factory.mktemp("model") / "model"
    push.main([str(run), "--out", str(out), "--license", "mit"])
    return out


def test_a_folder_is_read_by_the_commands_and_in_python_as_the_run_is(run, folder, commands, tmp_path):
    assert sorted(path.name for path in folder.iterdir()) == ["README.md", CONFIG, WEIGHTS, PICTURE]
    whole = load_model(run / "checkpoints" / "best.ckpt")
    for model in (gan_lightning.from_pretrained(folder), DCGAN.from_pretrained(folder)):
        assert type(model) is DCGAN
        assert model.images_seen == 160
        assert torch.equal(model.sample(5, seed=3), whole.sample(5, seed=3))
        assert model.state_dict().keys() == whole.state_dict().keys()
    for ckpt, out in ((run / "checkpoints" / "best.ckpt", "a.npz"), (folder, "b.npz")):
        ended = commands("sample", f"ckpt={ckpt}", "n=4", f"out={out}", "device=cpu", cwd=tmp_path)
        assert ended.code == 0, ended.text
    assert np.array_equal(np.load(tmp_path / "a.npz")["arr_0"], np.load(tmp_path / "b.npz")["arr_0"])
    with pytest.raises(CheckpointError, match="holds a DCGAN, not a WGAN"):
        WGAN.from_pretrained(folder)


def test_the_card_tells_scores_protocols_configuration_and_how_to_use_it(run, folder):
    text = (folder / "README.md").read_text()
    _, facts, body = text.split("---\n", 2)
    facts = yaml.safe_load(facts)
    assert facts["library_name"] == "gan-lightning"
    assert facts["pipeline_tag"] == "unconditional-image-generation"
    assert facts["license"] == "mit"
    scores = json.loads((run / "results.json").read_text())["scores"]["best"]
    told = {m["name"]: m["value"] for m in facts["model-index"][0]["results"][0]["metrics"]}
    assert told == {key: entry["value"] for key, entry in scores.items()}
    assert "gan-sample ckpt=FOLDER" in body
    assert "gan_lightning.from_pretrained('FOLDER')" in body
    assert f"![Samples]({PICTURE})" in body
    assert "n_generated: 100" in body
    assert "_target_: gan_lightning.models.DCGAN" in body
    assert str(run) not in text + (folder / CONFIG).read_text()  # nothing of this machine


@pytest.mark.parametrize("variant", ["acgan", "stylegan2", "cyclegan"])
def test_every_kind_of_model_comes_back_with_its_weights_and_counters(variant, tmp_path):
    model, _ = build(variant)
    model.images_seen = 640
    model.save_pretrained(tmp_path / "model")
    again = gan_lightning.from_pretrained(tmp_path / "model")
    assert type(again) is type(model)
    assert again.images_seen == 640
    for name, value in model.state_dict().items():
        same = again.state_dict()[name]
        assert torch.equal(value, same) if isinstance(value, torch.Tensor) else value == same, name


def test_a_model_with_a_part_built_by_hand_is_not_shared(tmp_path):
    model = gan_lightning.create_model("dcgan", resolution=16, channels=1)

    class MyLoss(type(model.loss)):
        pass

    model.loss = MyLoss()
    with pytest.raises(ValueError, match=r"model\.loss: built by hand"):
        model.save_pretrained(tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_foreign_text_on_the_card_is_text(tmp_path):
    model = gan_lightning.create_model("dcgan", resolution=16, channels=1)
    evil = "<script>alert(1)</script>|[x](javascript:alert(1))\n---\n```"
    score = {"key": evil, "value": 1.0, "stderr": None, "protocol": {"dataset": evil, "note": "```\n<b>"}}
    model.save_pretrained(tmp_path, scores=[score])
    text = (tmp_path / "README.md").read_text()
    facts, body = text.removeprefix("---\n").split("\n---\n", 1)[0], text.split("## Scores")[1]
    assert yaml.safe_load(facts)["model-index"][0]["results"][0]["metrics"][0]["name"] == evil
    table, protocols = body.split("How each was measured:")
    assert "<script" not in table
    assert "](javascript" not in table.replace("\\]", "")
    fence = protocols.split("\n")[2].removesuffix("yaml")
    assert protocols.count(f"\n{fence}\n") == 1 or len(fence) > 3


def spoiled(folder: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    return copy


def config_with(copy: Path, change) -> None:
    content = json.loads((copy / CONFIG).read_text())
    change(content)
    (copy / CONFIG).write_text(json.dumps(content))


def truncate(copy: Path) -> None:
    os.truncate(copy / WEIGHTS, (copy / WEIGHTS).stat().st_size // 2)


def huge(content) -> None:
    content["gan_lightning"]["config"]["model"]["generator"]["width"] = 2**20


def code(content) -> None:
    content["gan_lightning"]["config"]["model"]["loss"] = {"_target_": "os.system", "command": "touch owned"}


def no_record(content) -> None:
    del content["gan_lightning"]


def other_state(content) -> None:
    content["extra_state"] = {"_extra_state": 5}


def flip(copy: Path) -> None:
    content = bytearray((copy / WEIGHTS).read_bytes())
    content[len(content) // 2] ^= 1
    (copy / WEIGHTS).write_bytes(content)


def without_a_counter(copy: Path) -> None:
    state = load_file(copy / WEIGHTS)
    del state[next(name for name in state if name.endswith("num_batches_tracked"))]
    raw = save(state)
    (copy / WEIGHTS).write_bytes(raw)
    config_with(copy, lambda content: content.update(weights_xxh3_128=xxhash.xxh3_128_hexdigest(raw)))


def deep(copy: Path) -> None:
    (copy / CONFIG).write_text('{"gan_lightning": ' + "[" * 100_000)


HARM = {
    "truncated weights": truncate,
    "empty weights": lambda copy: (copy / WEIGHTS).write_bytes(b""),
    "no weights": lambda copy: (copy / WEIGHTS).unlink(),
    "no config": lambda copy: (copy / CONFIG).unlink(),
    "deep config": deep,
    "widths beyond memory": lambda copy: config_with(copy, huge),
    "names of code": lambda copy: config_with(copy, code),
    "a flipped bit": flip,
    "a missing counter": without_a_counter,
    "no record": lambda copy: config_with(copy, no_record),
    "another state": lambda copy: config_with(copy, other_state),
}


@pytest.mark.parametrize("harm", HARM)
def test_a_damaged_or_hostile_folder_is_refused_in_a_sentence(harm, folder, commands, tmp_path):
    copy = spoiled(folder, tmp_path)
    HARM[harm](copy)
    ended = commands("sample", f"ckpt={copy}", "n=1", "out=x.png", "device=cpu", cwd=tmp_path)
    assert ended.code == 2, ended.text
    assert "Traceback" not in ended.text
    assert not (tmp_path / "x.png").exists()
    assert not (tmp_path / "owned").exists()


def test_pushed_to_a_hub_and_sampled_from_it(run, tmp_path, monkeypatch):
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    variables = {"HF_HOME": str(tmp_path / "hf"), "HF_TOKEN": "hf_x", "HF_HUB_DISABLE_XET": "1"}

    def do(*line: str, code: int = 0, **more: str) -> Ended:
        return in_a_fork(*line, cwd=tmp_path, code=code, variables=variables | more, afresh="huggingface_hub")

    with serving() as hub:
        variables["HF_ENDPOINT"] = hub.url
        do("gan-push", str(run), "me/digits", "--private")
        assert sorted(hub.repositories["me/digits"]) == ["README.md", CONFIG, WEIGHTS, PICTURE]
        assert hub.private == {"me/digits"}
        assert "gan-sample ckpt=hf://me/digits" in hub.repositories["me/digits"]["README.md"].decode()
        do("gan-sample", "ckpt=hf://me/digits@main", "n=4", "out=hub.npz", "device=cpu")
        assert [asked for asked in hub.unknown if "me/digits" in asked] == []
        missing = do("gan-sample", "ckpt=hf://me/nothing", "n=1", code=2)
        assert "hf://me/nothing: cannot be fetched" in missing.err
        assert "Traceback" not in missing.err
    do("gan-sample", "ckpt=hf://me/digits", "n=4", "out=offline.npz", "device=cpu", HF_HUB_OFFLINE="1")
    assert sorted(path.name for path in tmp_path.glob("*.npz")) == ["hub.npz", "offline.npz"]
    expected = load_model(run / "checkpoints" / "best.ckpt")
    drawn = ((expected.sample(4, seed=0) + 1) * 127.5).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    for name in ("hub.npz", "offline.npz"):
        assert np.abs(np.load(tmp_path / name)["arr_0"].astype(int) - drawn).max() <= 1


@pytest.mark.parametrize("address", ["hf://", "hf://me", "hf://me/x y", "hf://me/../x/y", "hf://me/x@"])
def test_what_is_no_address_is_said(address, commands, tmp_path):
    ended = commands("sample", f"ckpt={address}", "n=1", cwd=tmp_path)
    assert ended.code == 2, ended.text
    assert "a model on the Hub is hf://USER/NAME" in ended.err


def test_without_the_library_the_command_to_install_it_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(InputError, match=r"pip install 'gan-lightning\[huggingface\]'"):
        gan_lightning.from_pretrained("me/digits")


@pytest.mark.parametrize("there", ["project", "file", "link"])
def test_what_is_there_already_is_not_replaced(run, tmp_path, there, capsys):
    out = tmp_path / "out"
    if there == "project":
        out.mkdir()
        (out / "README.md").write_text("mine")
    elif there == "file":
        out.write_text("mine")
    else:
        out.symlink_to("nowhere")
    with pytest.raises(SystemExit) as ending:
        push.main([str(run), "--out", str(out)])
    assert ending.value.code == 2
    assert f"--out {out}: it is there already" in capsys.readouterr().err
    assert not list(tmp_path.glob("*/*")) or [path.read_text() for path in out.iterdir()] == ["mine"]


def test_a_full_disk_leaves_no_part_of_a_model(run, tmp_path, capsys, monkeypatch):
    real, written = os.replace, []

    def full(source, target):
        written.append(target)
        if len(written) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(source, target)

    monkeypatch.setattr("os.replace", full)
    (tmp_path / "out").mkdir()
    with pytest.raises(SystemExit) as ending:
        push.main([str(run), "--out", str(tmp_path / "out")])
    assert ending.value.code == 2
    assert "No space left" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == [tmp_path / "out"]
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("argv", [["run"], ["run", "me/x", "--out", "folder"], []])
def test_bad_command_lines_end_with_2(argv, capsys):
    with pytest.raises(SystemExit) as ending:
        push.main(argv)
    assert ending.value.code == 2
    assert "Traceback" not in capsys.readouterr().err

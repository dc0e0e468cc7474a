"""Every variant's generator survives its file, and a file that is something else is refused."""

from __future__ import annotations

import json
import random
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file, save_file

import gan_lightning
from gan_lightning.config import ConfigError
from gan_lightning.core.checkpoint import CheckpointError
from gan_lightning.export import load_generator, save_generator
from gan_lightning.losses import Hinge
from tests.contract.variants import VARIANTS, build

TRANSLATORS = ("pix2pix", "cyclegan")


def distinct(model):
    """Give the averaged generator, and what else sampling needs, values of their own."""
    torch.manual_seed(3)
    for tensor in model.generator_ema.state_dict().values():  # constants that are no state stay as they are
        if tensor.is_floating_point() and tensor.numel() > 2:
            tensor.data.add_(0.01 * torch.rand_like(tensor))
    if "label_counts" in dict(model.named_buffers()):
        model.label_counts.copy_(torch.tensor([1, 0, 0, 5, 0, 0, 0, 0, 0, 4]))
    return model.eval()


@pytest.mark.parametrize("variant", [name for name in VARIANTS if name not in TRANSLATORS])
def test_a_generator_that_was_read_back_makes_the_same_samples_to_the_bit(variant, tmp_path):
    model = distinct(build(variant)[0])
    save_generator(model, tmp_path / "g.safetensors")
    before = torch.get_rng_state()
    loaded = gan_lightning.load_generator(tmp_path / "g.safetensors")
    assert torch.equal(before, torch.get_rng_state())
    assert torch.equal(loaded.sample(5, seed=2), model.sample(5, seed=2))
    labels = torch.tensor([1, 4, 1]) if model.classes is not None else None
    assert torch.equal(loaded.sample(3, labels=labels, truncation=0.5), model.sample(3, labels=labels, truncation=0.5))
    assert loaded.classes == model.classes
    assert {name.split(".")[0] for name in loaded.state_dict()} == {"generator"}
    assert not loaded.training


def test_raw_weights_can_be_written_and_the_codes_go_along(tmp_path):
    model = distinct(build("infogan")[0])
    save_generator(model, tmp_path / "g.safetensors", weights="raw")
    loaded = load_generator(tmp_path / "g.safetensors")
    assert torch.equal(loaded.sample(3), model.sample(3, weights="raw"))
    condition = model.inputs([0], seed=0).condition
    assert len(loaded.traversals(condition[0], steps=3, extent=1.0)) == 3
    given = loaded.inputs(range(2), seed=0)
    latents, condition = given.latents, given.condition
    assert loaded(latents, condition).shape == (2, 1, 16, 16)


@pytest.mark.parametrize("variant", TRANSLATORS)
def test_a_model_that_translates_images_is_refused(variant, tmp_path):
    with pytest.raises(ValueError, match=r"(Pix2Pix|CycleGAN) translates images"):
        save_generator(build(variant)[0], tmp_path / "g.safetensors")
    assert list(tmp_path.iterdir()) == []


def written(tmp_path):
    path = tmp_path / "g.safetensors"
    save_generator(build("dcgan")[0], path)
    return path


def test_files_that_are_no_generators(tmp_path):
    path = written(tmp_path)
    whole = path.read_bytes()
    with pytest.raises(CheckpointError, match="there is no generator at"):
        load_generator(tmp_path / "nothing.safetensors")
    for content in (b"", whole[:200], whole[:-50], b"{}" * 100):
        path.write_bytes(content)
        with pytest.raises(CheckpointError, match="damaged"):
            load_generator(path)
    save_file({"weight": torch.zeros(2)}, path)
    with pytest.raises(CheckpointError, match="of another program"):
        load_generator(path)


def test_no_flipped_bit_gives_another_generator(tmp_path):
    path = written(tmp_path)
    whole, expected = path.read_bytes(), load_generator(path).sample(2, seed=0)
    draw, refused = random.Random(0), 0
    for _ in range(60):
        content = bytearray(whole)
        content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
        path.write_bytes(content)
        try:
            loaded = load_generator(path)
        except CheckpointError:
            refused += 1
        else:
            assert torch.equal(loaded.sample(2, seed=0), expected)  # a bit of the header's padding
    assert refused >= 55


def test_records_that_cannot_be_used(tmp_path):
    path = written(tmp_path)
    state = load_file(path)
    record = {"format": 1, "model": build("dcgan")[0].run_config["model"]}

    def rewrite(**changes):
        save_file(state, path, metadata={"gan_lightning": json.dumps({**record, **changes})})

    rewrite()
    load_generator(path)  # as 0.1 wrote it
    rewrite(format=3)
    with pytest.raises(CheckpointError, match="format 3, this version of gan-lightning reads formats 1 and 2"):
        load_generator(path)
    rewrite(format=2)
    with pytest.raises(CheckpointError, match="is damaged: its content does not match its digest"):
        load_generator(path)
    rewrite(model={"_target_": "os.system", "_args_": ["true"]})
    with pytest.raises(ConfigError, match="refused"):
        load_generator(path)
    rewrite(model={"_target_": "torch.nn.Identity"})
    with pytest.raises(CheckpointError, match="describes a Identity"):
        load_generator(path)
    state.pop("generator.stack.0.weight")
    rewrite()
    with pytest.raises(CheckpointError, match="do not fit the generator"):
        load_generator(path)


def test_a_part_that_was_built_by_hand_is_named(tmp_path):
    model = build("dcgan")[0]
    model.run_config = None
    model.loss = Hinge()
    with pytest.raises(ValueError, match=r"model\.loss: built by hand"):
        save_generator(model, tmp_path / "g.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_the_package_itself_stays_light():
    code = (
        "import sys, gan_lightning; "
        "assert not {'torch', 'lightning', 'safetensors'} & set(sys.modules), 'heavy'; "
        "assert 'load_generator' in dir(gan_lightning)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    with pytest.raises(AttributeError, match="no attribute 'load_generators'"):
        _ = gan_lightning.load_generators

"""Checkpoints of a plain Trainer: they rebuild a model of built parts, and say which part of another one they lack."""

import copy
import dataclasses
import functools
import os
import pickle
import warnings

import numpy as np
import pytest
import torch
from lightning import Trainer
from lightning.pytorch.loggers import CSVLogger
from torch.utils.data import DataLoader

from gan_lightning import create_model, load_generator
from gan_lightning.augment import InstanceNoise
from gan_lightning.config import ConfigError, build, node_of
from gan_lightning.core.checkpoint import FORMAT, CheckpointError, read_checkpoint
from gan_lightning.core.container import write_container
from gan_lightning.core.pixels import to_uint8
from gan_lightning.data.digits import load_digits
from gan_lightning.export import save_generator
from gan_lightning.loggers import JSONLLogger
from gan_lightning.losses import Hinge, NonSaturating
from gan_lightning.models import DCGAN, WGAN, UpdateRule
from gan_lightning.models.loading import load_model
from gan_lightning.models.priors import Normal
from gan_lightning.networks import DCGANGenerator
from gan_lightning.regularizers import R1
from tests.cli.conftest import Commands

NARROW = ["model.generator.width=4", "model.discriminator.width=4"]
IMAGES = torch.rand(16, 1, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1
NODE = {
    "generator": {"_target_": "gan_lightning.networks.DCGANGenerator", "resolution": 16, "channels": 1, "width": 4},
    "discriminator": {
        "_target_": "gan_lightning.networks.DCGANDiscriminator",
        "resolution": 16,
        "channels": 1,
        "width": 4,
    },
    "loss": {"_target_": "gan_lightning.losses.NonSaturating"},
    "generator_optimizer": {"_target_": "torch.optim.Adam", "_partial_": True, "lr": 0.001, "betas": [0.0, 0.9]},
    "discriminator_optimizer": {"_target_": "torch.optim.Adam", "_partial_": True, "lr": 0.001},
    "prior": {"_target_": "gan_lightning.models.priors.Normal"},
    "updates": {"_target_": "gan_lightning.models.UpdateRule", "critic_steps": 2},
    "regularizers": {"r1": {"_target_": "gan_lightning.regularizers.R1", "weight": 0.5}},
}


def model_of(name="dcgan", *overrides):
    torch.manual_seed(0)
    return create_model(name, resolution=16, channels=1, overrides=[*NARROW, *overrides])


def fit(model, path, **arguments):
    """Train with a plain Trainer and save its checkpoint; return what was warned of while saving."""
    quiet = {"enable_progress_bar": False, "enable_model_summary": False, "enable_checkpointing": False}
    trainer = Trainer(accelerator="cpu", max_epochs=1, **quiet, **{"logger": False, **arguments})
    trainer.fit(model, DataLoader(IMAGES, batch_size=8))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        trainer.save_checkpoint(path)
    return [str(warning.message) for warning in caught]


def samples(model):
    return model.eval().sample(3, seed=5)


def assert_same_state(one, other):
    state, wanted = one.state_dict(), other.state_dict()
    assert state.keys() == wanted.keys()
    for key, value in wanted.items():
        assert torch.equal(state[key], value) if isinstance(value, torch.Tensor) else state[key] == value, key


@pytest.mark.parametrize("name", ["dcgan", "wgan"])
def test_a_created_model_is_rebuilt_from_its_checkpoint(name, tmp_path):
    path = tmp_path / "plain.ckpt"
    model = model_of(name, "+model/regularizer@model.regularizers.r1=r1")
    assert fit(model, path) == []
    expected = samples(model)
    before = torch.get_rng_state()
    rebuilt = load_model(path)
    assert torch.equal(before, torch.get_rng_state())
    assert torch.equal(rebuilt.sample(3, seed=5), expected)
    assert not rebuilt.training
    assert rebuilt.run_config == {"model": node_of(model)}
    loaded = type(model).load_from_checkpoint(path)
    for other in (rebuilt, loaded):
        assert type(other) is type(model)
        assert_same_state(other, model)
        assert other.images_seen == 16
        assert other.hparams == model.hparams
    assert loaded.training
    assert torch.equal(samples(loaded), expected)


def test_it_is_rebuilt_again_from_a_checkpoint_of_what_was_rebuilt(tmp_path):
    one, two = tmp_path / "one.ckpt", tmp_path / "two.ckpt"
    fit(model_of(), one)
    for load in (DCGAN.load_from_checkpoint, load_model):
        model = load(one)
        model.run_config = None
        assert fit(model.train(), two) == []
        assert torch.equal(samples(load_model(two)), samples(model))
        assert load_model(two).images_seen == 32


def test_a_checkpoint_of_a_plain_trainer_is_plain_and_holds_its_model_once(tmp_path):
    path = tmp_path / "plain.ckpt"
    model = model_of()
    fit(model, path)
    checkpoint = torch.load(path, weights_only=True)
    record = checkpoint["gan_lightning"]
    assert record["config"] == {"model": node_of(model)}
    assert record["by_hand"] == []
    assert record["model"] == "gan_lightning.models.dcgan.DCGAN"
    assert not {"hyper_parameters", "hparams_name"} & checkpoint.keys()


def test_commands_sample_from_it_and_evaluate_it(tmp_path):
    commands = Commands(tmp_path / "home")
    model = model_of()
    fit(model, tmp_path / "plain.ckpt")
    ended = commands("sample", "ckpt=plain.ckpt", "n=4", "out=four.npz", cwd=tmp_path)
    assert ended.code == 0, ended.text
    drawn = torch.from_numpy(np.load(tmp_path / "four.npz")["arr_0"]).permute(0, 3, 1, 2)
    assert torch.equal(drawn, to_uint8(model.eval().sample(4, seed=0)))
    np.savez(tmp_path / "real.npz", arr_0=load_digits(split="train").images[:60].permute(0, 2, 3, 1).numpy())
    evaluation = ["ckpt=plain.ckpt", "evaluator=digits", "evaluator.samples=50", "evaluator.metrics=[frechet]"]
    ended = commands("evaluate", *evaluation, "real=real.npz", cwd=tmp_path)
    assert ended.code == 0, ended.text
    assert "fd50" in ended.out
    for words in (evaluation, [*evaluation, "real=plain.ckpt"]):
        ended = commands("evaluate", *words, cwd=tmp_path)
        assert ended.code == 2
        assert "names no data: compare it with real=PATH" in ended.err


def by_hand(**parts):
    """Assemble a DCGAN of the given parts, and of built ones."""
    built = build({**NODE, **dict.fromkeys(parts)})
    return DCGAN(**{**built, **parts})


def test_a_model_assembled_of_built_parts_is_rebuilt(tmp_path):
    path = tmp_path / "plain.ckpt"
    model = by_hand()
    assert node_of(model) is None
    assert model.description() == ({"_target_": "gan_lightning.models.dcgan.DCGAN", **NODE}, [])
    assert fit(model, path) == []
    assert torch.equal(samples(load_model(path)), samples(model))
    assert torch.equal(samples(DCGAN.load_from_checkpoint(path)), samples(model))


def hand_built(name):
    """Return a part that the builder knows nothing of, by the argument of the model."""
    return {
        "generator": lambda: DCGANGenerator(resolution=16, channels=1, width=4),
        "loss": NonSaturating,
        "generator_optimizer": lambda: functools.partial(torch.optim.Adam, lr=0.001, betas=(0.0, 0.9)),
        "prior": Normal,
        "updates": lambda: UpdateRule(critic_steps=2),
        "regularizers": lambda: {"r1": R1(weight=0.5)},
    }[name]()


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("generator", "model.generator"),
        ("loss", "model.loss"),
        ("generator_optimizer", "model.generator_optimizer"),
        ("prior", "model.prior"),
        ("updates", "model.updates"),
        ("regularizers", "model.regularizers.r1"),
    ],
)
def test_a_part_built_by_hand_is_named(name, key, tmp_path):
    path = tmp_path / "plain.ckpt"
    model = by_hand(**{name: hand_built(name)})
    (message,) = fit(model, path)
    assert message.startswith(f"{key}: built by hand, so this checkpoint alone cannot rebuild the model")
    assert read_checkpoint(path)["gan_lightning"]["by_hand"] == [key]
    lacking = rf"lacks {key}, which was built by hand; DCGAN\.load_from_checkpoint\(path, {name}=\.\.\.\)"
    for load in (load_model, DCGAN.load_from_checkpoint):
        with pytest.raises(CheckpointError, match=lacking):
            load(path)
    loaded = DCGAN.load_from_checkpoint(path, **{name: hand_built(name)})
    assert_same_state(loaded, model)
    assert torch.equal(samples(loaded), samples(model))
    with pytest.raises(ValueError, match=f"{key}: built by hand"):
        save_generator(model, tmp_path / "g.safetensors")


def replace_loss(model):
    model.loss = Hinge()


def add_penalty(model):
    model.regularizers["r1"] = R1(weight=0.5)


def add_augmentation(model):
    model.augment = InstanceNoise(sigma=0.1)


def replace_updates(model):
    model.updates = dataclasses.replace(model.updates, critic_steps=2)


def built_otherwise(model):
    model.loss = build({"_target_": "gan_lightning.losses.Hinge"})


@pytest.mark.parametrize(
    ("change", "key"),
    [
        (replace_loss, "model.loss"),
        (add_penalty, "model.regularizers.r1"),
        (add_augmentation, "model.augment"),
        (replace_updates, "model.updates"),
        (built_otherwise, "model.loss"),
    ],
)
def test_a_part_replaced_after_the_model_was_built_is_named(change, key, tmp_path):
    path = tmp_path / "plain.ckpt"
    model = model_of()
    change(model)
    (message,) = fit(model, path)
    assert message.startswith(f"{key}: built by hand")
    with pytest.raises(CheckpointError, match=f"lacks {key}, which was built by hand"):
        load_model(path)


def test_commands_say_what_a_checkpoint_lacks(tmp_path):
    fit(by_hand(loss=NonSaturating()), tmp_path / "plain.ckpt")
    ended = Commands(tmp_path / "home")("sample", "ckpt=plain.ckpt", cwd=tmp_path)
    assert ended.code == 2
    assert "lacks model.loss, which was built by hand" in ended.err


def test_a_copy_describes_itself_likewise():
    model = model_of("wgan", "+model/regularizer@model.regularizers.r1=r1")
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert other.description() == (node_of(model), [])
        assert other.hparams == model.hparams


def test_a_checkpoint_of_another_class_is_refused(tmp_path):
    path = tmp_path / "plain.ckpt"
    fit(model_of(), path)
    with pytest.raises(CheckpointError, match=r"holds a gan_lightning\.models\.dcgan\.DCGAN, not a .*wgan\.WGAN"):
        WGAN.load_from_checkpoint(path)


def test_parts_that_are_given_replace_those_of_the_file(tmp_path):
    path = tmp_path / "plain.ckpt"
    fit(model_of(), path)
    loss = Hinge()
    assert DCGAN.load_from_checkpoint(path, loss=loss).loss is loss


def test_what_a_checkpoint_names_outside_of_parts_needs_trust(tmp_path):
    path = tmp_path / "plain.ckpt"
    model = by_hand(loss=build({"_target_": f"{__name__}.ForeignLoss"}, trust=True))
    assert fit(model, path) == []
    for load in (load_model, DCGAN.load_from_checkpoint):
        with pytest.raises(ConfigError, match=r"ForeignLoss.*refused"):
            load(path)
        assert type(load(path, trust=True).loss) is ForeignLoss


class ForeignLoss(NonSaturating):
    """A loss of another package."""


def test_a_file_that_describes_more_than_it_holds_is_refused(tmp_path):
    path = tmp_path / "plain.ckpt"
    fit(model_of(), path)
    checkpoint = torch.load(path, weights_only=True)
    checkpoint["gan_lightning"]["config"]["model"]["generator"]["width"] = 4096
    torch.save(checkpoint, path)
    for load in (load_model, DCGAN.load_from_checkpoint):
        with pytest.raises(CheckpointError, match="is larger than the weights it holds"):
            load(path)


class Payload:
    """What an attacker would put in a pickle."""

    def __reduce__(self):
        return os.system, ("touch hacked",)


def test_files_without_a_digest_are_read_as_strictly_as_others(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "plain.ckpt"
    fit(model_of(), path)
    whole = path.read_bytes()
    checkpoint = torch.load(path, weights_only=True)
    path.write_bytes(whole[:-1000])
    with pytest.raises(CheckpointError, match="is damaged or truncated"):
        read_checkpoint(path)
    torch.save({**checkpoint, "extra": Payload()}, path)
    with pytest.raises(CheckpointError, match="is refused: it holds something other than plain containers"):
        read_checkpoint(path)
    assert not (tmp_path / "hacked").exists()
    torch.save({**checkpoint, "gan_lightning": {**checkpoint["gan_lightning"], "format": FORMAT + 1}}, path)
    with pytest.raises(CheckpointError, match=f"has checkpoint format {FORMAT + 1}"):
        read_checkpoint(path)
    for record in (None, {"state_dict": {}}):
        torch.save({**checkpoint, "gan_lightning": record, "state_dict": {} if record is None else None}, path)
        with pytest.raises(CheckpointError, match="has no digest: an older version of gan-lightning wrote it, or"):
            read_checkpoint(path)


def test_a_digest_that_was_cut_off_is_missed(tmp_path):
    """The rest is an archive that torch reads."""
    path = tmp_path / "cut.ckpt"
    fit(model_of(), tmp_path / "plain.ckpt")
    write_container(path, torch.load(tmp_path / "plain.ckpt", weights_only=True))
    read_checkpoint(path)
    path.write_bytes(path.read_bytes()[:-55])
    torch.load(path, weights_only=True)
    with pytest.raises(CheckpointError, match="its directory is not where it should be"):
        read_checkpoint(path)


@pytest.mark.parametrize("by_hand", ["model.loss", [1], ["loss"], {"model.loss": 1}])
def test_a_damaged_list_of_parts_is_refused(by_hand, tmp_path):
    path = tmp_path / "a.ckpt"
    record = {"format": FORMAT, "images_seen": 0, "config": None, "by_hand": by_hand}
    write_container(path, {"state_dict": {}, "gan_lightning": record})
    with pytest.raises(CheckpointError, match="by_hand is not a list of keys of a model"):
        read_checkpoint(path)


def test_hparams_are_the_plain_arguments_and_reach_loggers(tmp_path):
    model = model_of()
    arguments = {key: value for key, value in node_of(model).items() if key != "_target_"}
    assert dict(model.hparams) == arguments
    assert model.hparams.updates["critic_steps"] == 1
    partly = by_hand(loss=NonSaturating())
    assert dict(partly.hparams) == {key: value for key, value in NODE.items() if key != "loss"}
    loggers = [CSVLogger(tmp_path, name="csv", version=""), JSONLLogger(output_dir=tmp_path / "run")]
    fit(model, tmp_path / "plain.ckpt", logger=loggers, log_every_n_steps=1)
    assert "critic_steps: 1" in (tmp_path / "csv" / "hparams.yaml").read_text()
    lines = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    assert len(lines) == 2
    assert not any("critic_steps" in line for line in lines)


def test_the_generator_of_a_created_model_is_exported(tmp_path):
    model = model_of()
    save_generator(model, tmp_path / "g.safetensors")
    assert torch.equal(load_generator(tmp_path / "g.safetensors").sample(2, seed=3), model.eval().sample(2, seed=3))


def test_a_trainer_goes_on_from_its_own_checkpoint(tmp_path):
    path = tmp_path / "plain.ckpt"
    fit(model_of(), path)
    model = model_of()
    trainer = Trainer(accelerator="cpu", max_epochs=2, logger=False, enable_checkpointing=False)
    trainer.fit(model, DataLoader(IMAGES, batch_size=8), ckpt_path=path, weights_only=True)
    assert model.images_seen == 32

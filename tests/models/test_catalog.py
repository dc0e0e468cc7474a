"""``create_model``: the very models that ``gan-train`` builds, from anywhere, without a trace in Hydra."""

import dataclasses
import functools
import subprocess
import sys

import hydra
import pytest
import torch
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.version import VersionBase
from omegaconf import OmegaConf
from torch import nn

import gan_lightning
from gan_lightning import create_model, list_models
from gan_lightning.config import ConfigError, build, node_of
from gan_lightning.losses import Hinge
from gan_lightning.models import DCGAN
from gan_lightning.regularizers import R1
from tests.conftest import CONF, compose_train

NARROW = ["model.generator.width=8", "model.discriminator.width=8"]
SMALL = {
    "cgan": ["model.generator.joint_width=8", "model.discriminator.image_width=8"],
    "cyclegan": [*NARROW, "model.generator_back.width=8", "model.discriminator_back.width=8"],
    "dragan": ["model.generator.widths=[8]", "model.discriminator.widths=[8]"],
    "gan": ["model.generator.widths=[8]", "model.discriminator.widths=[8]"],
    "infogan": [*NARROW, "model.generator.hidden_width=8", "model.discriminator.hidden_width=8"],
    "pacgan": ["model.generator.width=8", "model.discriminator.discriminator.width=8"],
    "progan": ["model.generator.fmap_max=8", "model.discriminator.fmap_max=8"],
    "r3gan": [
        *(f"model.{player}.widths=[16,16,16,16]" for player in ("generator", "discriminator")),
        *(f"model.{player}.cardinalities=[4,4,4,4]" for player in ("generator", "discriminator")),
    ],
    "fastgan": [
        *("model/feature_loss=mse", "model.discriminator.decoder_channels=[8,8,8,8]"),
        *(
            f"model.{player}.{small}"
            for player in ("generator", "discriminator")
            for small in ("resolution=256", "width=8")
        ),
    ],
    "projected_gan": [
        *("model/generator=projected_stylegan2", "model.generator.channel_max=8", "model.generator.style_dim=8"),
        *("model.generator.latent_dim=8", "model.discriminator.width=4"),
    ],
    "stylegan2": [
        *(f"model.{player}.channel_max=8" for player in ("generator", "discriminator")),
        *("model.generator.style_dim=8", "model.generator.latent_dim=8", "model.discriminator.group_size=4"),
    ],
}
RESIDUAL = [f"model.{player}.widths=[8,8,8,8]" for player in ("generator", "discriminator")]
SMALL |= dict.fromkeys(("biggan", "projection", "sagan", "sngan", "ssgan", "wgan_gp"), RESIDUAL)
"""Overrides that make a model of ``conf/model`` small; ``NARROW`` where there are none here."""


def of_training(name, *overrides):
    """Build a model as ``gan-train`` does, for images of 32x32 in color, of 10 classes."""
    config = compose_train("data=cifar10", f"model={name}", *overrides)
    return build(OmegaConf.to_container(config, resolve=True)["model"], key="model", trust=True)


def contents(part):
    """Return what a part is and holds, down to plain values."""
    if isinstance(part, functools.partial):
        return part.func, part.args, contents(part.keywords)
    if isinstance(part, dict):
        return {name: contents(value) for name, value in part.items()}
    if isinstance(part, list | tuple):
        return [contents(value) for value in part]
    if dataclasses.is_dataclass(part):
        return type(part), {field.name: contents(getattr(part, field.name)) for field in dataclasses.fields(part)}
    if type(part).__module__.startswith("gan_lightning."):
        own = {name: value for name, value in vars(part).items() if not name.startswith("_")}
        return type(part), {name: contents(value) for name, value in own.items()}
    return part


def check_same(model, expected):
    """Compare two models part by part."""
    assert type(model) is type(expected)
    assert repr(model) == repr(expected)
    state, wanted = model.state_dict(), expected.state_dict()
    assert state.keys() == wanted.keys()
    for key, value in wanted.items():
        assert torch.equal(state[key], value) if isinstance(value, torch.Tensor) else state[key] == value, key
    for key in ("loss", "prior", "updates", "augment", "statistics", "generator_optimizer", "discriminator_optimizer"):
        assert contents(getattr(model, key)) == contents(getattr(expected, key)), key
    assert contents(dict(model.regularizers)) == contents(dict(expected.regularizers))
    assert contents(dict(model.stabilizers)) == contents(dict(expected.stabilizers))
    assert (model.generator_ema is None) == (expected.generator_ema is None)


def test_the_models_are_the_files_of_the_config_tree():
    names = list_models()
    assert names == sorted(path.stem for path in (CONF / "model").glob("*.yaml"))
    assert {"dcgan", "cyclegan", "wgan_gp"} <= set(names)


@pytest.mark.parametrize("name", list_models())
def test_a_model_is_the_one_that_is_trained(name):
    overrides = SMALL.get(name, NARROW)
    torch.manual_seed(1)
    expected = of_training(name, "seed=3", *overrides)
    torch.manual_seed(1)
    model = create_model(name, resolution=32, channels=3, classes=10, seed=3, overrides=overrides)
    check_same(model, expected)
    assert model.updates.seed == 3
    assert model.description() == expected.description() == (node_of(expected), [])


def test_overrides_and_source_channels_are_those_of_training():
    overrides = [
        *NARROW,
        "model/loss=hinge",
        "model/augment=diffaugment",
        "+model/regularizer@model.regularizers.r1=r1",
        "+model/stabilizer@model.stabilizers.replay=replay",
        "model.updates.critic_steps=2",
        "model.updates.ema_halflife_kimg=null",
        "model.generator_optimizer.lr=0.5",
    ]
    torch.manual_seed(1)
    expected = of_training("dcgan", *overrides)
    torch.manual_seed(1)
    model = create_model("dcgan", resolution=32, channels=3, overrides=overrides)
    check_same(model, expected)
    assert (type(model.loss), model.updates.critic_steps, model.generator_ema) == (Hinge, 2, None)
    assert isinstance(model.regularizers["r1"], R1)
    assert model.generator_optimizer.keywords["lr"] == 0.5
    torch.manual_seed(1)
    expected = of_training("pix2pix", "+data.source_channels=1", *NARROW)
    torch.manual_seed(1)
    model = create_model("pix2pix", resolution=32, channels=3, source_channels=1, overrides=NARROW)
    check_same(model, expected)
    assert model.generator.source_shape == (1, 32, 32)


def test_parts_are_compared_down_to_their_numbers():
    one, other = (create_model("dcgan", resolution=16, channels=1, overrides=NARROW) for _ in range(2))
    with pytest.raises(AssertionError):
        check_same(one, other)  # other weights
    other.load_state_dict(one.state_dict())
    check_same(one, other)
    for key, part in [
        ("model.updates.ema_rampup=0.5", "updates"),
        ("model.loss.real_target=0.9", "loss"),
        ("model.generator_optimizer.lr=0.5", "generator_optimizer"),
        ("model/prior=unit_uniform", "prior"),
        ("model.updates.generator_schedule._target_=gan_lightning.core.schedules.Linear", "updates"),
    ]:
        other = create_model("dcgan", resolution=16, channels=1, overrides=[*NARROW, key])
        other.load_state_dict(one.state_dict())
        with pytest.raises(AssertionError, match=part):
            check_same(one, other)


def test_what_the_data_would_say_is_asked_for_by_name():
    with pytest.raises(ValueError, match=r"^dcgan needs the data's resolution, channels: create_model\('dcgan', "):
        create_model("dcgan")
    with pytest.raises(ValueError, match=r"^acgan .* classes: create_model\('acgan', classes=\.\.\.\)$"):
        create_model("acgan", resolution=32, channels=3)
    with pytest.raises(ValueError, match=r"^cyclegan needs the data's channels:"):
        create_model("cyclegan", resolution=32)


def test_networks_of_points_need_nothing_of_the_data():
    networks = ["model/generator=points_pacgan", "model/discriminator=points_pacgan"]
    assert create_model("gan", overrides=networks).sample(3).shape == (3, 2)


@pytest.mark.parametrize("name", ["dcgna", "", "../model/dcgan", "generator/dcgan", "dcgan.yaml", None])
def test_an_unknown_name_is_refused_with_those_that_there_are(name):
    with pytest.raises(ValueError, match=r"name = .*: there is no such model.* Models: acgan, biggan, .*, wgan_gp$"):
        create_model(name, resolution=16, channels=1)


def test_a_near_name_is_suggested():
    with pytest.raises(ValueError, match="did you mean 'dcgan'"):
        create_model("dcgna", resolution=16, channels=1)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["model.generator.widht=8"], "model.generator.widht .*no such key"),
        (["+model.generator.widht=8"], "DCGANGenerator has no argument 'widht'; did you mean 'width'"),
        (["model/los=hinge"], "model/los .*nothing in the config chooses"),
        (["model/loss=hnge"], "hnge"),
        (["model.generator.width=wide"], "model.generator.width = 'wide': DCGANGenerator expects int"),
        (["model.generator.width=${data.width}"], "model.generator.width = .*cannot be resolved"),
        (["model._target_=torch.nn.Identity"], "model = .*expected AdversarialModule"),
        (["model.loss"], "model.loss"),
    ],
)
def test_wrong_overrides_are_refused(overrides, message):
    with pytest.raises(ConfigError, match=message):
        create_model("dcgan", resolution=16, channels=1, overrides=overrides)


def test_wrong_facts_are_refused():
    with pytest.raises(ConfigError, match=r"DCGANGenerator expects int; set data\.resolution"):
        create_model("dcgan", resolution=16.5, channels=1)
    with pytest.raises(ConfigError, match="resolution must be a power of two"):
        create_model("dcgan", resolution=17, channels=1)
    for seed in (-1, 2**32):
        with pytest.raises(ValueError, match=f"seed = {seed}: must be from 0"):
            create_model("dcgan", resolution=16, channels=1, seed=seed)


def hydra_state():
    """Return what Hydra keeps of a program, by identity where that matters."""
    state = GlobalHydra.instance()
    return id(state), id(state.hydra), VersionBase.instance().version_base, id(HydraConfig.instance().cfg)


def test_hydra_is_left_as_it_was(monkeypatch):
    GlobalHydra.instance().clear()
    for version in (VersionBase.instance().version_base, object()):  # the latter as before Hydra was used at all
        monkeypatch.setattr(VersionBase.instance(), "version_base", version)
        before = hydra_state()
        for _ in range(2):
            assert isinstance(create_model("dcgan", resolution=16, channels=1, overrides=NARROW), DCGAN)
            assert hydra_state() == before
        with pytest.raises(ConfigError):
            create_model("dcgan", resolution=16, channels=1, overrides=["model.loss"])
        assert hydra_state() == before
    assert not GlobalHydra.instance().is_initialized()


def test_within_a_program_of_hydra(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    options = ["hydra.run.dir=.", "hydra.output_subdir=null", "hydra/job_logging=none", "hydra/hydra_logging=none"]
    monkeypatch.setattr(sys, "argv", ["program", *options, "+model=mine", "+data.resolution=64"])
    made = []

    @hydra.main(version_base="1.2", config_path=None)
    def program(cfg):
        assert cfg.model == "mine"
        assert GlobalHydra.instance().is_initialized()
        before = hydra_state()
        made.append(create_model("dcgan", resolution=16, channels=1, overrides=NARROW))
        assert hydra_state() == before
        assert cfg == {"model": "mine", "data": {"resolution": 64}}

    program()
    assert made[0].generator.sample_shape == (1, 16, 16)


def test_from_another_folder_that_has_a_config_tree_too(monkeypatch, tmp_path):
    (tmp_path / "conf" / "model").mkdir(parents=True)
    (tmp_path / "conf" / "model" / "dcgan.yaml").write_text("_target_: torch.nn.Identity\n")
    monkeypatch.chdir(tmp_path)
    assert isinstance(create_model("dcgan", resolution=16, channels=1, overrides=NARROW), DCGAN)


def test_weights_are_drawn_from_torchs_generator():
    def draw(seed):
        torch.manual_seed(seed)
        return nn.utils.parameters_to_vector(create_model("dcgan", resolution=16, channels=1).parameters())

    assert torch.equal(draw(0), draw(0))
    assert not torch.equal(draw(0), draw(1))


def test_importing_the_package_stays_cheap():
    code = (
        "import sys, gan_lightning; "
        "assert {'create_model', 'list_models'} <= set(dir(gan_lightning)); "
        "print(sorted({'torch', 'lightning', 'hydra', 'omegaconf'} & sys.modules.keys()))"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "[]\n"
    with pytest.raises(AttributeError, match="no attribute 'create_models'"):
        _ = gan_lightning.create_models

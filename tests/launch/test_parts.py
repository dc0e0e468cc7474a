"""What a config builds, and that all that parts refuse is said at once, in the words of the keys that the user sets."""

from __future__ import annotations

import pytest
from omegaconf import OmegaConf

from gan_lightning.callbacks import TrainingHealth
from gan_lightning.config import ConfigError, check_config
from gan_lightning.launch.parts import build_parts, rehearse_parts
from gan_lightning.loggers import JSONLLogger

SMALL = ("experiment=demo", "batch_size=8", "model.generator.width=8", "model.discriminator.width=8", "trainer=cpu")


def test_a_part_that_is_set_to_null_is_left_out(train_config):
    parts = build_parts(check_config(train_config(*SMALL, "logger=none", "callbacks.health=null")))
    assert parts.callback(TrainingHealth) is None
    assert None not in parts.callbacks
    assert [type(logger) for logger in parts.loggers] == [JSONLLogger]
    assert parts.model.budget_images == 128_000


WRONG = (
    "data.resolution=20",  # the networks double and halve
    "callbacks.checkpoint.every_minutes=-1",
    "evaluator.samples=0",
    "batch_size=9",
    "trainer=ddp",
    "trainer.devices=2",
    "trainer.accelerator=cpu",
)
SAID = ("model.generator, model.discriminator: ", "callbacks.checkpoint", "evaluator: ", "batch_size = 9")


def refusals(train_config, build):
    config = OmegaConf.to_container(train_config(*SMALL[:1], "logger=none", *WRONG), resolve=True)
    with pytest.raises(ConfigError) as refusal:
        build(config)
    return refusal.value.messages


def test_all_that_parts_refuse_is_said_at_once(train_config):
    def rehearse(config):
        problems: list[str] = []
        rehearse_parts(config, problems)
        raise ConfigError(problems)

    for build in (build_parts, rehearse):
        messages = refusals(train_config, build)
        for part in SAID:
            assert sum(message.startswith(part) for message in messages) == 1, (part, messages)
        assert len(messages) == len(SAID)


def test_a_rehearsal_draws_nothing_and_takes_no_memory(train_config):
    import torch

    config = check_config(train_config(*SMALL, "logger=none", "model.generator.width=1048576"))
    before = torch.get_rng_state()
    problems: list[str] = []
    assert rehearse_parts(config, problems) == 1
    assert problems == []
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("+callbacks.x={_target_: builtins.abs, _args_: [-1]}", r"callbacks\.x"),
        (
            "+callbacks.x={_target_: tests.launch.test_parts.nothing_of_the_kind}",
            r"callbacks\.x: must be a Callback, got int",
        ),
        ("+logger.x={_target_: tests.launch.test_parts.nothing_of_the_kind}", r"logger\.x: must be a Logger, got int"),
        ("+trainer.max_time=-1", r"trainer\.max_time = -1: must be DD:HH:MM:SS"),
        ("batch_size=1000000000000", r"batch_size = 1000000000000: the real samples alone would take .* GiB"),
    ],
)
def test_what_is_of_another_kind_or_too_large_is_refused_in_a_sentence(override, message, train_config):
    config = OmegaConf.to_container(train_config(*SMALL, "logger=none", override), resolve=True)
    with pytest.raises(ConfigError, match=message):
        build_parts(config)


def nothing_of_the_kind() -> int:
    return 3


@pytest.mark.parametrize(
    "override", ["data.radius=inf", "data.radius=-1", "data.sigma=inf", "data.radius=0", "data.sigma=0"]
)
def test_points_lie_at_finite_places(override, train_config):
    config = OmegaConf.to_container(train_config("experiment=ring_gan", "logger=none", override), resolve=True)
    with pytest.raises(ConfigError, match=rf"data\.{override[5:].partition('=')[0]} must be positive and finite"):
        build_parts(config)

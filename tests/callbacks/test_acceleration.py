"""Compiled and channels-last training is the plain one up to rounding, and refused where it would not be."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from gan_lightning.callbacks import Acceleration
from gan_lightning.config import ConfigError
from tests.conftest import compose_train
from tests.contract.variants import StopAt, assert_same, build, fit, state

TINY = ["model.generator.width=4", "model.discriminator.width=4", "model.discriminator.batch_norm=false"]
PENALTIES = [f"+model/regularizer@model.regularizers.{name}={name}" for name in ("r1", "wgan_gp")]


def gentle(parameters: Any) -> torch.optim.Optimizer:
    return torch.optim.SGD(parameters, lr=1e-3)


def trained(*overrides: str, images: int = 8 * 3, callbacks: Any = (), **arguments: Any) -> Any:
    model, data = build("dcgan", *TINY, *overrides)
    model.generator_optimizer = model.discriminator_optimizer = gentle
    gradients: list[torch.Tensor] = []
    clip = model.on_before_optimizer_step

    def note(optimizer: Any) -> None:
        clip(optimizer)
        (player,) = model.running
        gradients.append(torch.cat([p.grad.flatten() for p in model.active[player].parameters]))

    model.on_before_optimizer_step = note
    fit(model, data, images=images, callbacks=list(callbacks), **arguments)
    return model, gradients


@pytest.fixture(scope="module")
def plain():
    return trained(*PENALTIES)[1]


def assert_near(found: list[torch.Tensor], expected: list[torch.Tensor]) -> None:
    assert len(found) == len(expected) == 6
    for mine, theirs in zip(found, expected, strict=True):
        assert (mine - theirs).norm() <= 1e-3 * theirs.norm()


def test_channels_last_changes_no_gradient_penalties_included(plain):
    model, gradients = trained(*PENALTIES, callbacks=[Acceleration(channels_last=True)])
    weights = [p for p in model.discriminator.parameters() if p.ndim == 4 and min(p.shape[1:3]) > 1]
    assert weights
    assert all(p.is_contiguous(memory_format=torch.channels_last) for p in weights)
    assert_near(gradients, plain)


def test_a_compiled_generator_changes_no_gradient_penalties_included(plain):
    _, gradients = trained(*PENALTIES, callbacks=[Acceleration(compile="generator", backend="aot_eager")])
    assert torch._dynamo.utils.counters["frames"]["ok"] > 0
    torch._dynamo.reset()
    assert_near(gradients, plain)


def test_both_networks_can_be_compiled_without_penalties():
    _, expected = trained()
    torch._dynamo.utils.counters.clear()
    _, found = trained(callbacks=[Acceleration(compile="both", backend="aot_eager")])
    assert torch._dynamo.utils.counters["frames"]["ok"] >= 2
    torch._dynamo.reset()
    assert_near(found, expected)


def test_a_run_stored_channels_last_resumes_to_the_bit(tmp_path):
    def run(*callbacks: Any, **arguments: Any) -> Any:
        model, data = build("dcgan", *TINY)
        return model, fit(
            model, data, images=8 * 4, callbacks=[*callbacks, Acceleration(channels_last=True)], **arguments
        )

    whole, _ = run()
    _, trainer = run(StopAt(8 * 2))
    trainer.save_checkpoint(tmp_path / "half.ckpt")
    second, _ = run(ckpt_path=tmp_path / "half.ckpt")
    assert_same(state(whole), state(second))


@pytest.mark.parametrize(
    ("variant", "overrides", "switch", "reason"),
    [
        ("dcgan", [*TINY, PENALTIES[0]], {"compile": "both"}, "model.regularizers.r1 differentiates its gradient"),
        ("wgan_gp", [], {"compile": "both"}, "model.regularizers.gradient_penalty differentiates"),
        ("unrolled", [], {"compile": "both"}, "unrolled updates are differentiated"),
        ("progan", [], {"compile": "generator"}, "changes with every batch"),
        ("gan", [], {"channels_last": True}, "no convolution"),
    ],
)
def test_what_would_be_wrong_is_refused(variant, overrides, switch, reason):
    model, data = build(variant, *overrides)
    with pytest.raises(ValueError, match=rf"callbacks\.acceleration.*{reason}"):
        fit(model, data, images=8, callbacks=[Acceleration(**switch)])


def test_an_unknown_choice_is_refused():
    with pytest.raises(ValueError, match=r"callbacks\.acceleration\.compile must be one of"):
        Acceleration(compile="discriminator")


def test_the_command_refuses_it_before_it_trains():
    from omegaconf import OmegaConf

    from gan_lightning.launch.parts import build_parts

    cfg = compose_train("experiment=demo", "callbacks.acceleration.compile=both", "logger=none", "trainer=cpu")
    with pytest.raises(ConfigError, match=r"model\.regularizers\.r1"):
        build_parts(OmegaConf.to_container(cfg, resolve=True))

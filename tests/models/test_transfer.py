"""The networks of a model start from the weights of another one, to the bit, and nothing else of it moves."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import Tensor

from gan_lightning.models.optimizer_states import plan_optimizers
from gan_lightning.models.transfer import copy_weights, plan_transfer
from tests.contract.variants import build
from tests.models.toys import BATCH, UpdateRule, points, train

SOME = ("acgan", "biggan", "cyclegan", "infogan", "stylegan2")
"""A head that learns with the discriminator, spectral norm, two networks a player, a code's head, buffers of a mean."""


def tensors(model) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items() if isinstance(value, Tensor)}


def others(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return tensors of the same shapes with other numbers."""
    random = torch.Generator().manual_seed(5)
    return {name: torch.randint(1, 9, value.shape, generator=random).to(value.dtype) for name, value in state.items()}


def networks_of(model) -> dict[str, str]:
    """Return the names of the tensors of the players' networks, each with that of the network."""
    trained = {id(module) for player in model.players() for module in player.modules}
    owners = [name for name, module in model.named_modules() if id(module) in trained]
    return {name: owner for name in tensors(model) for owner in owners if name.startswith(f"{owner}.")}


@pytest.mark.parametrize("variant", SOME)
@pytest.mark.parametrize("weights", ["raw", "ema"])
def test_networks_are_those_of_the_source_and_averages_copies_of_them(variant, weights):
    averaged = "model.updates.ema_halflife_kimg=1"
    model, _ = build(variant, averaged)
    before = tensors(model)
    source = others(before)
    transfer = plan_transfer(model, source, weights=weights)
    assert not transfer.fresh
    copy_weights(model, transfer)
    after, networks = tensors(model), networks_of(model)
    assert networks.keys() == transfer.loaded.keys()
    for name, value in after.items():
        owner = networks.get(name) or networks.get(name.replace("_ema.", ".", 1))
        if owner is None:
            assert torch.equal(value, before[name]), name
            continue
        taken = name.replace("_ema.", ".", 1)
        if weights == "ema" and f"{owner}_ema{taken.removeprefix(owner)}" in source:
            taken = f"{owner}_ema{taken.removeprefix(owner)}"
        assert torch.equal(value, source[taken]), name
    assert any(name.startswith("generator_ema.") for name in after)


def test_averages_are_taken_where_that_is_asked_for():
    model, _ = build("cyclegan", "model.updates.ema_halflife_kimg=1")
    source = others(tensors(model))
    transfer = plan_transfer(model, source, averages=True)
    copy_weights(model, transfer)
    for name, value in tensors(model).items():
        if name.startswith(("generator", "discriminator")):
            assert torch.equal(value, source[name]), name
    assert not any(name.startswith("generator") for name in transfer.unused)


def test_what_is_missing_or_of_another_shape_is_left_as_it_was():
    model, source = points(), tensors(points())
    before = tensors(model)
    changed = {name: value + 1 for name, value in source.items()}
    changed["discriminator.output.weight"] = torch.zeros(3, 8)
    del changed["generator.output.bias"]
    transfer = plan_transfer(model, changed)
    assert transfer.fresh == {
        "discriminator.output.weight": "is (3, 8) there and (1, 8) here",
        "generator.output.bias": "is not there",
    }
    copy_weights(model, transfer)
    after = tensors(model)
    for name in networks_of(model):
        assert torch.equal(after[name], before[name] if name in transfer.fresh else changed[name]), name


@pytest.mark.parametrize(
    ("names", "file"),
    [
        ({"generator": "G", "discriminator": "D.net"}, {"generator.": "G.", "discriminator.": "D.net."}),
        ({"generator": "", "discriminator": "D"}, {"generator.": "", "discriminator.": "D."}),
        ({"generator": "G", "generator.output": "last"}, {"generator.output.": "last.", "generator.": "G."}),
        ({"generator.output.bias": "b"}, {"generator.output.bias": "b"}),
    ],
)
def test_names_of_tensors_and_modules_are_those_of_the_map(names, file):
    def renamed(name: str) -> str:
        old = next((old for old in file if name.startswith(old)), "")
        return file.get(old, "") + name.removeprefix(old)

    model = points()
    source = {name: value + 1 for name, value in tensors(model).items() if name in networks_of(model)}
    transfer = plan_transfer(model, {renamed(name): value for name, value in source.items()}, names=names)
    assert not transfer.fresh
    assert not transfer.unused
    assert all(torch.equal(transfer.loaded[name], value) for name, value in source.items())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"weights": "ema"}, "weights = ema: there are no averages"),
        ({"averages": True}, "averages = true: this model keeps no averages"),
        ({"names": {"generatr": "G"}}, "names: the model's networks have no generatr"),
    ],
)
def test_what_neither_side_has_is_refused(settings, message):
    model = points(updates=UpdateRule(ema_halflife_kimg=None))
    with pytest.raises(ValueError, match=message):
        plan_transfer(model, tensors(model), **settings)


def moments(model) -> list[Tensor]:
    """Return copies of the optimizers' first moments, in the order of players and parameters."""
    return [entry["exp_avg"].clone() for o in model.trainer.optimizers for entry in o.state_dict()["state"].values()]


def test_optimizers_start_from_those_of_the_source_with_their_own_rates():
    source = points()
    states = [optimizer.state_dict() for optimizer in train(source, 3).optimizers]
    before = moments(source)
    slow = partial(torch.optim.Adam, lr=0.0, betas=(0.5, 0.999))
    model = points(generator_optimizer=slow, discriminator_optimizer=slow)
    copy_weights(model, plan_transfer(model, source.state_dict()))
    model.first_optimizer_states = plan_optimizers(model, states, fresh=())
    train(model, 1)
    steps = {float(e["step"]) for o in model.trainer.optimizers for e in o.state_dict()["state"].values()}
    assert steps == {4.0}
    assert all(
        torch.equal(a, b) for a, b in zip(model.parameters(), source.parameters(), strict=True) if a.requires_grad
    )
    # half of what it was, and half of the gradient that the one step saw
    for former, present, parameter in zip(before, moments(model), trained_ones(model), strict=True):
        torch.testing.assert_close(present, 0.5 * former + 0.5 * parameter.grad, rtol=1e-5, atol=1e-8)
    assert model.first_optimizer_states == {}


def trained_ones(model) -> list[Tensor]:
    return [p for active in model.active.values() for p in active.parameters]


def test_other_optimizers_are_refused_and_fresh_parameters_start_without_a_past():
    source = points()
    states = [optimizer.state_dict() for optimizer in train(source, 2).optimizers]
    plan = plan_optimizers(points(), states, fresh={"generator.output.bias"})
    assert {player: len(state) for player, state in plan.items()} == {"discriminator": 4, "generator": 3}
    other = points(generator_optimizer=partial(torch.optim.SGD, lr=1.0))
    with pytest.raises(ValueError, match="the generator's is of another kind in the checkpoint"):
        plan_optimizers(other, states, fresh=())
    frozen = points(updates=UpdateRule(freeze_discriminator=1))
    with pytest.raises(ValueError, match="the discriminator's has 4 parameters there and 2 here"):
        plan_optimizers(frozen, states, fresh=())
    assert source.images_seen == 2 * BATCH

"""The first blocks of a player, counted from its input, keep their weights, and all others go on learning."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from gan_lightning.networks import Discriminator, Generator
from tests.conftest import LONG
from tests.contract.variants import VARIANTS, build, fit

BATCHES = {"progan": 12}
"""Of the others six are enough for both players to move; this one has layers that wait for their resolution."""

QUICK = {"unrolled", "cyclegan", "stylegan2", "progan", "biggan"}
"""One of each way in which a network lists its blocks, or a model looks at its players' weights."""


def order_of_calls(network: nn.Module) -> dict[int, int]:
    """Return the dictionary that will hold, for each parameter, when the module that it belongs to was first called."""
    first: dict[int, int] = {}

    def note(module: nn.Module, inputs: object) -> None:
        for parameter in module.parameters(recurse=False):
            first.setdefault(id(parameter), len(first))
        for child in module.children():  # weights under a parametrization belong to a module of their own
            if type(child).__name__ == "ModuleDict" and hasattr(module, "parametrizations"):
                for parameter in child.parameters():
                    first.setdefault(id(parameter), len(first))

    for module in network.modules():
        module.register_forward_pre_hook(note)
    return first


@pytest.mark.parametrize("variant", [pytest.param(v, marks=() if v in QUICK else LONG) for v in VARIANTS])
def test_the_first_blocks_of_both_players_stay_and_all_others_move(variant):
    model, data = build(variant, "model.updates.freeze_generator=1", "model.updates.freeze_discriminator=1")
    networks = [m for player in model.players() for m in player.modules if isinstance(m, Generator | Discriminator)]
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    calls = [order_of_calls(network) for network in networks]
    fit(model, data, images=8 * BATCHES.get(variant, 6))
    for called in calls:
        called.clear()  # a network that grows is called from another layer on by now
    moved = {id(p) for name, p in model.named_parameters() if not torch.equal(before[name], p)}
    fit(model, data, images=8 * BATCHES.get(variant, 6) + 8)
    for network, called in zip(networks, calls, strict=True):
        first, *others = network.blocks_from_input()
        assert not moved & {id(p) for p in first}
        for block in others:
            assert moved & {id(p) for p in block}
        in_blocks = {id(p) for block in (first, *others) for p in block}
        assert len(in_blocks) == sum(map(len, (first, *others)))
        assert moved & {id(p) for p in network.parameters()} - in_blocks
        starts = [min(called[id(p)] for p in block if id(p) in called) for block in (first, *others)]
        assert starts == sorted(starts)
        assert starts[0] == min(called[key] for key in in_blocks & called.keys())
    held = [p for player in model.players() for p in player.held]
    assert held
    assert not any(p.requires_grad for p in held)
    optimized = {id(p) for active in model.active.values() for g in active.optimizer.param_groups for p in g["params"]}
    assert not optimized & {id(p) for p in held}


class Undeclared(Discriminator):
    """A network of somebody who has not read that blocks can be declared."""

    def __init__(self) -> None:
        super().__init__(feature_dim=1, sample_shape=(1, 8, 8))
        self.layer = nn.Linear(64, 1)

    def features(self, samples):
        return self.layer(samples.flatten(1))

    def head(self, features, condition=None):
        return features.squeeze(1)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["freeze_generator=7"], r"model\.updates\.freeze_generator = 7: DCGANGenerator has 2 blocks"),
        (["freeze_discriminator=3"], r"model\.updates\.freeze_discriminator = 3: DCGANDiscriminator has 2 blocks"),
        (["freeze_discriminator=0"], r"updates\.freeze_discriminator must be at least 1, or null"),
    ],
)
def test_more_blocks_than_there_are_is_refused(overrides, message):
    with pytest.raises(ValueError, match=message):
        build("dcgan", *(f"model.updates.{override}" for override in overrides))


def test_a_network_that_declares_no_blocks_cannot_be_frozen():
    with pytest.raises(ValueError, match="Undeclared declares no blocks"):
        build(
            "dcgan",
            "data.resolution=8",
            "model.generator.width=8",
            "~model.discriminator",
            "+model.discriminator._target_=tests.contract.test_freezing.Undeclared",
            "model.updates.freeze_discriminator=1",
        )

"""The state of every optimizer of torch fits a model that trains with it, until something of it is missing."""

from __future__ import annotations

import copy
from functools import partial

import pytest
import torch
from torch import Tensor, optim

from gan_lightning.models.optimizer_states import plan_optimizers
from tests.models.toys import points, train

OPTIMIZERS = {
    **{kind.__name__: partial(kind, lr=0.01) for kind in (optim.Adadelta, optim.Adafactor, optim.Adagrad, optim.Adam)},
    **{kind.__name__: partial(kind, lr=0.01) for kind in (optim.Adamax, optim.AdamW, optim.ASGD, optim.NAdam)},
    **{kind.__name__: partial(kind, lr=0.01) for kind in (optim.RAdam, optim.RMSprop, optim.Rprop, optim.SGD)},
    "momentum": partial(optim.SGD, lr=0.01, momentum=0.9),
    "amsgrad": partial(optim.Adam, lr=0.01, amsgrad=True),
    "fused": partial(optim.AdamW, lr=0.01, fused=True),
    "a rate that is a tensor": partial(optim.Adam, lr=torch.tensor(0.01)),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_what_an_optimizer_has_saved_fits_and_nothing_less_does(name):
    def model():
        return points(generator_optimizer=OPTIMIZERS[name], discriminator_optimizer=OPTIMIZERS[name])

    states = [optimizer.state_dict() for optimizer in train(model(), 2).optimizers]
    plan = plan_optimizers(model(), states)
    assert [list(plan[player]) for player in ("discriminator", "generator")] == [list(s["state"]) for s in states]
    entry = states[0]["state"].get(0, {})
    for key, value in entry.items():
        damaged = copy.deepcopy(states)
        del damaged[0]["state"][0][key]
        with pytest.raises(ValueError, match=r"the state of discriminator\.\S+ has other shapes .*, or lacks"):
            plan_optimizers(model(), damaged)
        if isinstance(value, Tensor):
            damaged[0]["state"][0][key] = torch.zeros(3, 3, 3)
            with pytest.raises(ValueError, match="has other shapes"):
                plan_optimizers(model(), damaged)
    assert bool(entry) == (name != "SGD")

"""A variant built in Python without arguments has the loss, prior, rates and ratio of its file in conf/model."""

from typing import Any

import pytest
import torch
from hydra.utils import get_class, instantiate
from torch import nn

from gan_lightning.models.two_player import PLAYERS
from tests.conftest import compose_train
from tests.contract.variants import VARIANTS

# Its class builds the paper's toy, its file the same game for images.
ELSEWHERE = {"unrolled": "experiment=ring_unrolled"}


def settings(part: Any) -> tuple[type, dict[str, Any]]:
    """Return what a loss or a prior is."""
    return type(part), {key: value for key, value in vars(part).items() if not key.startswith("_")}


def rates(optimizer: torch.optim.Optimizer) -> tuple[type, dict[str, Any]]:
    kept = ("lr", "betas", "momentum", "alpha", "eps", "weight_decay")
    group = {key: value for key, value in optimizer.defaults.items() if key in kept}
    return type(optimizer), {key: tuple(value) if key == "betas" else value for key, value in group.items()}


def settings_of_penalty(part: nn.Module) -> tuple[type, dict[str, Any]]:
    return type(part), {key: value for key, value in vars(part).items() if isinstance(value, float | int | str)}


@pytest.mark.parametrize("variant", VARIANTS)
def test_python_and_configuration_agree(variant):
    config = compose_train(ELSEWHERE.get(variant, f"model={variant}")).model
    kind = get_class(config._target_)
    bare = kind.__new__(kind)  # its networks may be those of 1024x1024 images
    nn.Module.__init__(bare)
    assert settings(bare.default_loss()) == settings(instantiate(config.loss))
    assert settings(bare.default_prior()) == settings(instantiate(config.prior))
    assert bare.default_updates().critic_steps == config.updates.critic_steps
    for player in PLAYERS:
        parameters = [nn.Parameter(torch.zeros(1))]
        ours, configured = bare.default_optimizer(player), instantiate(config[f"{player}_optimizer"])
        assert rates(ours(parameters)) == rates(configured(parameters)), player
    penalties = {name: settings_of_penalty(part) for name, part in bare.default_regularizers().items()}
    assert penalties == {name: settings_of_penalty(instantiate(part)) for name, part in config.regularizers.items()}

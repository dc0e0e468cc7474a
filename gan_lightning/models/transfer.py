"""Start a model from the weights of another one: which tensors fit, and what is copied."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from gan_lightning.models.players import PlayersModule
from gan_lightning.models.sampling import Weights

AVERAGE = "_ema"
"""Ending of the name under which a checkpoint has the average of a network: ``generator_ema`` of ``generator``."""


@dataclass(frozen=True)
class Transfer:
    """What a model's networks take from a source.

    Attributes:
        loaded: name in the model, to the tensor that is copied there.
        fresh: name in the model, to the reason why nothing is copied there.
        unused: first part of the names in the source, to the number of its tensors that are not used.
    """

    loaded: Mapping[str, Tensor]
    fresh: Mapping[str, str]
    unused: Mapping[str, int]


def plan_transfer(
    model: PlayersModule,
    state: Mapping[str, Any],
    *,
    weights: Weights = "raw",
    averages: bool = False,
    names: Mapping[str, str] | None = None,
) -> Transfer:
    """Compare the players' networks with a source, by names and shapes.

    Args:
        model: which is to start; of any device.
        state: names to tensors; what is not a tensor counts as absent.
        weights: for a network whose average the source has: take the network itself ("raw") or the average ("ema").
        averages: fill the model's averages from those of the source.
        names: name of a tensor or a module in the model, to that in the source; "" is its root. What is not named is
            called the same.

    Raises:
        ValueError: for averages that either side lacks, or a name that is not one of the model's.
    """
    tensors = {name: value for name, value in state.items() if isinstance(value, Tensor)}
    averaged = {name.partition(".")[0] for name in tensors if name.partition(".")[0].endswith(AVERAGE)}
    if weights == "ema" and not averaged:
        raise ValueError("weights = ema: there are no averages; weights=raw takes the networks themselves")
    if averages and not any(player.averages for player in model.players()):
        raise ValueError("averages = true: this model keeps no averages (model.updates.ema_halflife_kimg)")
    networks, own_averages = _named_networks(model)
    wanted = networks | (own_averages if averages else {})
    names = dict(names or {})
    unknown = [key for key in names if not any(_is_below(name, key) for name in wanted)]
    if unknown:
        raise ValueError(f"names: the model's networks have no {', '.join(unknown)}")
    loaded: dict[str, Tensor] = {}
    fresh: dict[str, str] = {}
    used = set()
    for name, here in wanted.items():
        network, _, below = name.partition(".")
        other = f"{network}{AVERAGE}.{below}" if weights == "ema" and f"{network}{AVERAGE}" in averaged else name
        other = _renamed(name, names, otherwise=other)
        there = tensors.get(other)
        if there is None:
            fresh[name] = "is not there" if other == name else f"is not there as {other}"
        elif there.shape != here.shape:
            fresh[name] = f"is {tuple(there.shape)} there and {tuple(here.shape)} here"
            used.add(other)
        else:
            loaded[name] = there
            used.add(other)
    return Transfer(loaded, fresh, Counter(name.partition(".")[0] for name in tensors if name not in used))


def copy_weights(model: PlayersModule, transfer: Transfer) -> None:
    """Copy what was planned; an average that gets nothing becomes a copy of its network."""
    own = model.state_dict()
    averages = {id(average) for player in model.players() for average in player.averages}
    of_averages = tuple(f"{name}." for name, module in model.named_modules() if id(module) in averages)
    with torch.no_grad():
        for name, tensor in transfer.loaded.items():
            if not name.startswith(of_averages):
                own[name].copy_(tensor)
        for player in model.players():
            for average, module in zip(player.averages, player.modules, strict=False):
                average.load_state_dict(module.state_dict())
        for name, tensor in transfer.loaded.items():
            if name.startswith(of_averages):
                own[name].copy_(tensor)


def _named_networks(model: PlayersModule) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Return the tensors of the players' modules, and of their averages, by their names in the model."""
    names = {id(module): name for name, module in model.named_modules()}
    modules = [module for player in model.players() for module in player.modules]
    averages = [average for player in model.players() for average in player.averages]
    networks, averaged = (
        {
            name: value
            for part in parts
            for name, value in part.state_dict(prefix=f"{names[id(part)]}.").items()
            if isinstance(value, Tensor)
        }
        for parts in (modules, averages)
    )
    return networks, averaged


def _is_below(name: str, module: str) -> bool:
    return name == module or name.startswith(f"{module}.")


def _renamed(name: str, names: Mapping[str, str], *, otherwise: str) -> str:
    """Return what a tensor is called in the source by the longest entry of ``names`` that is about it."""
    about = [key for key in names if _is_below(name, key)]
    if not about:
        return otherwise
    key = max(about, key=len)
    return (names[key] + name.removeprefix(key)).removeprefix(".")

"""Which states of optimizers fit the players of a model, and what each parameter gets of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter

from gan_lightning.models.misfits import LOADING_ERRORS
from gan_lightning.models.players import OptimizerFactory, Player, PlayersModule, trainable, with_first_values


def plan_optimizers(
    model: PlayersModule, states: Sequence[Mapping[str, Any]], *, fresh: Collection[str] = ()
) -> dict[str, dict[int, Any]]:
    """Return what each player's optimizer starts from: the state of each of its parameters, by their number.

    Args:
        model: which is to start.
        states: states of the source's optimizers, in the order of its players.
        fresh: names of the parameters that nothing is copied into; their optimizer state starts fresh as well.

    Raises:
        ValueError: if the optimizers are of another kind, or of other parameters.
    """
    players = model.players()
    if len(states) != len(players):
        raise ValueError(f"the checkpoint has {len(states)} optimizers, this model {len(players)}")
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    return {player.name: _states_of(player, state, names, fresh) for player, state in zip(players, states, strict=True)}


def _states_of(
    player: Player, state: Mapping[str, Any], names: Mapping[int, str], fresh: Collection[str]
) -> dict[int, Any]:
    held = {id(parameter) for parameter in player.held}
    parameters = [parameter for parameter in trainable(player) if id(parameter) not in held]
    factory = with_first_values(player.optimizer)
    try:
        count = sum(len(group["params"]) for group in state["param_groups"])
        entries = dict(state["state"])
    except LOADING_ERRORS as error:
        raise ValueError(f"the {player.name}'s has no param_groups or no state in the checkpoint") from error
    if count != len(parameters):
        raise ValueError(f"the {player.name}'s has {count} parameters there and {len(parameters)} here")
    if not _is_of_kind(factory, parameters, state):
        raise ValueError(f"the {player.name}'s is of another kind in the checkpoint")
    layouts: dict[torch.Size, dict[str, Any]] = {}
    kept = {}
    for number, entry in entries.items():
        if type(number) is not int or not 0 <= number < len(parameters):
            raise ValueError(f"the {player.name}'s has the state of a parameter {number!r} in the checkpoint")
        parameter = parameters[number]
        if (name := names[id(parameter)]) in fresh:
            continue
        if parameter.shape not in layouts:
            layouts[parameter.shape] = _state_after_a_step(factory, parameter)
        if not _fits(entry, layouts[parameter.shape]):
            raise ValueError(f"the state of {name} has other shapes in the checkpoint, or lacks something")
        kept[number] = entry
    return kept


def _is_of_kind(factory: OptimizerFactory, parameters: Sequence[Parameter], state: Mapping[str, Any]) -> bool:
    """Say whether an optimizer that takes over a state still has all its settings, as numbers where its own are."""
    tiny = [Parameter(torch.zeros([1] * parameter.ndim, device="cpu")) for parameter in parameters]
    optimizer = factory(tiny)
    own = [{"initial_lr": group["lr"], **group} for group in optimizer.param_groups]
    try:
        optimizer.load_state_dict({"state": {}, "param_groups": state["param_groups"]})  # adds what older torch lacked
    except LOADING_ERRORS:
        return False
    return all(
        key in group and _alike(group[key], value)
        for before, group in zip(own, optimizer.param_groups, strict=True)
        for key, value in before.items()
        if key != "params"
    )


def _alike(value: Any, own: Any) -> bool:
    """Say whether a setting can stand where an optimizer has its own: a number, several numbers, or anything else."""
    if isinstance(own, tuple | list):
        return isinstance(value, tuple | list) and len(value) == len(own) and all(map(_alike, value, own))
    return not _is_number(own) or _is_number(value)


def _state_after_a_step(factory: OptimizerFactory, parameter: Parameter) -> dict[str, Any]:
    """Return what an optimizer keeps of a parameter of this shape."""
    other = Parameter(torch.zeros(parameter.shape, device="cpu"))
    other.grad = torch.zeros_like(other)
    optimizer = factory([other])
    optimizer.step()
    return dict(optimizer.state[other])


def _fits(entry: Any, own: Mapping[str, Any]) -> bool:
    """Say whether an entry of a state has all that an optimizer keeps, in the same shapes."""
    if not isinstance(entry, Mapping) or not own.keys() <= entry.keys():
        return False
    return all(
        _is_number(entry[key])
        if _is_number(value)
        else not isinstance(value, Tensor) or (isinstance(entry[key], Tensor) and entry[key].shape == value.shape)
        for key, value in own.items()
    )


def _is_number(value: Any) -> bool:
    """Say whether a value is one number, as Python or torch has it: versions of torch differ in that."""
    return (isinstance(value, Tensor) and value.ndim == 0) or isinstance(value, int | float)

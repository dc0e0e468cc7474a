"""Every node is bound to its constructor's signature, and every problem is reported at once."""

from __future__ import annotations

import collections.abc
import typing
from typing import TYPE_CHECKING, Literal, Optional, Union

import pytest
import torch
from omegaconf import OmegaConf
from torch import nn

from gan_lightning.config import ConfigError, check_config, inspect_config, locate
from gan_lightning.config.hints import UNRESOLVED, describe, fits

if TYPE_CHECKING:
    from nowhere import Nothing

HERE = __name__


class Part:
    def __init__(self, *, width: int, rate: float = 1.0, kind: Literal["a", "b"] = "a", on: bool = False) -> None:
        if width < 0:
            raise ValueError(f"width must not be negative, got {width}")
        self.width = width


class Holder(nn.Module):
    def __init__(
        self,
        part: Part,
        *,
        net: nn.Module | None = None,
        factory: collections.abc.Callable[[int], Part] | None = None,
        widths: tuple[int, ...] = (),
        name: Optional[str] = None,  # noqa: UP045
        unknown: Nothing | None = None,
    ) -> None:
        super().__init__()
        if part.width == 13:
            raise ValueError("a holder takes no part of width 13")


class Both:
    def __init__(self, *, left: Part, right: Part, extra: dict[str, Part] | None = None) -> None:
        pass


def open_ended(first: int, *rest: int, **options: int) -> int:
    return first


def target(attribute, /, **arguments):
    return {"_target_": f"{HERE}.{attribute}", **arguments}


def messages(config) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        check_config(OmegaConf.create(config))
    return caught.value.messages


@pytest.mark.parametrize(
    "config",
    [
        target("Part", width=3, rate=1, kind="b", on=True),
        target("Part", _partial_=True),
        target("Holder", part=target("Part", width=1), widths=[1, 2], name=None),
        target("Holder", _args_=[target("Part", width=1)], net={"_target_": "torch.nn.ReLU"}),
        target("Holder", part=target("Part", width=1), factory=target("Part", _partial_=True), unknown=3),
        target("open_ended", _args_=[1, 2, 3], more=4),
        {"_target_": "torch.optim.Adam", "_partial_": True, "lr": 2e-4, "betas": [0.5, 0.999]},
        {"_target_": "lightning.Trainer", "max_epochs": 1, "precision": "bf16-mixed", "logger": False, "devices": 1},
    ],
)
def test_good_nodes_pass_at_any_depth(config):
    check_config(OmegaConf.create({"a": {"b": [config, {"c": config}]}}))


@pytest.mark.parametrize(
    ("config", "parts"),
    [
        (target("Part", width="abc"), ["x.width = 'abc'", "Part expects int"]),
        (target("Part", width=1.5), ["x.width = 1.5", "int"]),
        (target("Part", width=True), ["x.width = True", "int"]),
        (target("Part", width=1, rate="1"), ["x.rate = '1'", "float"]),
        (target("Part", width=1, on=1), ["x.on = 1", "bool"]),
        (target("Part", width=1, kind="c"), ["x.kind = 'c'", "one of 'a', 'b'"]),
        (target("Part", width=None), ["x.width = None", "int"]),
        (target("Part"), ["x.width: missing", "Part requires it"]),
        (target("Part", widht=1, width=2), ["x.widht = 1", "did you mean 'width'", "width, rate, kind, on"]),
        (target("Part", _args_=[1], width=1), ["x._args_", "at most 0"]),
        (target("Part", width=1, _recursive_=False), ["x._recursive_", "_target_, _partial_, _args_"]),
        (target("Part", width=1, _partial_="yes"), ["x._partial_ = 'yes'", "true or false"]),
        (target("Holder", part=target("Part", width=1), name=3), ["x.name = 3", "str or null"]),
        (target("Holder", part="hinge"), ["x.part = 'hinge'"]),
        (target("Holder", part=target("Part", width=1), net="relu"), ["x.net = 'relu'", "Module or null"]),
        (target("Holder", part=target("Part", width=1), net={"a": 1}), ["x.net = {'a': 1}"]),
        (target("Holder", part=target("Part", width=1), widths=[1, "b"]), ["x.widths = [1, 'b']"]),
        (target("Holder", part=target("Part", width=1), factory=3), ["x.factory = 3"]),
        (target("Holder", part={"_target_": "torch.nn.ReLU"}), ["x.part = a node with _target_=torch.nn.ReLU", "Part"]),
        (target("Both", left=target("Part", width=1), right=target("Part", width=1), extra=[]), ["x.extra = []"]),
        (
            target("Holder", part=target("Part", width=1), net={"_target_": "torch.nn.ReLU", "_partial_": True}),
            ["x.net = a _partial_ node"],
        ),
        (target("Holder", _args_=["a"]), ["x._args_[0] = 'a'"]),
        (target("Holder", _args_=[target("Part", width=1)], part=1), ["x.part", "twice"]),
        (target("Prat", width=1), ["x._target_", "has no 'Prat'", "did you mean 'Part'"]),
        ({"_target_": "torch.optin.Adam"}, ["x._target_", "torch has no 'optin'", "did you mean 'optim'"]),
        ({"_target_": "gan_lighting.losses.Hinge"}, ["no package 'gan_lighting'", "did you mean 'gan_lightning'"]),
        ({"_target_": "gan_lightning.losses.Hing"}, ["did you mean 'Hinge'"]),
        ({"_target_": "Hinge"}, ["x._target_ = 'Hinge'", "dotted name"]),
        ({"_target_": "torch.nn"}, ["it is a module"]),
        ({"_target_": 3}, ["x._target_ = 3", "dotted name"]),
    ],
)
def test_bad_nodes_are_named(config, parts):
    problems = messages({"x": config})
    assert len(problems) == 1
    for part in parts:
        assert part in problems[0]


def test_all_problems_are_reported_at_once_with_their_keys():
    config = {
        "data": {"resolution": "???", "classes": "${data.clases}"},
        "model": {
            "_target_": f"{HERE}.Both",
            "left": target("Part", width="${data.resolution}", rat=2),
            "list": [target("Part", width="w"), {"deep": target("Nope")}],
        },
        "loop": "${data.absent.deep}",
    }
    problems = messages(config)
    starts = [
        "data.resolution = ???",
        "data.classes = '${data.clases}': cannot be resolved",
        "model.left.width = '${data.resolution}'",
        "loop = '${data.absent.deep}'",
        "model.list = [",
        "model.right: missing",
        "model.left.rat = 2",
        "model.list[0].width = 'w'",
        "model.list[1].deep._target_",
    ]
    assert len(problems) == len(starts)
    for problem, start in zip(problems, starts, strict=True):
        assert problem.startswith(start)


def test_interpolations_that_go_round_in_a_circle_are_reported():
    assert messages({"a": "${b}", "b": "${a}"})
    assert messages({"a": {"b": "${a}"}})
    problems = messages({"a": {"x": "${b}"}, "b": {"y": "${a}"}})
    assert len(problems) == 2
    assert all("circle" in problem for problem in problems)


def test_an_interpolated_value_is_checked_where_it_is_used():
    problems = messages({"data": {"size": 1.5}, "x": target("Part", width="${data.size}")})
    assert problems == ["x.width = 1.5: Part expects int; set data.size"]
    assert messages({"x": target("Part", width="${.kind}", kind="b")}) == ["x.width = 'b': Part expects int"]


def test_the_config_is_left_as_it_was():
    config = OmegaConf.create({"n": 3, "x": target("Part", width="${n}")})
    before = OmegaConf.to_yaml(config)
    check_config(config)
    assert OmegaConf.to_yaml(config) == before


class Shape(typing.Protocol):
    def area(self) -> float: ...


@pytest.mark.parametrize(
    ("value", "hint", "expected"),
    [
        (3, float, True),
        (3.0, int, False),
        (False, float, False),
        (1, Literal[True], False),
        ([1, 2], tuple[int, int], True),
        ([1, 2, 3], tuple[int, int], False),
        ("ab", collections.abc.Sequence[str], False),
        (["a"], collections.abc.Iterable[str], True),
        ({"a": 1}, collections.abc.Mapping[str, int], True),
        ({"a": "b"}, dict[str, int], False),
        (None, Union[int, None], True),  # noqa: UP007
        ("cpu", torch.device, True),
        (3, Shape, True),
        ([1], list, True),
        ({}, list, False),
        (UNRESOLVED, int, True),
        ("x", typing.Annotated[int, "unit"], False),
        ("1e-4", float | torch.Tensor, False),
        ({"_target_": f"{HERE}.Part", "_partial_": True}, collections.abc.Callable[..., Part], True),
        ({"_target_": "torch.nn.ReLU", "_partial_": True}, collections.abc.Callable[..., Part], False),
        ({"_target_": f"{HERE}.open_ended", "_partial_": True}, collections.abc.Callable[..., Part], True),
        ({"_target_": f"{HERE}.Part", "_partial_": True}, collections.abc.Callable[..., Shape], True),
        ({"_target_": "torch.nn.ReLU"}, collections.abc.Callable[..., torch.Tensor], True),
        ({"_target_": f"{HERE}.Part", "width": 1}, collections.abc.Callable[..., Part], False),
        ({"_target_": f"{HERE}.open_ended"}, collections.abc.Callable[..., Part], True),
        ({"_target_": f"{HERE}.Part", "_partial_": True}, collections.abc.Callable, True),
    ],
)
def test_fits(value, hint, expected):
    assert fits(value, hint) is expected


def test_describe_speaks_of_null_and_choices():
    assert describe(int | Literal["all"] | None) == "int or 'all' or null"


def test_locate_tells_a_missing_dependency_from_a_wrong_name(tmp_path, monkeypatch):
    (tmp_path / "needs_more.py").write_text("import a_package_that_is_not_there\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(LookupError, match=r"importing needs_more fails: .*a_package_that_is_not_there"):
        locate("needs_more.Thing", trust=True)
    assert locate("collections.OrderedDict.fromkeys", trust=True)([1]) == {1: None}


def test_a_good_config_comes_back_resolved_without_hydras_settings():
    config = OmegaConf.create({"n": 3, "x": target("Part", width="${n}"), "hydra": {"job": "???"}, "none": None})
    assert check_config(config) == {"n": 3, "x": target("Part", width=3), "none": None}


def test_what_is_right_in_a_bad_config_can_be_used():
    config, problems = inspect_config(OmegaConf.create({"a": [1, "${b}"], "b": "???", "c": {"d": 2}}))
    assert config == {"a": [1, UNRESOLVED], "b": UNRESOLVED, "c": {"d": 2}}
    assert [problem.partition(" =")[0] for problem in problems] == ["a[1]", "b"]


def test_interpolations_that_make_a_config_endless_are_reported():
    levels = {f"x{depth}": [f"${{x{depth + 1}}}"] * 4 for depth in range(30)}
    (problem,) = messages({**levels, "x30": 1})
    assert "the config has more than 10000 values" in problem


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (10**40, f"x.width = {10**40}: must fit into 64 bits"),
        (2**63, f"x.width = {2**63}: must fit into 64 bits"),
        (-(2**63) - 1, f"x.width = {-(2**63) - 1}: must fit into 64 bits"),
        (float("nan"), "x.width = nan: must be a number"),
        ("a\0b", r"x.width = 'a\x00b': must not contain a null character"),
        ("caf\udce9", r"x.width = 'caf\udce9': must be text in UTF-8"),
    ],
)
def test_values_that_no_part_can_use_are_refused_once(value, problem):
    assert messages({"x": target("Part", width=value)}) == [problem]


def test_extreme_values_that_parts_may_use_are_left_to_them():
    check_config(OmegaConf.create({"a": [2**63 - 1, -(2**63), float("inf"), "ü💥\n", 1e-300]}))


def test_a_part_in_a_place_of_another_kind_is_named():
    config = {
        "data": target("Part", width=1),
        "model": {"_target_": "torch.nn.ReLU"},
        "factory": target("Part", width=1),
        "parts": {"a": target("Part", width=1), "b": {"_target_": "torch.nn.ReLU"}, "c": None},
        "rest": target("Part", width=1),
    }
    kinds = {"data": Part, "model": Part, "parts.*": Part, "absent": Part, "nothing.*": Part}
    with pytest.raises(ConfigError) as caught:
        check_config(OmegaConf.create(config), kinds={"factory": collections.abc.Callable[..., Part], **kinds})
    assert caught.value.messages == [
        f"factory = a node with _target_={HERE}.Part: expected Callable[..., {HERE}.Part]",
        "model = a node with _target_=torch.nn.ReLU: expected Part",
        "parts.b = a node with _target_=torch.nn.ReLU: expected Part",
    ]


def test_keys_that_are_no_text_are_reported():
    problems = messages({"x": {**target("Part", width=1), 3: 4}})
    assert problems == ["x.3 = 4: Part has no argument 3. Allowed: width, rate, kind, on"]

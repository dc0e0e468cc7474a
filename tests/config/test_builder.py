"""Configs become objects; those of a checkpoint only out of parts that are known to be harmless."""

from __future__ import annotations

import functools
import importlib.util
from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from omegaconf import OmegaConf
from torch import nn

from gan_lightning.config import ConfigError
from gan_lightning.config.builder import build, build_all, node_of
from gan_lightning.config.locate import DEFAULT_ALLOW, PART_ROOMS, locate

HERE = __name__
PACKAGE = HERE.partition(".")[0]
CALLS: list[object] = []


class Recorder:
    def __init__(self, *args: object, **kwargs: object) -> None:
        CALLS.append(args)
        self.args, self.kwargs = args, kwargs


class Fussy:
    def __init__(self, *, error: str) -> None:
        raise {"value": ValueError("width must be positive"), "key": KeyError("width")}[error]


class Own(nn.Module):
    pass


class Part:
    def __init__(self, *, width: int) -> None:
        if width < 0:
            raise ValueError(f"width must not be negative, got {width}")
        self.width = width
        self.share = 12 // width


class Pair(nn.Module):
    def __init__(self, *, left: object, right: object = None) -> None:
        super().__init__()
        if getattr(left, "width", 0) == 13:
            raise ValueError("a pair takes no part of width 13")


class Reader(nn.Module):
    def __init__(self, *, how: str) -> None:
        super().__init__()
        weight = torch.ones(1)
        if how == "item":
            weight.item()
        elif how == "numpy":
            weight.numpy()
        elif how == "file":
            raise FileNotFoundError("no folder /data/faces")
        else:
            raise KeyError(how)


@pytest.fixture(autouse=True)
def _no_calls():
    CALLS.clear()


def test_parts_are_built_children_first():
    built = build(
        {
            "net": {
                "_target_": "torch.nn.Sequential",
                "_args_": [
                    {"_target_": "torch.nn.Linear", "in_features": 3, "out_features": 2},
                    {"_target_": "torch.nn.ReLU"},
                ],
            },
            "loss": {"_target_": "gan_lightning.losses.Hinge"},
            "rate": [1, None, "a"],
        }
    )
    assert built["net"](torch.zeros(4, 3)).shape == (4, 2)
    assert type(built["loss"]).__name__ == "Hinge"
    assert built["rate"] == [1, None, "a"]


def test_a_partial_waits_for_the_rest():
    factory = build({"_target_": "torch.optim.Adam", "_partial_": True, "lr": 0.5})
    assert isinstance(factory, functools.partial)
    assert factory([nn.Parameter(torch.zeros(1))]).defaults["lr"] == 0.5


def test_what_is_built_remembers_its_node():
    own = {"_target_": f"{HERE}.Part", "width": 3}
    updates = {
        "_target_": "gan_lightning.models.UpdateRule",  # a frozen dataclass
        "generator_schedule": {"_target_": "gan_lightning.core.schedules.Linear", "final": 0.5},
    }
    factory = {"_target_": "torch.optim.Adam", "_partial_": True, "lr": 0.1, "betas": [0.5, 0.9]}
    network = {"_target_": "torch.nn.Sequential", "_args_": [{"_target_": "torch.nn.Linear", "_args_": [2, 3]}]}
    nodes = {"own": own, "updates": updates, "factory": factory, "network": network}
    built = build_all(nodes, trust=True)
    for key, node in nodes.items():
        assert node_of(built[key]) == node
    assert node_of(built["updates"].generator_schedule) == updates["generator_schedule"]
    assert node_of(built["network"][0]) == {"_target_": "torch.nn.Linear", "_args_": [2, 3]}
    own["width"] = 4
    assert node_of(built["own"]) == {"_target_": f"{HERE}.Part", "width": 3}
    resolved = OmegaConf.create({"width": 5, "part": {"_target_": f"{HERE}.Part", "width": "${width}"}})
    assert node_of(build(resolved.part, trust=True)) == {"_target_": f"{HERE}.Part", "width": 5}
    for part in (Part(width=3), nn.Linear(2, 3), functools.partial(torch.optim.Adam), None, 3, "text", [1], Part):
        assert node_of(part) is None


def test_a_part_without_attributes_is_built_all_the_same():
    fraction = build({"_target_": "fractions.Fraction", "_args_": [1, 3]}, trust=True)
    assert fraction == Fraction(1, 3)
    assert node_of(fraction) is None
    assert build({"_target_": f"{HERE}.give_part"}, trust=True) is Part
    assert node_of(Part) is None


def give_part() -> type:
    return Part


def test_omegaconf_nodes_are_resolved_within_their_root():
    cfg = OmegaConf.create(
        {"size": 5, "net": {"_target_": "torch.nn.Linear", "in_features": "${size}", "out_features": 1}}
    )
    assert build(cfg.net, key="net").in_features == 5


def test_interpolations_in_plain_configs_stay_strings(monkeypatch):
    monkeypatch.setenv("SECRET", "x")
    assert build({"a": "${oc.env:SECRET}"}) == {"a": "${oc.env:SECRET}"}


def test_the_node_is_left_as_it_was():
    node = {"_target_": "torch.nn.Linear", "_args_": [1, 2], "bias": False}
    build(node)
    assert node == {"_target_": "torch.nn.Linear", "_args_": [1, 2], "bias": False}


@pytest.mark.parametrize(
    "target",
    [
        "os.system",
        "posix.system",
        "builtins.eval",
        "builtins.exec",
        "subprocess.Popen",
        "functools.partial",
        "importlib.import_module",
        "hydra.utils.instantiate",
        "hydra.utils.get_method",
        "pickle.loads",
        "torchmetrics.Metric",
        # through an allowed package to somewhere else
        "torch.os.system",
        "torch.sys.exit",
        "torch.nn.modules.module.functools.partial",
        "torch.optim.optimizer.functools.partial",
        "torch.nn.init.math.sqrt",
        "torchvision.os.system",
        "torchvision.utils.pathlib.Path",
        "lightning.pytorch.trainer.trainer.os.remove",
        "gan_lightning.core.torchvision_guard.sys.exit",
        "gan_lightning.models.priors.np.fromfile",
        "gan_lightning.models.priors.torch.load",
        "gan_lightning.core.schedules.math.os.system",
        "gan_lightning.data.digits.torch.hub.load",
        # what allowed packages themselves can do
        "torch.load",
        "torch.save",
        "torch.compile",
        "torch.from_file",
        "torch.hub.load",
        "torch.hub.download_url_to_file",
        "torch.serialization.load",
        "torch.jit.load",
        "torch.jit.ScriptModule",
        "torch.jit.trace",
        "torch.package.PackageImporter",
        "torch.utils.cpp_extension.load",
        "torch.utils.cpp_extension.load_inline",
        "torch.utils.data.DataLoader",
        "torch.utils.model_zoo.load_url",
        "torch.fx.GraphModule",
        "torch.distributed.nn.RemoteModule",
        "torch.distributed.rpc.rpc_sync",
        "torch.ops.load_library",
        "torch.classes.load_library",
        "torch.nn.init.normal_",
        "torch.nn.functional.relu",
        "torchvision.io.write_file",
        "torchvision.datasets.utils.download_url",
        "torchvision.datasets.ImageFolder",
        "torchvision.models.resnet18",
        "lightning.Trainer",
        "lightning.pytorch.cli.LightningCLI",
        "lightning.pytorch.core.saving.load_hparams_from_yaml",
        # our own programs, and building without judging
        "gan_lightning.config.build",
        "gan_lightning.config.builder.build",
        "gan_lightning.config.builder.build_all",
        "gan_lightning.config.locate",
        "gan_lightning.config.locate.locate",
        "gan_lightning.cli.train.main",
        "gan_lightning.core.atomic.anything",
        "gan_lightning.data.load_digits",
        "gan_lightning.data.digits.load_digits",
        # not the name of a class or function
        "torch",
        "torch.nn",
        "torch.nn.Linear.__init__",
        "torch.nn.Linear.load_state_dict",
        "torch.nn.Module.__subclasses__",
        "torch.__builtins__.eval",
        "gan_lightning.__loader__",
        "torch..load",
        "",
        ".",
        "torch.nn.Linear()",
        "torch.nn .Linear",
        3,
        None,
        ["os.system"],
    ],
)
def test_attacks_are_refused_before_anything_is_built(target):
    node = {"first": {"_target_": f"{HERE}.Recorder"}, "second": {"_target_": target, "_args_": ["true"]}}
    with pytest.raises(ConfigError) as caught:
        build(node, key="model", allow={*DEFAULT_ALLOW, PACKAGE})
    assert any(m.startswith(f"model.second._target_ = {target!r}: ") for m in caught.value.messages)
    assert CALLS == []


def test_an_attack_cannot_hide_in_another_nodes_arguments():
    for hidden in ({"_args_": [{"_target_": "os.system"}]}, {"x": [[{"y": {"_target_": "os.system"}}]]}):
        node = {"_target_": "torch.nn.Identity", **hidden}
        with pytest.raises(ConfigError, match=r"os\.system"):
            build(node)
    with pytest.raises(ConfigError, match=r"os\.system"):  # two nodes that are written with the same dotted key
        build({"a": {"b": {"_target_": "torch.nn.ReLU"}}, "a.b": {"_target_": "os.system"}})
    same_key = {"a.b": {"kept": 1}, "a": {"b": {"_target_": "torch.nn.ReLU"}}}
    assert build(same_key)["a.b"] == {"kept": 1}


def test_a_refusal_names_target_key_and_flag():
    with pytest.raises(ConfigError) as caught:
        build({"a": [{"_target_": "torch.os.system"}], "b": {"_target_": "nowhere.Thing"}}, key="model")
    first, second = caught.value.messages
    assert first.startswith("model.a[0]._target_ = 'torch.os.system'")
    assert "torch.os is not a module of torch" in first
    assert second.startswith("model.b._target_ = 'nowhere.Thing'")
    assert "gan_lightning, lightning, torch, torchvision" in second
    assert "trust=true" in first
    assert "trust=true" in second


@pytest.mark.parametrize(
    "target",
    [
        "gan_lightning.losses.Hinge",
        "gan_lightning.losses.base.AdversarialLoss",
        "gan_lightning.models.priors.Normal",
        "gan_lightning.core.schedules.Linear",
        "torch.nn.Linear",
        "torch.nn.modules.linear.Linear",
        "torch.optim.Adam",
        "torch.optim.lr_scheduler.LambdaLR",
        "torchvision.ops.Conv2dNormActivation",
        "torchvision.models.ResNet",
        "lightning.LightningModule",
        "lightning.pytorch.LightningDataModule",
    ],
)
def test_parts_are_allowed(target):
    assert locate(target).__name__ == target.rpartition(".")[2]


def test_the_rooms_of_parts_exist():
    assert [room for room in PART_ROOMS if importlib.util.find_spec(f"gan_lightning.{room}") is None] == []


def test_trust_builds_whatever_is_named():
    built = build(
        {"_target_": f"{HERE}.Recorder", "_args_": [1], "x": {"_target_": "builtins.dict", "a": 2}}, trust=True
    )
    assert (built.args, built.kwargs) == ((1,), {"x": {"a": 2}})
    with pytest.raises(ConfigError, match=r"m\._target_ = 'os.sistem': os has no 'sistem'; did you mean 'system'"):
        build({"_target_": "os.sistem"}, trust=True, key="m")


def test_more_packages_can_be_allowed_but_only_their_parts():
    assert isinstance(build({"_target_": f"{HERE}.Own"}, allow={PACKAGE}), Own)
    with pytest.raises(ConfigError, match="not a module, optimizer"):
        build({"_target_": f"{HERE}.Recorder"}, allow={PACKAGE})
    with pytest.raises(ConfigError, match="not in one of the packages"):
        build({"_target_": "torch.nn.ReLU"}, allow={PACKAGE})


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ({"_recursive_": False}, "net._recursive_: special keys are _target_, _partial_, _args_"),
        ({"_partial_": 1}, "net._partial_ = 1: expected true or false"),
        ({"_args_": "ab"}, "net._args_ = 'ab': expected a list"),
    ],
)
@pytest.mark.parametrize("trust", [False, True])
def test_special_keys_are_checked(extra, message, trust):
    with pytest.raises(ConfigError) as caught:
        build({"_target_": "torch.nn.ReLU", **extra}, key="net", trust=trust)
    assert caught.value.messages == [message]


def test_arguments_of_an_untrusted_config_are_compared_with_the_signature_before_anything_is_built():
    layer = {"_target_": "torch.nn.Linear", "in_features": "many", "out_features": 2, "in_feature": 1}
    with pytest.raises(ConfigError) as caught:
        build({"parts": [layer, {"_target_": "gan_lightning.models.UpdateRule", "critic_steps": "often"}]}, key="net")
    assert sorted(message.partition(":")[0] for message in caught.value.messages) == [
        "net.parts[0].in_feature = 1",
        "net.parts[0].in_features = 'many'",
        "net.parts[1].critic_steps = 'often'",
    ]


def test_a_constructors_refusal_names_the_key():
    node = {"parts": [{"_target_": f"{HERE}.Fussy", "error": "value"}]}
    with pytest.raises(ConfigError, match=r"model\.parts\[0\]: width must be positive") as caught:
        build(node, trust=True, key="model")
    assert isinstance(caught.value.__cause__, ValueError)
    with pytest.raises(ConfigError, match=r"net: .*unexpected keyword argument 'in_feature'"):
        build({"_target_": "torch.nn.Linear", "in_feature": 1}, trust=True, key="net")
    with pytest.raises(KeyError) as other:
        build({"_target_": f"{HERE}.Fussy", "error": "key"}, trust=True, key="net")
    assert other.value.__notes__ == [f"while building net ({HERE}.Fussy)"]


def test_endless_nesting_is_refused():
    node: dict[str, object] = {}
    node["again"] = node
    with pytest.raises(ConfigError, match="deep"):
        build(node)


_plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@given(_plain)
def test_a_config_without_targets_comes_back_equal(value):
    assert build(value) == value


def _part(attribute: str, /, **arguments: object) -> dict[str, object]:
    return {"_target_": f"{HERE}.{attribute}", **arguments}


def _refused(nodes: dict[str, object], **options: bool) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        build_all(nodes, trust=True, **options)
    return caught.value.messages


@pytest.mark.parametrize("rehearse", [False, True])
def test_what_constructors_refuse_is_gathered_over_all_nodes(rehearse):
    nodes = {
        "data": _part("Part", width=-1),
        "model": _part("Pair", left=_part("Part", width=-2), right=_part("Pair", left=_part("Part", width=13))),
        "evaluator": {"parts": [_part("Part", width=-1), _part("Part", width=0), _part("Reader", how="file")]},
    }
    assert _refused(nodes, rehearse=rehearse) == [
        "data, evaluator.parts[0]: width must not be negative, got -1",
        "model.left: width must not be negative, got -2",
        "model.right: a pair takes no part of width 13",
        "evaluator.parts[1]: integer division or modulo by zero",
        "evaluator.parts[2]: no folder /data/faces",
    ]
    assert _refused({"data": nodes["data"]}, rehearse=rehearse) == ["data: width must not be negative, got -1"]


def test_several_nodes_are_built_in_their_order():
    built = build_all({"b": _part("Recorder", x=1), "a": _part("Recorder", x=2), "c": None}, trust=True)
    assert list(built) == ["b", "a", "c"]
    assert (built["b"].kwargs, built["a"].kwargs, built["c"]) == ({"x": 1}, {"x": 2}, None)


def test_a_node_that_stands_in_two_places_is_built_twice():
    shared = {"_target_": "torch.nn.Linear", "in_features": 1, "out_features": 1}
    first, second = build({"a": [shared, shared]})["a"]
    assert first is not second


@pytest.mark.parametrize("how", ["item", "numpy"])
def test_what_only_the_meta_device_refuses_is_no_problem(how):
    nodes = {"model": _part("Pair", left=_part("Reader", how=how)), "data": _part("Part", width=1)}
    assert list(build_all(nodes, trust=True, rehearse=True)) == ["data"]
    assert list(build_all(nodes, trust=True)) == ["model", "data"]


def test_what_lightning_refuses_is_said():
    node = {"_target_": "lightning.pytorch.callbacks.EarlyStopping", "monitor": "loss", "mode": "lowest"}
    with pytest.raises(ConfigError, match=r"callbacks\.stop: `mode` can be .*, got lowest"):
        build_all({"callbacks.stop": node}, trust=True)


def test_what_torch_refuses_of_numbers_is_said_when_it_is_built():
    nodes = {"net": {"_target_": "torch.nn.Linear", "in_features": -3, "out_features": 1}}
    with pytest.raises(ConfigError, match=r"net: .*negative dimension -3"):
        build_all(nodes)


@pytest.mark.parametrize("rehearse", [False, True])
def test_bugs_are_not_hidden(rehearse):
    with pytest.raises(KeyError) as caught:
        build_all({"data": _part("Reader", how="other")}, trust=True, rehearse=rehearse)
    assert "while building data" in caught.value.__notes__[0]


def test_a_rehearsal_takes_no_memory_and_leaves_the_random_state():
    state = torch.get_rng_state()
    node = {"_target_": "torch.nn.Linear", "in_features": 10**6, "out_features": 10**6}
    net = build_all({"net": node}, rehearse=True)["net"]
    assert net.weight.device.type == "meta"
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.empty(0).device.type == "cpu"


@pytest.mark.parametrize("rehearse", [False, True])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"lr": -1}, "Invalid learning rate: -1"),
        ({"lr": float("nan")}, "Invalid learning rate: nan"),
        ({"betas": [2, 3]}, "Invalid beta parameter at index 0: 2"),
        ({"fused": True, "foreach": True}, "`fused` and `foreach` cannot be `True` together."),
    ],
)
def test_a_factory_of_optimizers_is_tried(rehearse, arguments, message):
    factory = {"_target_": "torch.optim.Adam", "_partial_": True, **arguments}
    with pytest.raises(ConfigError) as caught:
        build_all({"model": {"optimizer": factory}, "other": _part("Part", width=-1)}, trust=True, rehearse=rehearse)
    assert caught.value.messages == [f"model.optimizer: {message}", "other: width must not be negative, got -1"]


@pytest.mark.parametrize("optimizer", ["AdamW", "SGD", "RMSprop", "Muon", "LBFGS"])
def test_a_factory_of_optimizers_is_handed_on_after_its_trial(optimizer):
    node = {"_target_": f"torch.optim.{optimizer}", "_partial_": True, "lr": 0.5}
    factory = build_all({"a": node}, rehearse=True)["a"]
    assert factory.keywords == {"lr": 0.5}
    assert factory([nn.Parameter(torch.zeros(1, 1))]).param_groups[0]["lr"] == 0.5


@pytest.mark.parametrize("trust", [False, True])
def test_a_config_too_large_is_refused_before_anything_is_looked_at(trust):
    shared: list[object] = [{"_target_": f"{HERE}.Recorder"}]
    for _ in range(30):
        shared = [shared, shared]
    with pytest.raises(ConfigError, match="model: the config has more than 10000 values"):
        build({"_target_": "os.system", "_args_": shared}, key="model", trust=trust)
    with pytest.raises(ConfigError, match="more than 10000 values"):
        build([0] * 10**6)
    assert len(build([0] * 9_999)) == 9_999
    assert CALLS == []

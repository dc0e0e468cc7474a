"""Configs become objects; those of a checkpoint only out of parts that are known to be harmless."""

from __future__ import annotations

import functools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from omegaconf import OmegaConf
from torch import nn

from gan_lightning.config import ConfigError
from gan_lightning.config.builder import DEFAULT_ALLOW, PART_ROOMS, instantiate, locate_part

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


@pytest.fixture(autouse=True)
def _no_calls():
    CALLS.clear()


def test_parts_are_built_children_first():
    built = instantiate(
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
    factory = instantiate({"_target_": "torch.optim.Adam", "_partial_": True, "lr": 0.5})
    assert isinstance(factory, functools.partial)
    assert factory([nn.Parameter(torch.zeros(1))]).defaults["lr"] == 0.5


def test_omegaconf_nodes_are_resolved_within_their_root():
    cfg = OmegaConf.create(
        {"size": 5, "net": {"_target_": "torch.nn.Linear", "in_features": "${size}", "out_features": 1}}
    )
    assert instantiate(cfg.net, key="net").in_features == 5


def test_interpolations_in_plain_configs_stay_strings(monkeypatch):
    monkeypatch.setenv("SECRET", "x")
    assert instantiate({"a": "${oc.env:SECRET}"}) == {"a": "${oc.env:SECRET}"}


def test_the_node_is_left_as_it_was():
    node = {"_target_": "torch.nn.Linear", "_args_": [1, 2], "bias": False}
    instantiate(node)
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
        "gan_lightning.config.builder.instantiate",
        "gan_lightning.config.builder.locate_part",
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
        instantiate(node, key="model", allow={*DEFAULT_ALLOW, PACKAGE})
    assert any(m.startswith(f"model.second._target_ = {target!r}: ") for m in caught.value.messages)
    assert CALLS == []


def test_an_attack_cannot_hide_in_another_nodes_arguments():
    for hidden in ({"_args_": [{"_target_": "os.system"}]}, {"x": [[{"y": {"_target_": "os.system"}}]]}):
        node = {"_target_": "torch.nn.Identity", **hidden}
        with pytest.raises(ConfigError, match=r"os\.system"):
            instantiate(node)
    with pytest.raises(ConfigError, match=r"os\.system"):  # two nodes that are written with the same dotted key
        instantiate({"a": {"b": {"_target_": "torch.nn.ReLU"}}, "a.b": {"_target_": "os.system"}})
    same_key = {"a.b": {"kept": 1}, "a": {"b": {"_target_": "torch.nn.ReLU"}}}
    assert instantiate(same_key)["a.b"] == {"kept": 1}


def test_a_refusal_names_target_key_and_flag():
    with pytest.raises(ConfigError) as caught:
        instantiate({"a": [{"_target_": "torch.os.system"}], "b": {"_target_": "nowhere.Thing"}}, key="model")
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
    assert locate_part(target).__name__ == target.rpartition(".")[2]


def test_the_rooms_of_parts_exist():
    import gan_lightning

    (root,) = gan_lightning.__path__
    import pkgutil

    assert {module.name for module in pkgutil.iter_modules([root])} >= PART_ROOMS


def test_trust_builds_whatever_is_named():
    built = instantiate(
        {"_target_": f"{HERE}.Recorder", "_args_": [1], "x": {"_target_": "builtins.dict", "a": 2}}, trust=True
    )
    assert (built.args, built.kwargs) == ((1,), {"x": {"a": 2}})
    with pytest.raises(ConfigError, match=r"m\._target_ = 'os.sistem': os has no 'sistem'; did you mean 'system'"):
        instantiate({"_target_": "os.sistem"}, trust=True, key="m")


def test_more_packages_can_be_allowed_but_only_their_parts():
    assert isinstance(instantiate({"_target_": f"{HERE}.Own"}, allow={PACKAGE}), Own)
    with pytest.raises(ConfigError, match="no module, optimizer"):
        instantiate({"_target_": f"{HERE}.Recorder"}, allow={PACKAGE})
    with pytest.raises(ConfigError, match="not in one of the packages"):
        instantiate({"_target_": "torch.nn.ReLU"}, allow={PACKAGE})


@pytest.mark.parametrize("extra", [{"_recursive_": False}, {"_partial_": 1}, {"_args_": "ab"}])
@pytest.mark.parametrize("trust", [False, True])
def test_special_keys_are_checked(extra, trust):
    with pytest.raises(ConfigError, match="special keys"):
        instantiate({"_target_": "torch.nn.ReLU", **extra}, trust=trust)


def test_a_constructors_refusal_names_the_key():
    node = {"parts": [{"_target_": f"{HERE}.Fussy", "error": "value"}]}
    with pytest.raises(ConfigError, match=r"model\.parts\[0\]: width must be positive") as caught:
        instantiate(node, trust=True, key="model")
    assert isinstance(caught.value.__cause__, ValueError)
    with pytest.raises(ConfigError, match=r"net: .*unexpected keyword argument 'in_feature'"):
        instantiate({"_target_": "torch.nn.Linear", "in_feature": 1}, key="net")
    with pytest.raises(KeyError) as other:
        instantiate({"_target_": f"{HERE}.Fussy", "error": "key"}, trust=True, key="net")
    assert other.value.__notes__ == [f"while building net ({HERE}.Fussy)"]


def test_endless_nesting_is_refused():
    node: dict[str, object] = {}
    node["again"] = node
    with pytest.raises(ConfigError, match="deep"):
        instantiate(node)


_plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@given(_plain)
def test_a_config_without_targets_comes_back_equal(value):
    assert instantiate(value) == value

"""What is private in the libraries below is used in one module for each, where its reason stands."""

from __future__ import annotations

import ast
import functools
import importlib
from pathlib import Path

import lightning
import pytest
import torch
from hydra.core.config_store import ConfigStore
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger, WandbLogger
from lightning.pytorch.strategies import DDPStrategy
from omegaconf import DictConfig, ListConfig

ROOT = Path(__file__).parents[2]
SOURCES = sorted([*ROOT.glob("gan_lightning/**/*.py"), *ROOT.glob("hydra_plugins/**/*.py")])
LIBRARIES = {"torch", "torchvision", "lightning", "hydra", "omegaconf", "wandb", "datasets"}


def is_private(name):
    return name.startswith("_") and not name.endswith("__")


def of_library(kind):
    return kind.__module__.partition(".")[0] in LIBRARIES


@functools.cache
def samples():
    """Objects of the libraries, with the attributes that their constructors make."""
    from wandb import Settings

    return [
        *(torch, torch.zeros(1), torch.nn.Conv2d(1, 1, 1), torch.nn.BatchNorm2d(1), torch.amp.GradScaler("cpu")),
        *(torch.optim.Adam([torch.zeros(1)]), lightning.LightningModule(), lightning.LightningDataModule()),
        *(lightning.Trainer(accelerator="cpu", logger=False, enable_checkpointing=False), DDPStrategy()),
        *(lightning.Callback(), CSVLogger("unused"), TensorBoardLogger("unused"), WandbLogger(offline=True)),
        *(Settings(), ConfigStore, DictConfig({}), ListConfig([])),
    ]


def private_names(kind=None):
    """Return names that objects of the libraries have, or those among them that a class ``kind`` inherits from."""
    bases = [] if kind is None else [base for base in kind.__mro__ if of_library(base)]
    objects = samples() if kind is None else [*bases, *(one for one in samples() if isinstance(one, tuple(bases)))]
    return {name for one in objects for name in dir(one) if is_private(name)}


def own_names(trees):
    """Private names that the package itself gives to something."""
    names = set()
    for node in (node for tree in trees for node in ast.walk(tree)):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store):
            names.add(node.id if isinstance(node, ast.Name) else node.attr)
    return names


def uses(tree, ours, namespace):
    """Yield the line and the text of each use of something private.

    Args:
        tree: of a module.
        ours: names that the package gives.
        namespace: of the module, with its classes.
    """
    inherited = {}  # node to the private names that the class around it inherits from a library
    for definition in tree.body:
        if isinstance(definition, ast.ClassDef):
            names = private_names(namespace[definition.name])
            inherited |= dict.fromkeys(ast.walk(definition), names)
    for node in ast.walk(tree):
        text, names = "", []
        if isinstance(node, ast.Import):
            text, names = ast.unparse(node), [part for alias in node.names for part in alias.name.split(".")]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            text, names = ast.unparse(node), [*str(node.module).split("."), *(alias.name for alias in node.names)]
        elif isinstance(node, ast.FunctionDef) and node.name in inherited.get(node, ()):
            yield node.lineno, f"def {node.name}"
        elif isinstance(node, ast.Attribute) and is_private(node.attr):
            on_self = isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")
            theirs = inherited.get(node, set()) if on_self else private_names()
            if node.attr in theirs or node.attr not in ours:
                yield node.lineno, ast.unparse(node)
        if names and names[0] in LIBRARIES and any(map(is_private, names)):
            yield node.lineno, text


def module_of(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return importlib.import_module(".".join(parts[:-1] if parts[-1] == "__init__" else parts))


NOT_THEIRS = {"_make", "_replace", "_fields", "_exit", "_target_"}
"""Of named tuples, of ``os``, and a key of configs."""


def test_nothing_private_is_used_elsewhere():
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in SOURCES}
    ours = own_names(trees.values()) | NOT_THEIRS
    found = {path: list(uses(tree, ours, vars(module_of(path)))) for path, tree in trees.items()}
    elsewhere = [
        f"{path.relative_to(ROOT)}:{line}: {text}"
        for path, lines in found.items()
        if not path.name.endswith("_internals.py")
        for line, text in lines
    ]
    assert elsewhere == []
    modules = {path.name: lines for path, lines in found.items() if path.name.endswith("_internals.py")}
    assert all(modules.pop(name) for name in ("torch_internals.py", "lightning_internals.py", "hydra_internals.py"))
    assert modules.keys() == {"wandb_internals.py", "datasets_internals.py"}


@pytest.mark.parametrize(
    "code",
    [
        "import torch._dynamo",
        "from torch import _dynamo",
        "from lightning.fabric._x import y",
        "from hydra._internal import y",
        "trainer._checkpoint_connector.dump_checkpoint()",
        "thread._finished = True",
        "module._parameters",
        "tensor._version",
        "class A(Module):\n    def _load_from_state_dict(self): ...",
        "class A(Module):\n    def f(self):\n        self._buffers = {}",
        "class A(Logger):\n    def close(self):\n        self._experiment = None",
    ],
)
def test_the_test_above_finds(code):
    namespace = {"A": type("A", (TensorBoardLogger if "Logger" in code else torch.nn.Module,), {})}
    assert list(uses(ast.parse(code), {"_own", "_buffers", "_experiment"}, namespace))


def test_the_test_above_lets_pass_what_is_ours():
    code = "other._own\nimport _thread\nfrom torch import nn\nx.__dict__\n"
    code += "class A:\n    def f(self):\n        self._own = self._buffers"
    assert not list(uses(ast.parse(code), {"_own", "_buffers"}, {"A": object}))

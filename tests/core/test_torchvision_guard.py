import subprocess
import sys
from importlib.machinery import PathFinder
from pathlib import Path

import pytest
import torch

from gan_lightning.core import torchvision_guard as _torchvision
from gan_lightning.core.torchvision_guard import declare_missing_operators, guard


def fresh_python(program):
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    return result.stdout.split()


def test_importing_the_package_imports_nothing_heavy():
    loaded = fresh_python("import gan_lightning, sys; print(*sys.modules)")
    assert "gan_lightning" in loaded
    assert not {"torch", "lightning", "torchvision", "hydra", "wandb", "numpy"} & set(loaded)


@pytest.mark.slow
def test_lightning_and_torchvision_import_afterward():
    loaded = fresh_python(
        "import gan_lightning, sys\nimport lightning, torchvision\n"
        "from torchvision.transforms import v2\nprint(*sys.modules)"
    )
    assert {"lightning", "torchvision"} <= set(loaded)


@pytest.fixture
def defined(monkeypatch):
    """Schemas that would have been declared; none is, since this process has them already."""
    schemas = []

    class Library:
        def __init__(self, namespace, kind):
            assert (namespace, kind) == ("torchvision", "DEF")

        def define(self, schema):
            schemas.append(schema.partition("(")[0])

    monkeypatch.setattr(torch.library, "Library", Library)
    monkeypatch.setattr(_torchvision, "_library", [])
    return schemas


def test_nothing_is_declared_if_the_binary_loads(tmp_path, monkeypatch, defined):
    (tmp_path / "_C.so").touch()
    asked = []
    monkeypatch.setattr(torch.ops, "load_library", asked.append)
    assert declare_missing_operators(tmp_path) is False
    assert asked == [str(tmp_path / "_C.so")]
    assert defined == []


@pytest.mark.parametrize("files", [(), ("_C.so",), ("_C.pyd",), ("_C.cpython-311-x86_64-linux-gnu.so",)])
def test_both_operators_are_declared_if_no_binary_loads(tmp_path, monkeypatch, defined, files):
    def fail(path):
        raise OSError("undefined symbol")

    for name in files:
        (tmp_path / name).touch()
    monkeypatch.setattr(torch.ops, "load_library", fail)
    assert declare_missing_operators(tmp_path) is True
    assert defined == ["nms", "qnms"]


def test_an_error_that_is_not_about_loading_is_not_hidden(tmp_path, monkeypatch, defined):
    def fail(path):
        raise MemoryError

    (tmp_path / "_C.so").touch()
    monkeypatch.setattr(torch.ops, "load_library", fail)
    with pytest.raises(MemoryError):
        declare_missing_operators(tmp_path)


def test_the_finder_acts_once_and_on_torchvision_only(monkeypatch):
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    monkeypatch.delitem(sys.modules, "torchvision", raising=False)
    folders = []
    monkeypatch.setattr(_torchvision, "declare_missing_operators", folders.append)
    guard()
    guard()
    finder = sys.meta_path[0]
    assert sum(type(f) is type(finder) for f in sys.meta_path) == 1
    assert finder.find_spec("torch") is None
    assert folders == []
    assert finder.find_spec("torchvision") is None
    spec = PathFinder.find_spec("torchvision")
    assert folders == ([] if spec is None else [Path(spec.origin).parent])
    assert finder not in sys.meta_path


def test_no_finder_is_installed_once_torchvision_is_there(monkeypatch):
    monkeypatch.setattr(sys, "meta_path", [])
    monkeypatch.setitem(sys.modules, "torchvision", torch)
    guard()
    assert sys.meta_path == []

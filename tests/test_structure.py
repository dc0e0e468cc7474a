"""The figures of ``tests.structure``, for a small made-up package whose figures are known and for ours."""

from __future__ import annotations

import importlib
import itertools
from pathlib import Path

import pytest
from lightning import LightningModule

from tests.structure import dynamic_figures, main, static_figures

ROOT = Path(__file__).parent.parent

CONTRACT = """
[[tool.importlinter.contracts]]
name = "within one layer, which is no order of the layers"
type = "layers"
containers = ["gan_lightning.models"]
layers = ["leaf", "gan"]

[[tool.importlinter.contracts]]
name = "layers"
type = "layers"
containers = ["gan_lightning"]
layers = ["cli", "models|(losses)", "core"]
"""

FILES = {
    "gan_lightning/__init__.py": "import typing\n\nif typing.TYPE_CHECKING:\n    from .cli.run import run\n",
    # core: imports upward twice, within a function and for type checkers; the first closes a circle of two
    "gan_lightning/core/__init__.py": "",
    "gan_lightning/core/files.py": "def read():\n    from gan_lightning.models.gan import GAN\n\n    return GAN\n",
    "gan_lightning/core/counts.py": """
        from typing import TYPE_CHECKING, Generic, TypeVar

        if TYPE_CHECKING:
            from gan_lightning.losses import Hinge

        T = TypeVar("T")

        class Counts(Generic[T]):
            limit: "Hinge"
    """,
    # losses: re-exported, so public although only core.counts imports it; private has a single importer
    "gan_lightning/losses/__init__.py": "from gan_lightning.losses.hinge import Hinge\n",
    "gan_lightning/losses/hinge.py": "from gan_lightning.losses import private\n\nclass Hinge: ...\n",
    "gan_lightning/losses/private.py": "",
    # models: Counts <- Base <- GAN <- Leaf, by a subscript, an alias, a module's attribute and a package's
    "gan_lightning/models/__init__.py": "from .gan import GAN\n",
    "gan_lightning/models/base.py": """
        import gan_lightning
        import lightning.pytorch as pl
        from ..core.counts import Counts as Counting

        class Base(Counting[int], pl.LightningModule): ...
    """,
    "gan_lightning/models/gan.py": """
        import gan_lightning.core.files
        from gan_lightning.models import base

        class GAN(base.Base): ...
    """,
    "gan_lightning/models/leaf.py": """
        import gan_lightning.models
        from gan_lightning.core.counts import Counts

        class Long(Counts): ...
        class Longer(Long): ...
        class Longest(Longer): ...
        class LongestOfAll(Longest): ...
        class Leaf(gan_lightning.models.GAN): ...
    """,
    "gan_lightning/cli/__init__.py": "",
    "gan_lightning/cli/run.py": "from ..models import GAN\n\ndef run(): ...\n",
    "hydra_plugins/launcher/__init__.py": "from gan_lightning.cli.run import run\n",
}


@pytest.fixture
def package(tmp_path):
    """Write the made-up package; all its lines are counted."""
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(line.removeprefix("        ") for line in text.split("\n")), encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text(CONTRACT, encoding="utf-8")
    return tmp_path


def figures(root):
    return {figure.name: (figure.value, list(figure.details)) for figure in static_figures(root)}


def test_size(package):
    found = figures(package)
    assert found["files"] == (14, [])
    assert found["lines"] == (sum(text.count("\n") for text in FILES.values()), [])


def test_the_longest_chain_ends_in_a_lightning_module(package):
    chain = ["core.counts.Counts", "models.base.Base", "models.gan.GAN", "models.leaf.Leaf"]
    assert figures(package)["class_chain"] == (4, [f"gan_lightning.{name}" for name in chain])


def test_imports_within_functions_close_circles(package):
    assert figures(package)["import_circles"] == (1, ["gan_lightning.core.files, gan_lightning.models.gan"])


def test_re_exports_are_no_circles(package):
    """``cli.run`` imports ``models.base`` by way of ``models.gan``, and that the package, which re-exports ``run``."""
    assert not any("models.base" in line for line in figures(package)["import_circles"][1])


def test_imports_of_a_higher_layer(package):
    found = figures(package)
    assert found["upward_imports"] == (
        2,
        [
            "gan_lightning.core.counts -> gan_lightning.losses.hinge",
            "gan_lightning.core.files -> gan_lightning.models.gan",
        ],
    )
    assert found["upward_import_pairs"] == (2, ["core -> losses", "core -> models"])
    assert found["unlayered"] == (0, [])


def test_plugins_are_above_every_layer_and_what_has_no_layer_is_said(package):
    path = package / "gan_lightning/new.py"
    path.write_text("import hydra_plugins.launcher\nimport gan_lightning.cli.run\n", encoding="utf-8")
    with (package / "gan_lightning/cli/run.py").open("a", encoding="utf-8") as file:
        file.write("import hydra_plugins.launcher, gan_lightning.new\n")
    found = figures(package)
    assert found["unlayered"] == (1, ["new"])
    assert "gan_lightning.cli.run -> hydra_plugins.launcher" in found["upward_imports"][1]
    assert found["upward_import_pairs"] == (3, ["cli -> hydra_plugins", "core -> losses", "core -> models"])


def test_without_a_contract_the_first_versions_layers_hold(package):
    (package / "pyproject.toml").write_text("", encoding="utf-8")
    found = figures(package)
    assert found["unlayered"] == (1, ["core"])
    assert found["upward_imports"] == (0, [])


def test_files_with_a_single_importer(package):
    """Not ``hinge`` and ``gan``, which are re-exported, nor ``counts``, which two files import."""
    assert figures(package)["single_importer_files"] == (
        3,
        [
            "gan_lightning.core.files <- gan_lightning.models.gan",
            "gan_lightning.losses.private <- gan_lightning.losses.hinge",
            "gan_lightning.models.base <- gan_lightning.models.gan",
        ],
    )


def test_output_has_one_figure_a_line_and_details_on_request(package, capsys):
    main(["--root", str(package), "--static"])
    plain = capsys.readouterr().out
    assert "\nclass_chain: 4\nimport_circles: 1\n" in plain
    assert len(plain.splitlines()) == len(static_figures(package))
    main(["--root", str(package), "--static", "--verbose"])
    assert "\nimport_circles: 1\n    gan_lightning.core.files, gan_lightning.models.gan\n" in capsys.readouterr().out


def test_a_folder_without_the_package_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"--root = .*: must be a folder that contains gan_lightning"):
        static_figures(tmp_path)


def test_the_package_itself():
    found = figures(ROOT)
    assert found["files"][0] == len([*ROOT.glob("gan_lightning/**/*.py"), *ROOT.glob("hydra_plugins/**/*.py")])
    classes = [imported(name) for name in found["class_chain"][1]]
    assert issubclass(classes[-1], LightningModule)
    assert all(base in derived.__bases__ for base, derived in itertools.pairwise(classes))
    ours = [base for base in classes[0].__mro__[1:] if base.__module__.startswith("gan_lightning.")]
    assert ours == []


def imported(name):
    module, _, attribute = name.rpartition(".")
    return getattr(importlib.import_module(module), attribute)


@pytest.mark.slow
def test_a_start_and_a_step_of_the_demo():
    found = {figure.name: figure.value for figure in dynamic_figures(ROOT)}
    assert list(found) == ["start_config_checks", "start_model_builds", "step_functions", "step_files"]
    assert all(type(value) is int and value > 0 for value in found.values())
    assert found["step_files"] < found["step_functions"]

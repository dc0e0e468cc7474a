"""The wheel works away from the checkout, the source distribution is the checkout, and what names both agrees."""

import importlib.util
import itertools
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

import gan_lightning

ROOT = Path(__file__).resolve().parent.parent
COMMANDS = ("gan-train", "gan-evaluate", "gan-sample", "gan-compare", "gan-prefetch", "gan-push")

pytestmark = pytest.mark.slow


def run(*command: str | Path, cwd: Path) -> str:
    """Run a command that must succeed, away from the checkout and its settings, and return what it printed."""
    inherited = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTHONHOME")}
    done = subprocess.run([str(word) for word in command], cwd=cwd, env=inherited, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    # With the build backend at hand nothing is downloaded.
    isolation = ["--no-build-isolation"] if importlib.util.find_spec("hatchling") else []
    run(sys.executable, "-m", "pip", "wheel", ROOT, "--no-deps", *isolation, "--quiet", "-w", folder, cwd=folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def environment(wheel, tmp_path_factory):
    """A new virtual environment with the wheel; its dependencies are this environment's, through a link."""
    folder = tmp_path_factory.mktemp("venv")
    run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder)
    pip = [sys.executable, "-m", "pip", "--python", folder / "bin/python"]
    run(*pip, "install", "--no-deps", "--quiet", wheel, cwd=folder)
    # A plain line in a .pth file adds the folder but runs none of its own .pth files, which lead to the checkout.
    site = run(
        folder / "bin/python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder
    ).strip()
    (Path(site) / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder


def test_the_wheel_holds_the_whole_config_tree_once(wheel):
    inside = {name for name in zipfile.ZipFile(wheel).namelist() if not name.endswith("/")}
    ours = {f"gan_lightning/{path.relative_to(ROOT)}" for path in (ROOT / "conf").rglob("*.yaml")}
    assert "gan_lightning/conf/train.yaml" in ours
    assert {name for name in inside if name.endswith(".yaml")} == ours
    assert not any(name.startswith(("conf/", "tests/")) for name in inside)


def test_the_wheel_holds_all_modules_the_classifiers_weights_and_the_reports_assets(wheel):
    inside = set(zipfile.ZipFile(wheel).namelist())
    for pattern in ("*.py", "py.typed", "*.safetensors", "*.js", "*.css", "*.j2", "*.LICENSE"):
        ours = {str(path.relative_to(ROOT)) for path in (ROOT / "gan_lightning").rglob(pattern)}
        assert ours
        assert ours <= inside
    assert "hydra_plugins/gan_lightning_slurm/launcher.py" in inside
    assert "hydra_plugins/__init__.py" not in inside  # a namespace that other packages share


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="a source distribution does not know what was tracked")
def test_the_source_distribution_holds_the_checkout(tmp_path):
    run(sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", tmp_path, cwd=ROOT)
    (built,) = tmp_path.glob("*.tar.gz")
    assert built.name == f"gan_lightning-{gan_lightning.__version__}.tar.gz"
    with tarfile.open(built) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}
    ours = set(run("git", "ls-files", "--cached", "--others", "--exclude-standard", cwd=ROOT).splitlines())
    assert {name for name in ours if (ROOT / name).exists()} <= inside
    assert inside - ours == {"PKG-INFO"}


def test_version_pythons_and_systems_are_the_same_wherever_they_are_named():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == gan_lightning.__version__
    assert citation["license"] == project["license"]
    assert citation["repository-code"] == project["urls"]["Repository"]
    assert f"## [{gan_lightning.__version__}] - " in (ROOT / "CHANGELOG.md").read_text()
    jobs = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())["jobs"]
    matrix = jobs["full"]["strategy"]["matrix"]
    claimed = {item.removeprefix("Programming Language :: Python :: ") for item in project["classifiers"]}
    assert set(matrix["python"]) == {item for item in claimed if item[:2] == "3."}
    assert min(matrix["python"]) == project["requires-python"].removeprefix(">=")
    systems = {*matrix["os"], *(extra["os"] for extra in matrix["include"])}
    claimed = {item for item in project["classifiers"] if item.startswith("Operating System")}
    assert claimed == {
        {"ubuntu": "Operating System :: POSIX :: Linux", "macos": "Operating System :: MacOS"}[system.partition("-")[0]]
        for system in systems
    }


def test_the_lowest_versions_are_those_that_pyproject_allows():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = itertools.chain(project["dependencies"], *project["optional-dependencies"].values())
    required = [requirement for requirement in map(Requirement, lines) if requirement.name != project["name"]]
    printed = [line.split("==") for line in run(sys.executable, ROOT / ".ci/lowest", cwd=ROOT).splitlines()]
    lowest = dict(printed)
    assert len(lowest) == len(printed)
    assert lowest.keys() == {requirement.name for requirement in required}
    for requirement in required:
        bounds = {part.version for part in requirement.specifier if part.operator in (">=", "==")}
        assert bounds == {lowest[requirement.name]}, requirement


def test_every_make_target_that_is_named_exists():
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):", makefile, flags=re.MULTILINE))
    workflows = (ROOT / ".github/workflows").glob("*.yml")
    files = [ROOT / "CONTRIBUTING.md", ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *workflows]
    # in code alone: prose makes sense, too
    named = [
        re.findall(r"(?:`|^|- run: |=1 )make ([a-z -]+?)(?: PYTHON=\S+)?(?:`|$|  +#)", file.read_text(), flags=re.M)
        for file in files
    ]
    assert all(named[place] for place in (0, 1))
    assert {target for found in named for words in found for target in words.split()} <= targets


def test_the_installed_package_finds_its_config_tree_and_builds_models_from_anywhere(environment, tmp_path):
    code = (
        "import gan_lightning as g, gan_lightning.config as c; print(g.__file__); print(c.conf_dir()); "
        "print(len(g.list_models())); print(g.create_model('dcgan', resolution=16, channels=1).sample(2).shape)"
    )
    module, conf, count, shape = run(environment / "bin/python", "-c", code, cwd=tmp_path).splitlines()
    assert Path(module).is_relative_to(environment)
    assert Path(conf) == Path(module).parent / "conf"
    assert (Path(conf) / "train.yaml").is_file()
    assert int(count) == len(list((ROOT / "conf" / "model").glob("*.yaml")))
    assert shape == "torch.Size([2, 1, 16, 16])"
    assert list(tmp_path.iterdir()) == []


def test_the_commands_are_installed_and_training_composes_from_anywhere(environment, tmp_path):
    for command in COMMANDS:
        assert os.access(environment / "bin" / command, os.X_OK), command
    printed = run(environment / "bin/gan-train", "--cfg", "job", cwd=tmp_path)
    assert "_target_: gan_lightning." in printed
    assert "batch_size:" in printed
    assert list(tmp_path.iterdir()) == []

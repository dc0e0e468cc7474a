"""The wheel works away from the checkout: the config tree is inside it, and so are the commands."""

import importlib.util
import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
COMMANDS = ("gan-train", "gan-evaluate", "gan-sample", "gan-compare", "gan-prefetch")

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
    run(sys.executable, "-m", "venv", folder, cwd=folder)
    run(folder / "bin/python", "-m", "pip", "install", "--no-deps", "--quiet", wheel, cwd=folder)
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
    for pattern in ("*.py", "*.safetensors", "*.js", "*.css", "*.j2", "*.LICENSE"):
        ours = {str(path.relative_to(ROOT)) for path in (ROOT / "gan_lightning").rglob(pattern)}
        assert ours
        assert ours <= inside
    assert "hydra_plugins/gan_lightning_slurm/launcher.py" in inside
    assert "hydra_plugins/__init__.py" not in inside  # a namespace that other packages share


def test_the_installed_package_finds_its_config_tree_from_anywhere(environment, tmp_path):
    code = "import gan_lightning as g, gan_lightning.config as c; print(g.__file__); print(c.conf_dir())"
    module, conf = map(Path, run(environment / "bin/python", "-c", code, cwd=tmp_path).split())
    assert module.is_relative_to(environment)
    assert conf == module.parent / "conf"
    assert (conf / "train.yaml").is_file()


def test_the_installed_package_builds_models_from_anywhere(environment, tmp_path):
    code = (
        "import gan_lightning as g; print(len(g.list_models()), g.__file__); "
        "print(g.create_model('dcgan', resolution=16, channels=1).sample(2).shape)"
    )
    listed, shape = run(environment / "bin/python", "-c", code, cwd=tmp_path).splitlines()
    count, module = listed.split()
    assert Path(module).is_relative_to(environment)
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

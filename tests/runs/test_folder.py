"""One place says where everything in a run folder lies."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import gan_lightning
from gan_lightning.runs import folder as module
from gan_lightning.runs.folder import RunFolder

PACKAGE = Path(gan_lightning.__file__).parent
SHARED = {"samples", "checkpoints", "wandb", "tensorboard", ".lock"}
"""Names that mean other things elsewhere too: a count, a folder of torch.hub, a package, the ending of a name."""


def file_names() -> set[str]:
    run = RunFolder("run")
    return {path.name for path in vars(run).values() if path != run.path} - SHARED


def spelled(source: Path) -> set[str]:
    """Return the file names of a run folder among the path components of a file's strings, docstrings left out."""
    tree = ast.parse(source.read_text(encoding="utf-8"))
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    texts = (
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings
    )
    return {part for text in texts for part in text.split("/")} & file_names()


def test_no_other_file_spells_a_name():
    sources = [*PACKAGE.rglob("*.py"), *(PACKAGE.parent / "hydra_plugins").rglob("*.py")]
    found = {source.relative_to(PACKAGE.parent): names for source in sources if (names := spelled(source))}
    assert set(found) == {Path(module.__file__).relative_to(PACKAGE.parent)}
    assert found.popitem()[1] == file_names()


def test_a_report_waits_for_neither_torch_nor_lightning():
    program = "import sys, gan_lightning.report as r; print({'torch', 'lightning'} & {*sys.modules})"
    assert subprocess.check_output([sys.executable, "-c", program], text=True).strip() == "set()"


def test_every_name_is_another_one():
    paths = list(vars(RunFolder("run")).values())
    assert len(set(paths)) == len(paths) > 15


def test_pictures_are_found_in_the_order_of_training(tmp_path):
    run = RunFolder(tmp_path)
    assert run.pictures_by_images("walks") == {}
    for images in (1_280, 64, 12_800_000_000):
        run.picture("walks", images).parent.mkdir(exist_ok=True)
        run.picture("walks", images).touch()
    (run.pictures("walks") / "notes.png").touch()
    assert list(run.pictures_by_images("walks")) == [64, 1_280, 12_800_000_000]
    assert run.pictures_by_images("walks")[64].name == "000000064.png"


def test_a_folder_holds_a_run_once_hydra_or_a_run_has_written_into_it(tmp_path):
    run = RunFolder(tmp_path)
    run.metrics.touch()
    assert not run.holds_run()
    run.hydra.mkdir()
    assert run.holds_run()
    run.hydra.rmdir()
    run.results.touch()
    assert run.holds_run()

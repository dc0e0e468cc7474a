"""Every notebook runs from a clean kernel, with small budgets, and is committed with its outputs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from tests.conftest import LONG

FOLDER = Path(__file__).parent.parent / "notebooks"
NOTEBOOKS = sorted(path.stem for path in FOLDER.glob("*.ipynb"))
SMALL = {
    "quickstart": "kimg = 0.32",
    "compare_a_sweep": "kimg, losses, seeds = 0.064, ['non_saturating', 'hinge'], [0, 1]",
    "your_own_variant": "kimg = 0.064",
    "explore_a_latent_space": "kimg = 0.128",
}
"""What the cell tagged "parameters" is replaced by."""
QUICK = ("quickstart",)


def read(name: str) -> Any:
    return nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)


def code_cells(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_every_notebook_is_known_here():
    assert sorted(SMALL) == NOTEBOOKS


@pytest.mark.slow
@pytest.mark.parametrize("name", [name if name in QUICK else pytest.param(name, marks=LONG) for name in NOTEBOOKS])
def test_a_notebook_runs_from_a_clean_kernel(name, tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    notebook = read(name)
    (parameters,) = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    parameters.source = SMALL[name]
    (tmp_path / "work").mkdir()
    resources = {"metadata": {"path": str(tmp_path / "work")}}
    NotebookClient(notebook, timeout=600, kernel_name="python3", resources=resources).execute()
    for cell in code_cells(notebook):
        assert not [output for output in cell.outputs if output.output_type == "error"]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_is_committed_as_it_ran(name):
    notebook = read(name)
    nbformat.validate(notebook)
    cells = code_cells(notebook)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error" or output.get("name") == "stderr"]
    assert [output for output in outputs if "image/png" in output.get("data", {})]
    text = (FOLDER / f"{name}.ipynb").read_text(encoding="utf-8")
    assert len(text) < 500_000
    plain = re.sub(r'"image/png": "[^"]*"', "", text)
    assert not re.search(r"/tmp/|/home/|/root/", plain)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_links_of_a_notebook_hold(name):
    for cell in read(name).cells:
        if cell.cell_type == "markdown":
            for target in re.findall(r"\]\((?!http)([^)]+)\)", cell.source):
                assert (FOLDER / target).exists(), target

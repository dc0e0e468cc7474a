"""Print figures that describe how the package is built, one a line, as ``name: value``.

    python -m tests.structure [--root DIR] [--static] [--verbose]

A module is a ``*.py`` file of ``gan_lightning`` or ``hydra_plugins``. Every import statement counts, those inside
functions and under ``if TYPE_CHECKING:`` too, and leads to the file that defines the imported name: where a package's
``__init__.py`` only passes on a name from below that package (a re-export), it is neither importer nor imported.

- ``files``, ``lines``: modules and their lines, blank ones and comments included.
- ``class_chain``: the longest chain of our own classes, each a base of the next, that ends in a LightningModule. A base
  of ours that is no LightningModule itself counts as well.
- ``import_circles``: groups of modules in which each imports all others, directly or through one another (strongly
  connected components of more than one module).
- ``upward_imports``: pairs of modules of which one imports another in a higher layer; ``upward_import_pairs``: the
  pairs of layers that these belong to. The layers are the folders and files directly below ``gan_lightning``, ordered
  by the contract of type "layers" under ``tool.importlinter`` in ``pyproject.toml``, or by ``DEFAULT_LAYERS`` where
  there is none. ``hydra_plugins`` is the highest layer unless the contract says otherwise; ``unlayered`` counts what
  has no place in the order, whose imports are not judged.
- ``single_importer_files``: modules that exactly one other module imports, without ``__init__.py`` files and without
  those of which a name is re-exported, since these are there for users.

The others come from a run of ``gan-train experiment=demo`` in a process of its own (``tests/structure_probes.py``):

- ``start_config_checks``: how often a config node's arguments are compared with the signature of its target before
  training begins; ``start_model_builds``: how often the model is constructed until then, rehearsals included.
- ``step_functions``, ``step_files``: different functions of ``gan_lightning`` (lambdas and comprehensions included, as
  Python 3.11 runs them) that the 40th turn of the training loop enters, from the end of the 39th batch to the end of
  the 40th: loading, callbacks and training step; and the files that they are in.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.structure_sources import (
    PACKAGE,
    PLUGINS,
    class_chain,
    import_circles,
    import_graph,
    read_sources,
    single_importers,
)

PROBES = Path(__file__).with_name("structure_probes.py")

DEFAULT_LAYERS = (
    *("_torchvision", "augment", "progress", "seeding", "data", "metrics", "ema", "ranks", "losses", "networks"),
    *("stabilizers", "priors", "regularizers", "schedules", "cluster", "config", "instantiate", "checkpoint", "models"),
    *("tracking", "callbacks", "export", "sampling", "cli", "testing"),
)
"""The first version's layers, lowest first, in the order in which the fewest imports run upward."""


@dataclass(frozen=True)
class Figure:
    """One line of the output.

    Attributes:
        name: of the figure.
        value: of the figure.
        details: what was counted, shown with ``--verbose``.
    """

    name: str
    value: int
    details: Sequence[str] = ()


def read_layers(root: Path) -> dict[str, int]:
    """Return the height of every layer; those that a contract puts side by side (``a | b``) are of the same height."""
    layers: list[str] = list(DEFAULT_LAYERS)
    for contract in pyproject(root).get("tool", {}).get("importlinter", {}).get("contracts", ()):
        if contract["type"] == "layers" and contract.get("containers", [PACKAGE]) == [PACKAGE]:
            layers = list(reversed(contract["layers"]))
            break
    heights = {}
    for height, row in enumerate(layers):
        for name in row.replace("|", " ").replace(":", " ").split():
            heights[name.strip("()").removeprefix(f"{PACKAGE}.")] = height
    return {PLUGINS: len(layers), **heights}


def pyproject(root: Path) -> dict[str, Any]:
    """Return the content of ``pyproject.toml``."""
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))


def layer(module: str) -> str:
    """Return the layer that a module belongs to; an empty string for the package's own ``__init__.py``."""
    package, _, rest = module.partition(".")
    return package if package == PLUGINS else rest.partition(".")[0]


def static_figures(root: Path) -> list[Figure]:
    """Return the figures that the source alone tells."""
    sources = read_sources(root)
    graph = import_graph(sources)
    heights = read_layers(root)
    chain = class_chain(sources)
    circles = import_circles(graph)
    alone = single_importers(sources, graph)
    upward = [
        (module, target)
        for module, targets in graph.items()
        for target in sorted(targets)
        if heights.get(layer(module), sys.maxsize) < heights.get(layer(target), -1)
    ]
    pairs = sorted({(layer(module), layer(target)) for module, target in upward})
    unlayered = sorted({layer(module) for module in sources} - {"", *heights})
    return [
        Figure("files", len(sources)),
        Figure("lines", sum(source.lines for source in sources.values())),
        Figure("class_chain", len(chain), chain),
        Figure("import_circles", len(circles), [", ".join(circle) for circle in circles]),
        Figure("upward_import_pairs", len(pairs), [f"{low} -> {high}" for low, high in pairs]),
        Figure("upward_imports", len(upward), [f"{module} -> {target}" for module, target in upward]),
        Figure("unlayered", len(unlayered), unlayered),
        Figure("single_importer_files", len(alone), [f"{module} <- {importer}" for module, importer in alone.items()]),
    ]


def dynamic_figures(root: Path) -> list[Figure]:
    """Return the figures that a run of ``gan-train`` tells.

    Raises:
        RuntimeError: if it fails, or ends before the step that is watched.
    """
    entry_point = pyproject(root)["project"]["scripts"]["gan-train"]
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result.json"
        run = subprocess.run(
            [
                *(sys.executable, "-P", str(PROBES), entry_point, str(result)),
                *("experiment=demo", "trainer=cpu", "logger=none", f"hydra.run.dir={folder}/run"),
                "++callbacks.progress.log_every_seconds=3600",  # else its line is drawn in the step, or not
            ],
            env={"OMP_NUM_THREADS": "1", **os.environ, "PYTHONPATH": str(root.resolve())},
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        if run.returncode or not result.exists():
            raise RuntimeError(f"gan-train experiment=demo ended with code {run.returncode}:\n{run.stdout}{run.stderr}")
        found = json.loads(result.read_text(encoding="utf-8"))
    files = sorted({file for file, *_ in found["functions"]})
    return [
        Figure("start_config_checks", found["checks"]),
        Figure("start_model_builds", found["builds"]),
        Figure("step_functions", len(found["functions"]), [f"{file}: {name}" for file, name, _ in found["functions"]]),
        Figure("step_files", len(files), files),
    ]


def main(argv: Sequence[str] | None = None) -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description="Print figures that describe how the package is built.")
    parser.add_argument("--root", type=Path, default=Path(__file__).parent.parent, help="the checkout to look at")
    parser.add_argument("--static", action="store_true", help="only what needs no training")
    parser.add_argument("--verbose", action="store_true", help="list what was counted below each figure")
    options = parser.parse_args(argv)
    figures = static_figures(options.root) + ([] if options.static else dynamic_figures(options.root))
    for figure in figures:
        lines = [f"{figure.name}: {figure.value}", *(f"    {line}" for line in figure.details if options.verbose)]
        sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()

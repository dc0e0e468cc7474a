"""Read the package's modules without importing them: what they import, and what their classes derive from.

``tests/structure.py`` says what counts as an import.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

PACKAGE, PLUGINS = "gan_lightning", "hydra_plugins"
Graph = dict[str, set[str]]


@dataclass(frozen=True)
class Source:
    """One module.

    Attributes:
        tree: the parsed file.
        lines: how many it has.
        is_package: whether it is an ``__init__.py``.
        imports: pairs of the name that an import statement binds and the full dotted name it stands for.
    """

    tree: ast.Module
    lines: int
    is_package: bool
    imports: tuple[tuple[str, str], ...]


def read_sources(root: Path) -> dict[str, Source]:
    """Return all modules by dotted name.

    Raises:
        ValueError: if the package is not in ``root``.
    """
    if not (root / PACKAGE).is_dir():
        raise ValueError(f"--root = {root}: must be a folder that contains {PACKAGE}")
    sources = {}
    for path in sorted(path for package in (PACKAGE, PLUGINS) for path in (root / package).rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        tree = ast.parse(text, filename=str(path))
        folder, is_package = path.relative_to(root).parent.parts, path.stem == "__init__"
        name = ".".join(folder if is_package else (*folder, path.stem))
        sources[name] = Source(tree, text.count("\n"), is_package, tuple(read_imports(tree, folder)))
    return sources


def read_imports(tree: ast.Module, folder: Sequence[str]) -> list[tuple[str, str]]:
    """Return what a file of ``folder`` imports; see ``Source.imports``."""
    imports = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imports += [(alias.asname or alias.name, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = folder[: len(folder) - node.level + 1] if node.level else ()
            base = ".".join([*above, *([node.module] if node.module else [])])
            imports += [(alias.asname or alias.name, f"{base}.{alias.name}") for alias in node.names]
    return imports


def locate(sources: dict[str, Source], dotted: str) -> tuple[str, str]:
    """Return the module that defines a name, following re-exports, and the name within it; ("", name) if not ours."""
    parts = dotted.split(".")
    for length in range(len(parts), 0, -1):
        module, rest = ".".join(parts[:length]), parts[length:]
        if module not in sources:
            continue
        for bound, meaning in reexports(module, sources[module]) if rest else ():
            if bound == rest[0]:
                return locate(sources, ".".join([meaning, *rest[1:]]))
        return module, ".".join(rest)
    return "", dotted


def reexports(module: str, source: Source) -> list[tuple[str, str]]:
    """Return the imports of an ``__init__.py`` from below its package; none for other files."""
    return [names for names in source.imports if source.is_package and names[1].startswith(f"{module}.")]


def import_graph(sources: dict[str, Source]) -> Graph:
    """Return which modules each module imports."""
    graph = {}
    for module, source in sources.items():
        imports = set(source.imports) - set(reexports(module, source))
        graph[module] = {locate(sources, meaning)[0] for _, meaning in imports} - {"", module}
    return graph


def import_circles(graph: Graph) -> list[list[str]]:
    """Return the groups of modules that import one another."""
    reached = {module: reachable(graph, module) for module in graph}
    circles = {
        tuple(sorted(other for other in reached[module] if module in reached[other]))
        for module in graph
        if module in reached[module]
    }
    return [list(circle) for circle in sorted(circles)]


def reachable(graph: Graph, start: str) -> set[str]:
    """Return what ``start`` imports, directly or not."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        new = graph[waiting.pop()] - found
        found |= new
        waiting += new
    return found


def single_importers(sources: dict[str, Source], graph: Graph) -> dict[str, str]:
    """Return the modules that one other module imports and no package re-exports, with their importer."""
    importers: dict[str, list[str]] = defaultdict(list)
    for module, targets in graph.items():
        for target in targets:
            importers[target].append(module)
    public = {
        locate(sources, meaning)[0] for module, source in sources.items() for _, meaning in reexports(module, source)
    }
    return {
        module: importers[module][0]
        for module, source in sources.items()
        if len(importers[module]) == 1 and not source.is_package and module not in public
    }


def class_chain(sources: dict[str, Source]) -> list[str]:
    """Return the longest chain of our own classes that ends in a LightningModule, base first."""
    bases: dict[str, list[str]] = {}
    for module, source in sources.items():
        for node in ast.walk(source.tree):
            if isinstance(node, ast.ClassDef):
                bases[f"{module}.{node.name}"] = [class_name(sources, module, base) for base in node.bases]

    def chain(name: str) -> list[str]:
        return [*max((chain(base) for base in bases[name] if base in bases), key=len, default=[]), name]

    def is_lightning(name: str) -> bool:
        return any(map(is_lightning, bases[name])) if name in bases else name.endswith(".LightningModule")

    return max((chain(name) for name in bases if is_lightning(name)), key=len, default=[])


def class_name(sources: dict[str, Source], module: str, expression: ast.expr) -> str:
    """Return the full dotted name of a base class, as the module that defines it has it."""
    written = ast.unparse(expression.value if isinstance(expression, ast.Subscript) else expression)
    for bound, meaning in sources[module].imports:
        if written == bound or written.startswith(f"{bound}."):
            home, name = locate(sources, meaning + written.removeprefix(bound))
            return f"{home}.{name}" if home else name
    return f"{module}.{written}"

"""Make ``import torchvision`` work beside a torch build that its binary was not made for.

A torchvision wheel whose compiled part does not load (a CPU build of torch beside the default wheel, say)
fails on import, and Lightning with it, because two operator schemas that the binary would declare are
missing. Nothing in this package calls those operators, so declaring the schemas is enough.

Importing torch takes a second or two, which ``gan-train --help`` must not pay. The repair therefore waits
until torchvision is imported: a finder at the head of ``sys.meta_path`` runs it just before.
"""

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_library: list[object] = []  # a torch Library un-registers its schemas when it is collected


def declare_missing_operators(folder: Path) -> bool:
    """Declare torchvision's operator schemas if its binary in ``folder`` does not load; say whether it was so."""
    import torch

    for binary in [*folder.glob("_C.so"), *folder.glob("_C.*.so"), *folder.glob("_C*.pyd")]:
        try:
            torch.ops.load_library(str(binary))
        except OSError:
            continue
        return False
    library = torch.library.Library("torchvision", "DEF")
    for schema in _SCHEMAS:
        library.define(schema)
    _library.append(library)
    return True


class _BeforeTorchvision:
    """A finder that finds nothing, and repairs torchvision's operators when it is first looked for."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name == "torchvision":
            sys.meta_path.remove(self)
            spec = PathFinder.find_spec(name, path, target)
            if spec is not None and spec.origin is not None:
                declare_missing_operators(Path(spec.origin).parent)
        return None


def guard() -> None:
    """Install the finder, once, unless torchvision is already imported."""
    if "torchvision" not in sys.modules and not any(isinstance(f, _BeforeTorchvision) for f in sys.meta_path):
        sys.meta_path.insert(0, _BeforeTorchvision())

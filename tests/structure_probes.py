"""The process in which ``tests.structure`` watches ``gan-train`` start and make training steps.

It runs as a script, ``python -P structure_probes.py ENTRY_POINT RESULT OVERRIDE ...``, with the watched checkout on the
path. It knows the command's entry point, the config group ``callbacks`` and Lightning's public API, and nothing of how
the package is divided into modules.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import json
import os
import sys
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import gan_lightning  # before Lightning: it repairs torchvision where that is needed

# isort: split
from lightning import Callback, LightningModule, Trainer

NAME = "structure_probes"
STEP = 40


class CountedSignature(type):
    """Count how often somebody looks at the signature of a class.

    Attributes:
        reads: of ``__signature__``, of which one ``inspect.signature`` makes several.
    """

    reads = 0

    @property
    def __signature__(cls) -> inspect.Signature:
        CountedSignature.reads += 1
        return inspect.Signature()


class Probe(Callback, metaclass=CountedSignature):
    """Write down what a start of ``gan-train`` did and what one turn of the training loop enters; end the process then.

    Attributes:
        builds: how often a LightningModule was constructed in this process.
        result: the file to write.
    """

    builds = 0
    result: Path

    def __init__(self) -> None:
        self.steps = 0
        self.entered: set[CodeType] = set()
        self.figures: dict[str, Any] = {}

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Note what was counted so far.

        Raises:
            RuntimeError: if something looks at signatures in another way than ``inspect.signature``.
        """
        reads = CountedSignature.reads
        inspect.signature(Probe)
        checks, rest = divmod(reads, CountedSignature.reads - reads)
        if rest:
            raise RuntimeError(f"__signature__ was read {reads} times, which is no whole number of inspect.signature")
        self.figures = {"checks": checks, "builds": Probe.builds}

    def on_train_batch_end(self, *args: Any) -> None:
        """Watch from the end of one step to the end of the next, so that all callbacks are seen once."""
        self.steps += 1
        if self.steps == STEP - 1:
            sys.setprofile(self.note)
        elif self.steps == STEP:
            sys.setprofile(None)
            self.write()
            os._exit(0)  # nothing else is asked of this run, whose command would call leaving it a failure

    def note(self, frame: FrameType, event: str, argument: object) -> None:
        """Remember a function that is entered; see ``sys.setprofile``."""
        if event == "call":
            self.entered.add(frame.f_code)

    def write(self) -> None:
        """Write the figures, and file, name and first line of each of the package's functions that were entered."""
        package = Path(gan_lightning.__file__).parent
        self.figures["functions"] = sorted(
            (Path(code.co_filename).relative_to(package.parent).as_posix(), code.co_qualname, code.co_firstlineno)
            for code in self.entered
            if Path(code.co_filename).is_relative_to(package)
        )
        self.result.write_text(json.dumps(self.figures), encoding="utf-8")


def main() -> None:
    """Run the command with the probe among its callbacks."""
    entry_point, result, *overrides = sys.argv[1:]
    sys.modules[NAME] = sys.modules["__main__"]  # where the config finds the probe
    Probe.result = Path(result)
    build = LightningModule.__init__

    @functools.wraps(build)
    def counted(self: LightningModule, *args: Any, **kwargs: Any) -> None:
        Probe.builds += 1
        build(self, *args, **kwargs)

    LightningModule.__init__ = counted
    sys.argv = ["gan-train", f"+callbacks.{NAME}._target_={NAME}.Probe", *overrides]
    module, _, function = entry_point.partition(":")
    getattr(importlib.import_module(module), function)()


if __name__ == "__main__":
    main()

"""What a mode of ``gan-sample`` is: settings that come from ``conf/mode``, and one method that writes a file."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path

from gan_lightning.models.adversarial import AdversarialModule
from gan_lightning.models.sampling import Weights


def ending(path: Path) -> str:
    """Return the ending that says what is written, in lower case; an empty one stands for a folder."""
    return path.suffix.lower()


class SamplingMode(ABC):
    """One way to use a trained model; a subclass is one file here and one in ``conf/mode``.

    Attributes:
        name: name of its file in ``conf/mode``; the default file name says it.
        suffixes: endings that ``out`` may have, the default first; the empty one stands for a folder.
    """

    name: str
    suffixes: tuple[str, ...]

    @abstractmethod
    def write(self, model: AdversarialModule, out: Path, *, weights: Weights, trust: bool) -> str:
        """Use ``model`` and write ``out``, whole or not at all.

        Args:
            model: in evaluation mode, on the device to work on.
            out: file, or folder, that does not exist or may be replaced; its ``ending`` is one of ``suffixes``.
            weights: averaged or raw generator.
            trust: build whatever the checkpoint's configuration names.

        Returns:
            What was written, for the user: "64 samples (seed 0)".

        Raises:
            ValueError: if the model cannot do what is asked for.
            OSError: if the file cannot be written.
        """

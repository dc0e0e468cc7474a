"""A run in TensorBoard: ``<save_dir>/tensorboard``, with images seen as the step."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Mapping
from typing import Any

from lightning.pytorch.loggers import TensorBoardLogger
from lightning.pytorch.utilities import rank_zero_only
from PIL import Image

from gan_lightning.core.lightning_internals import close_event_file
from gan_lightning.core.strict_json import dumps
from gan_lightning.loggers.base import Tracker, pixels, plain
from gan_lightning.runs.folder import RunFolder
from gan_lightning.runs.steps import images_axis


class TensorBoardTracker(TensorBoardLogger, Tracker):
    """Lightning's TensorBoard logger with explicit arguments, pictures and the configuration as text.

    Args:
        save_dir: the run's folder; the event files go to its ``tensorboard/``.
        flush_seconds: how long an event may wait in memory.

    Raises:
        ModuleNotFoundError: if tensorboard is not installed (``pip install 'gan-lightning[tensorboard]'``).
    """

    def __init__(self, *, save_dir: str | os.PathLike[str], flush_seconds: int = 10) -> None:
        super().__init__(
            os.fspath(save_dir),
            name=RunFolder(save_dir).tensorboard.name,
            version="",
            default_hp_metric=False,
            flush_secs=flush_seconds,
        )
        self._latest = 0

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        """Add scalars at their number of images, see ``images_axis``."""
        self._latest = images_axis(metrics, step, self._latest)
        super().log_metrics({k: v for k, v in metrics.items() if k != "images_seen"}, step=self._latest)

    @rank_zero_only
    def log_hyperparams(
        self, params: dict[str, Any] | Namespace, metrics: dict[str, Any] | None = None, step: int | None = None
    ) -> None:
        """Do nothing: ``set_config`` records the whole configuration."""

    @rank_zero_only
    def set_config(self, config: Mapping[str, Any]) -> None:
        """Show the configuration as JSON, in the text panel."""
        self.experiment.add_text("config", _code_block(plain(dict(config))))

    @rank_zero_only
    def log_images(self, key: str, image: str | os.PathLike[str] | Image.Image, images_seen: int) -> None:
        """Show a picture at ``images_seen``."""
        self.experiment.add_image(key, pixels(image), images_seen, dataformats="HWC")

    @rank_zero_only
    def summary(self, values: Mapping[str, Any]) -> None:
        """Show final values as JSON, in the text panel."""
        self.experiment.add_text("summary", _code_block(plain(dict(values))), self._latest)

    @rank_zero_only
    def close(self, exit_code: int) -> None:
        """Write what is in memory and close the event file; the exit code has no place in it."""
        close_event_file(self)


def _code_block(data: dict[str, Any]) -> str:
    """Indent by four spaces, which makes a code block in Markdown."""
    return "\n".join("    " + line for line in dumps(data, indent=2).splitlines())

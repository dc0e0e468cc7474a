"""What a tracker is: a Lightning logger that also shows the configuration, pictures and the summary of a run."""

from __future__ import annotations

import functools
import logging
import os
import weakref
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from lightning.pytorch.loggers import Logger, TensorBoardLogger, WandbLogger
from PIL import Image

from gan_lightning.runs.provenance import Origin

log = logging.getLogger(__name__)

_without_pictures: weakref.WeakSet[Logger] = weakref.WeakSet()


class Tracker(ABC):
    """A view of a run's files for people to look at.

    Every method does nothing on ranks above zero.
    """

    @property
    def begun(self) -> bool:
        """Whether anything was recorded; a failure before that needs no record."""
        return True

    @property
    def problems(self) -> list[str]:
        """What it failed to show, in sentences; none of it ended the training."""
        return []

    def identify(self, origin: Origin, config: Mapping[str, Any]) -> None:  # noqa: B027 - not every tracker has names
        """Take name, group and tags from how the run was started, where its own arguments leave them open.

        Args:
            origin: how the run was started.
            config: the resolved configuration.
        """

    @abstractmethod
    def set_config(self, config: Mapping[str, Any]) -> None:
        """Record the resolved configuration, nested plain data.

        Raises:
            ValueError: if it holds anything else, naming the key.
        """

    @abstractmethod
    def log_images(self, key: str, image: str | os.PathLike[str] | Image.Image, images_seen: int) -> None:
        """Show a picture, given as a file or a PIL image."""

    @abstractmethod
    def summary(self, values: Mapping[str, Any]) -> None:
        """Record final values of the run, such as its scores."""

    def evaluations(self, table: Sequence[Mapping[str, Any]], pictures: Mapping[int, Path]) -> None:  # noqa: B027
        """Show all evaluations of the run so far, each with the samples of its moment.

        Args:
            table: ``images_seen`` and ``scores`` of each evaluation, as ``results.json`` lists them.
            pictures: sample grids, by images seen, ascending.
        """

    def best_checkpoint(self, path: str | os.PathLike[str], values: Mapping[str, Any]) -> None:  # noqa: B027
        """Keep the best checkpoint, if the tracker was asked to.

        Args:
            path: the file.
            values: what to keep beside it, such as its scores.
        """

    @abstractmethod
    def close(self, exit_code: int) -> None:
        """End the run; an ``exit_code`` other than 0 marks it as failed. A second call does nothing."""


def plain(value: Any, *, key: str = "config") -> Any:
    """Return a copy of nested plain data: dicts with string keys, lists, strings, numbers, booleans, None.

    A tracker turns everything else into a string without a word, and the run cannot be filtered by it.

    Raises:
        ValueError: for any other type, such as an unresolved DictConfig, naming where it is.
    """
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    if type(value) in (list, tuple):
        return [plain(item, key=f"{key}[{index}]") for index, item in enumerate(value)]
    if type(value) is dict:
        return {str(name): plain(item, key=f"{key}.{name}") for name, item in value.items()}
    raise ValueError(f"{key} must be plain nested data (dict, list, str, number, None), got {type(value).__name__}")


def log_samples(loggers: Iterable[Logger], key: str, image: str | os.PathLike[str], images_seen: int) -> None:
    """Show a picture in every logger that can; a logger that cannot gets one warning in its life.

    Args:
        loggers: the trainer's loggers.
        key: the picture's name, such as ``"samples"``.
        image: a PNG file.
        images_seen: the axis position.
    """
    for logger in loggers:
        if isinstance(logger, Tracker):  # which may inherit from a logger that is registered below
            logger.log_images(key, image, images_seen)
        else:
            show_picture(logger, key, image, images_seen)


@functools.singledispatch
def show_picture(logger: Logger, key: str, image: str | os.PathLike[str], images_seen: int) -> None:
    """Show a picture in a logger, as the function that is registered for its class does.

    ``show_picture.register(MyLogger, function)`` teaches it another class.

    Args:
        logger: where to.
        key: the picture's name.
        image: a PNG file.
        images_seen: the axis position.
    """
    if logger not in _without_pictures:
        _without_pictures.add(logger)
        log.warning(
            "%s cannot show pictures; they are in %s (gan_lightning.loggers.show_picture.register adds a way)",
            type(logger).__name__,
            Path(image).parent,
        )


@show_picture.register
def _(logger: WandbLogger, key: str, image: str | os.PathLike[str], images_seen: int) -> None:
    logger.log_image(key, [os.fspath(image)], step=images_seen)


@show_picture.register
def _(logger: TensorBoardLogger, key: str, image: str | os.PathLike[str], images_seen: int) -> None:
    logger.experiment.add_image(key, pixels(image), images_seen, dataformats="HWC")


def pixels(image: str | os.PathLike[str] | Image.Image) -> np.ndarray:
    """Return a picture as uint8 ``(H, W, 3)``."""
    if isinstance(image, Image.Image):
        return np.asarray(image.convert("RGB"))
    with Image.open(Path(image)) as opened:
        return np.asarray(opened.convert("RGB"))

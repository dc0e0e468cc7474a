"""A data module over any source of images: decoded once if they fit in memory, streamed if not."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NotRequired, Unpack

import torch
from torch import Tensor

from gan_lightning.core.terminal import printable
from gan_lightning.data.arrangement import unused_lines
from gan_lightning.data.decoded import DecodedImageDataModule, DecodedImages
from gan_lightning.data.errors import DataError
from gan_lightning.data.images import EvaluationImages
from gan_lightning.data.layout import listed
from gan_lightning.data.loader import EndlessLoader
from gan_lightning.data.loading import Loading
from gan_lightning.data.preflight import OnBad, narrow_range
from gan_lightning.data.preview import save_preview
from gan_lightning.data.source import ImageSource
from gan_lightning.data.store import Looked, look
from gan_lightning.data.stream import StreamLoader, for_evaluation
from gan_lightning.data.subset import Subset

log = logging.getLogger(__name__)

FULL = "train_full"
"""Split of all training images, where a run trains on a fraction of them."""

REPORT_FILE, PREVIEW_FILE = "data.json", "data.png"


class Pictures(DecodedImages):
    """The arguments that every source of pictures hands on to ``PicturesDataModule``, which describes them."""

    fraction: NotRequired[float]
    only_classes: NotRequired[Sequence[str | int] | None]
    subset_seed: NotRequired[int]
    balance: NotRequired[bool]
    min_size: NotRequired[int | None]
    on_bad: NotRequired[OnBad]
    loading: NotRequired[Loading | None]


class PicturesDataModule(DecodedImageDataModule):
    """Serves the images of ``source(split)``; a subclass says where they come from, and takes ``**pictures``.

    All images are looked at before a run begins: those that cannot be used stop it or are skipped. At the start of
    the training the run's folder gets a report of what was found (``data.json``) and a picture of some training
    images as the discriminator gets them (``data.png``).

    Attributes:
        skippable: whether bad images can be left out.

    Args:
        dataset: its name, a part of every score's protocol; a subclass gives it.
        fraction: share of the training images to use.
        only_classes: names or indices of the classes to use, or None: all.
        subset_seed: seed of the choice of ``fraction``.
        balance: show all classes equally often.
        min_size: least height and width of an image as stored, or None.
        on_bad: "stop" or "skip" when images cannot be used.
        loading: resources for reading; None: the defaults.
        images: see ``DecodedImageDataModule``.

    Raises:
        ValueError: for a value out of range.
    """

    skippable = True

    def __init__(
        self,
        dataset: str,
        /,
        *,
        fraction: float = 1.0,
        only_classes: Sequence[str | int] | None = None,
        subset_seed: int = 0,
        balance: bool = False,
        min_size: int | None = None,
        on_bad: OnBad = "stop",
        loading: Loading | None = None,
        **images: Unpack[DecodedImages],
    ) -> None:
        subset = Subset(fraction, only_classes, subset_seed)
        super().__init__(dataset + subset.label, **images)
        if on_bad not in ("stop", "skip"):
            raise ValueError(f"data.on_bad must be 'stop' or 'skip', got {on_bad!r}")
        if balance and self.classes is None:
            raise ValueError("data.balance needs classes; set data.classes")
        if only_classes is not None and self.classes != len(only_classes):
            raise ValueError(f"data.classes must be {len(only_classes)}, as data.only_classes says, got {self.classes}")
        self.subset = subset
        self.balance = balance
        self.min_size = min_size
        self.on_bad: OnBad = on_bad
        self.loading = loading or Loading()
        self._looked: dict[str, Looked] = {}
        self._evaluation: dict[str, EvaluationImages] = {}

    def source(self, split: str) -> ImageSource:
        """Return all images of a split.

        Raises:
            DataError: for a split that the data set does not have, or files that are missing.
        """
        raise NotImplementedError

    @property
    def class_names(self) -> Sequence[str] | None:
        """What the classes are called, in the order of their indices; None without labels. No image is read.

        Raises:
            DataError: if names and config do not fit together.
        """
        return self.subset.of_classes(self.source("train")).class_names

    @property
    def stored_classes(self) -> int | None:
        """How many classes the stored images must have; None: labels are not used, or only some classes are."""
        return None if self.subset.only_classes is not None else self.classes

    def facts(self) -> dict[str, Any]:
        """Return what a report has to say of the files beside the images: none, where there are no files."""
        return {}

    def check_split(self, split: str) -> None:
        """Find the images of a split; none is read.

        Raises:
            DataError: for a split that the data set does not have, or files that are missing.
        """
        if split != FULL:
            self.source(split)

    def looked(self, split: str) -> Looked:
        """Return a split whose images have all been checked.

        Raises:
            DataError: if there are no usable images, or bad ones and ``on_bad`` is "stop".
        """
        if split not in self._looked:
            whole = self.source("train" if split == FULL else split)
            chosen = self.subset.of_classes(whole)
            if split == "train":
                chosen = self.subset.of_images(chosen)
            found = look(
                chosen, self.transform, self.loading, min_size=self.min_size, what=f"{self.dataset}, {split} images"
            )
            found.report.enforce(f"{self.dataset}, {split} images", self.on_bad, skippable=self.skippable)
            if found.report.bad:
                bad = printable(listed(list(found.report.bad)))
                log.warning("%s: %d bad %s images are left out: %s", self.dataset, len(found.report.bad), split, bad)
            if self.classes is not None and found.labels is None:
                raise DataError(f"data.classes = {self.classes}, but the images have no labels")
            self._looked[split] = found
        return self._looked[split]

    @property
    def images_per_epoch(self) -> int:
        """Number of training images."""
        return len(self.looked("train"))

    def fingerprints(self) -> list[str]:
        """Return hashes of the decoded pixels, and of the files as they are stored, each with the labels.

        Files that were copied have other times, and another version of the decoder makes other pixels.
        """
        found = self.looked("train")
        labels = b"" if found.labels is None else found.labels.numpy().tobytes()
        return [hashlib.sha256(view.encode() + labels).hexdigest() for view in (found.fingerprint, found.source.key)]

    def label_counts(self) -> Tensor | None:
        """Return how often each class is shown: by its number of images, or equally often with ``balance``."""
        labels = self.looked("train").labels
        if labels is None or self.classes is None:
            return None
        counts = labels.bincount(minlength=self.classes)
        return counts.clamp_max(1) if self.balance else counts

    def endless_loader(self) -> EndlessLoader:
        """Return an endless loader onto the training device, from where the run stands."""
        found = self.looked("train")
        options = self.loader_options(flip=self.flip, window=self.window, balance=self.balance)
        if self.trainer is not None and self.trainer.is_global_zero:
            self.describe(Path(self.trainer.default_root_dir))
        if found.pixels is None:
            return StreamLoader(found.source, found.transform, self.loading, **options)
        device = options["device"]
        free_bytes = torch.cuda.mem_get_info(device)[0] if device is not None and device.type == "cuda" else 0
        fits = found.pixels.nbytes <= self.loading.memory_fraction * free_bytes
        return self.loader_in_memory(found.pixels, found.labels, options, resident=fits)

    def evaluation_images(self, split: str) -> EvaluationImages:
        """Return the real images of ``split`` as the evaluator wants them; ``train_full`` knows no fraction."""
        if split not in self._evaluation:
            self._evaluation[split] = for_evaluation(
                self.looked(split), self.loading, name=self.dataset, split=split, window=self.window
            )
        return self._evaluation[split]

    def describe(self, folder: Path) -> None:
        """Write the report and the picture into a folder; a failure to write is only logged."""
        found = self.looked("train")
        report = {
            "dataset": self.dataset,
            "path": "memory" if found.pixels is not None else "stream",
            **self.facts(),
        }
        try:
            folder.mkdir(parents=True, exist_ok=True)
            text = json.dumps({**report, "train": found.report.facts()}, indent=2)
            (folder / REPORT_FILE).write_text(text + "\n")
            save_preview(found, folder / PREVIEW_FILE, window=self.window)
        except OSError as error:
            log.error("could not write %s; training continues: %s", folder / REPORT_FILE, error)
        log.info("%s", summary_line(self.dataset, found))
        for line in unused_lines(self.dataset, self.facts()) + narrow_range(self.dataset, found.report.levels):
            log.warning("%s", line)


def summary_line(dataset: str, found: Looked) -> str:
    """Return counts, classes and sizes of a split in one line."""
    report = found.report
    sizes = list(report.sizes)
    parts = [f"{dataset}: {report.images} training images", f"stored as {sizes[0]}" if sizes else ""]
    if len(sizes) > 1:
        parts[1] += f" and {len(sizes) - 1} other sizes"
    if report.classes is not None:
        counts = report.classes.values()
        parts.append(f"{len(report.classes)} classes of {min(counts)} to {max(counts)} images")
    if report.of_several:
        files = "1 file holds" if report.of_several == 1 else f"{report.of_several} files hold"
        parts.append(f"{files} several pictures, of which the first is used")
    parts.append("decoded in memory" if found.pixels is not None else "read anew in every epoch")
    return ", ".join(part for part in parts if part)

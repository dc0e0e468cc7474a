"""Your own images of two domains: a folder or a zip archive, with or without pairs."""

from __future__ import annotations

import logging
import os
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Literal, Unpack

from gan_lightning.core.seeding import mix
from gan_lightning.data.archive import open_files
from gan_lightning.data.arrangement import image_entries, unused_facts
from gan_lightning.data.copies import in_both
from gan_lightning.data.domain_layout import LAYOUTS, Domains, Layout, arrange_domains, domain_root
from gan_lightning.data.domain_pictures import DomainPictures, HalfImages
from gan_lightning.data.domains import TranslationModule, TwoDomains
from gan_lightning.data.errors import DataError
from gan_lightning.data.layout import heldout_of, listed
from gan_lightning.data.loading import Loading
from gan_lightning.data.preflight import OnBad
from gan_lightning.data.source import FileImages, ImageSource
from gan_lightning.data.store import FOLDER
from gan_lightning.data.transform import Filter, Fit, upright_size

log = logging.getLogger(__name__)

Direction = Literal["AtoB", "BtoA"]
Role = Literal["source", "target"]
_UNPAIRED = 0x756E706169726564  # tells the order of unpaired sources from that of their targets


class TranslationFolderDataModule(TranslationModule):
    """Two domains A and B of images below a folder or in a zip archive.

    Pairs lie side by side in one image, A on the left, or have the same name in the folders of A and B. Resizing,
    window and flip of a pair's images are the same.

    Args:
        path: path of the folder or archive.
        paired: whether A and B are pairs.
        direction: "AtoB": A is translated into B; or "BtoA".
        layout: "folders" (``trainA/`` and ``trainB/``, ``A/`` and ``B/``, ``train/A/``), "side_by_side", or "auto".
        fit: how a picture that is not square becomes so; see ``FolderDataModule``.
        filter: filter of the resampling.
        background: color behind transparent pixels and of the bars of "pad".
        heldout_fraction: held out by the hash of the names where no folder is held out.
        flip: mirror each training pair with probability one half.
        crop_from: size of the training images out of which windows of ``resolution`` are cut at random, or None.
            Images for evaluation are resized to ``resolution`` as they are.
        on_bad: "stop" or, without pairs, "skip" when images cannot be used.
        name: name of the data set, beside its scores; None: the folder's or archive's name.
        loading: resources for reading; None: the defaults.
        domains: see ``TranslationModule``; the seed is that of windows and flips, too.

    Raises:
        ValueError: for a value out of range, or if there is nothing at ``path``.
    """

    def __init__(
        self,
        *,
        path: str,
        paired: bool,
        direction: Direction = "AtoB",
        layout: Layout = "auto",
        fit: Fit = "stretch",
        filter: Filter = "bicubic",
        background: str = "white",
        heldout_fraction: float = 0.0,
        flip: bool = False,
        crop_from: int | None = None,
        on_bad: OnBad = "stop",
        name: str | None = None,
        loading: Loading | None = None,
        **domains: Unpack[TwoDomains],
    ) -> None:
        if direction not in ("AtoB", "BtoA"):
            raise ValueError(f"data.direction must be 'AtoB' or 'BtoA', got {direction!r}")
        if layout not in LAYOUTS:
            raise ValueError(f"data.layout must be one of {', '.join(LAYOUTS)}, got {layout!r}")
        if not 0 <= heldout_fraction < 1:
            raise ValueError(f"data.heldout_fraction must lie in [0, 1), got {heldout_fraction}")
        if paired and on_bad == "skip":
            raise ValueError(
                "data.on_bad must be 'stop' for pairs: leaving out one image would leave the other without a partner"
            )
        super().__init__(f"{name or Path(os.path.expanduser(path)).absolute().stem} {direction}", paired, **domains)
        self.direction = direction
        self.fit = fit
        self.layout: Layout = layout
        self.heldout_fraction = heldout_fraction
        self.loading = loading or Loading()
        self._files = open_files(path, cache=self.loading.folder(FOLDER) if self.loading.keep else None)

        def domain(role: Role, *, whole: bool) -> DomainPictures:
            letter = direction[0] if role == "source" else direction[-1]
            return DomainPictures(
                f"{self.dataset}, domain {letter}",
                role=role,
                sources=partial(self.domain, letter),
                skippable=not paired,
                facts=self.facts,
                resolution=self.resolution,
                channels=self.source_channels if role == "source" else self.channels,
                batch_size=self.batch_size,
                seed=mix(self.seed, _UNPAIRED) if role == "source" and not paired else self.seed,
                fit=fit,
                filter=filter,
                background=background,
                flip=flip and not whole,
                crop_from=None if whole else crop_from,
                on_bad=on_bad,
                loading=self.loading,
            )

        self._domains = {
            whole: (domain("source", whole=whole), domain("target", whole=whole)) for whole in (False, True)
        }

    @cached_property
    def splits(self) -> dict[str, Domains]:
        """Names of the images, by split and domain."""
        entries, self._unused = image_entries(self._files)
        where = f"data.path = {self._files.location}"
        root = domain_root(entries)
        self._entries = self._files.below(root, entries)
        return arrange_domains(
            list(self._entries),
            layout=self.layout,
            paired=self.paired,
            heldout_fraction=self.heldout_fraction,
            where=where,
        )

    def facts(self) -> dict[str, Any]:
        """Return how many images each split has of domain A, and which files are not used."""
        counts = {split: len(domains.a) for split, domains in self.splits.items()}
        return {
            "splits": counts,
            "unused_files": unused_facts(self._unused),
            "heldout_in_train": unused_facts(self._in_both),
        }

    @cached_property
    def _in_both(self) -> list[str]:
        """The held-out files that are training images of the same domain, too."""
        if (heldout := self.heldout_split) is None:
            return []
        letters = "A" if self.splits["train"].b is None else "AB"
        return [
            name for letter in letters for name in in_both(self.files("train", letter), self.files(heldout, letter))
        ]

    def domain(self, letter: str, split: str) -> ImageSource:
        """Return the images of domain "A" or "B" of a split.

        Raises:
            DataError: for a split that does not exist.
        """
        if split not in self.splits:
            raise DataError(f"{self._files.location} has no split {split!r}, only {', '.join(self.splits)}")
        files = self.files(split, letter)
        if self.splits[split].b is not None:
            return files
        return HalfImages(files, left=letter == "A", of_any_shape=self.layout == "side_by_side")

    def files(self, split: str, letter: str) -> FileImages:
        """Return the files of domain "A" or "B" of a split, or those that hold both."""
        names = self.splits[split]
        chosen = names.a if letter == "A" or names.b is None else names.b
        return FileImages(self._files, [self._entries[name] for name in chosen])

    def domains(self, *, whole: bool) -> tuple[DomainPictures, DomainPictures]:
        """Return source and target: ``whole``, or cropped and mirrored at random."""
        return self._domains[whole]

    @property
    def heldout_split(self) -> str | None:  # type: ignore[override]
        """Name of the split that training never sees, or None."""
        return heldout_of(self.splits)

    @property
    def images_per_epoch(self) -> int:
        """Number of training pairs, or of images of the larger domain; all held-out images are looked at, too.

        Raises:
            DataError: naming the images of either domain and split that cannot be used.
        """
        problems: dict[str, str] = {}
        looked = [(domain, "train") for domain in self.domains(whole=False)]
        if self.heldout_split is not None:
            looked += [(domain, self.heldout_split) for domain in self.domains(whole=True)]
        for domain, split in looked:
            try:
                domain.looked(split)
            except DataError as error:
                files = str(error).partition("\n")[2]
                problems.setdefault(files, str(error))  # both halves of a file are bad, which is said once
        if problems:
            raise DataError("\n".join(problems.values()))
        for split in dict.fromkeys(split for _, split in looked) if self.paired else ():
            self._check_shapes(split)
        return super().images_per_epoch

    def _check_shapes(self, split: str) -> None:
        """Refuse pairs whose images have different shapes, which would not lie over one another; "stretch" warns.

        Raises:
            DataError: naming the pairs.
        """
        source, target = (domain.looked(split) for domain in self.domains(whole=split != "train"))
        if source.report.sizes_digest and source.report.sizes_digest == target.report.sizes_digest:
            return
        complaints = []
        for index in range(len(source)):
            (name, size), (other, other_size) = (
                (found.source.name(index), upright_size(found.source.open(index))) for found in (source, target)
            )
            if not same_shape(size, other_size):
                sizes = ["x".join(map(str, one)) for one in (size, other_size)]
                complaints.append(f"{name} is {sizes[0]}, {other} is {sizes[1]}")
        if not complaints:
            return
        message = f"{self.dataset}, {split} images: pairs have different shapes: {listed(complaints)}"
        if self.fit != "stretch":
            raise DataError(f"{message}; data.fit=stretch ignores aspect ratios")
        log.warning("%s; they are stretched over one another", message)


def same_shape(a: tuple[int, int], b: tuple[int, int]) -> bool:
    """Say whether two sizes have the same aspect ratio, to within a pixel."""
    return abs(a[0] * b[1] - a[1] * b[0]) <= max(*a, *b)

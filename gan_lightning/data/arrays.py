"""Your own images as arrays in NumPy's files, .npy or .npz."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Unpack

import numpy as np
from numpy.typing import NDArray

from gan_lightning.core.machine import memory_bytes
from gan_lightning.data.errors import DataError
from gan_lightning.data.layout import listed
from gan_lightning.data.pictures import Pictures, PicturesDataModule
from gan_lightning.data.source import ArrayImages, Arrays, ImageSource, labeled_arrays

HELDOUT = "heldout"
"""Split of the file that ``heldout`` names."""


class ArraysDataModule(PicturesDataModule):
    """Images in one array of a file: uint8 ``(N, H, W)``, ``(N, H, W, C)`` or ``(N, C, H, W)`` with 1 or 3 channels.

    A ``.npz`` file, as ``gan-sample out=samples.npz`` writes it, holds the images and, for ``classes``, one array of
    class indices ``(N,)``. A ``.npy`` file holds the images alone, and stays on disk until an image is asked for.

    Args:
        path: path of the training images.
        labels: ``.npy`` file of their class indices; None: they are in ``path``.
        heldout: file of images that training never sees, or None.
        heldout_labels: ``.npy`` file of their class indices; None: they are in ``heldout``.
        pictures: see ``PicturesDataModule``.

    Raises:
        ValueError: for a value out of range, or a file of another kind.
    """

    def __init__(
        self,
        *,
        path: str,
        labels: str | None = None,
        heldout: str | None = None,
        heldout_labels: str | None = None,
        **pictures: Unpack[Pictures],
    ) -> None:
        super().__init__(Path(path).stem, **pictures)
        apart = None if labels is None else StoredArrays("labels", labels)
        self._files = {"train": (StoredArrays("path", path), apart)}
        if heldout is not None:
            apart = None if heldout_labels is None else StoredArrays("heldout_labels", heldout_labels)
            self._files[HELDOUT] = (StoredArrays("heldout", heldout), apart)
            if Path(os.path.expanduser(heldout)).resolve() == Path(os.path.expanduser(path)).resolve():
                raise ValueError(f"data.heldout must be another file than data.path, got {heldout} for both")
        self.heldout_split = None if heldout is None else HELDOUT
        for images, apart in self._files.values():
            images.check(".npz", ".npy")
            if apart is not None:
                apart.check(".npy")

    def source(self, split: str) -> ImageSource:
        """Return the images of a split.

        Raises:
            DataError: for a split that no file was named for, or files that are missing or hold something else.
        """
        if split not in self._files:
            raise DataError(f"data=arrays has no split {split!r}, only {', '.join(self._files)}; see data.heldout")
        file, apart = self._files[split]

        def load() -> Arrays:
            arrays = read_arrays(file.path, file.what)
            images = channels_last(the_images(arrays, file.what, axes=(3, 4)), file.what)
            if self.classes is None:
                return Arrays(images)
            labels_file = apart or file
            stored = arrays if apart is None else read_arrays(apart.path, apart.what)
            indices = the_labels(stored, labels_file.what, count=len(images))
            if indices is None:
                raise DataError(f"{labels_file.what}: expected one array of labels, integers ({len(images)},)")
            return labeled_arrays(
                images,
                indices.tolist(),
                images_of=file.what,
                labels_of=labels_file.what,
                classes=self.stored_classes,
            )

        return ArrayImages(f"arrays {self.classes is not None} {file.version} {apart and apart.version}", load)


class StoredArrays(NamedTuple):
    """A file that the config names: its key below ``data``, and what it is set to."""

    key: str
    name: str

    @property
    def what(self) -> str:
        """What to call it in messages."""
        return f"data.{self.key} = {self.name}"

    @property
    def path(self) -> Path:
        """Where it is."""
        return Path(os.path.expanduser(self.name))

    @property
    def version(self) -> tuple[str, int, int] | None:
        """What changes when its content does; None if it is not there."""
        if not self.path.is_file():
            return None
        facts = self.path.stat()
        return str(self.path.absolute()), facts.st_size, facts.st_mtime_ns

    def check(self, *kinds: str) -> None:
        """Refuse a name that ends in none of ``kinds``.

        Raises:
            ValueError: naming the key.
        """
        if not self.name.lower().endswith(kinds):
            raise ValueError(f"data.{self.key} must be a file that ends in {' or '.join(kinds)}, got {self.name!r}")


def read_arrays(path: Path, what: str) -> dict[str, NDArray[Any]]:
    """Read the arrays of a ``.npz`` file by their names, or map the one of a ``.npy`` file.

    Args:
        path: path of the file.
        what: its config key and name, for messages.

    Raises:
        DataError: if there is no such file, or it is damaged or holds Python objects.
    """
    if not path.is_file():
        raise DataError(f"{what}: there is no such file")
    kind = path.suffix.lower()
    damaged = f"{what}: not a complete {kind} file"
    if kind == ".npz" and not zipfile.is_zipfile(path):  # numpy would take it for a pickle, and advise to load that
        raise DataError(f"{damaged}, which numpy.savez or gan-sample writes")
    try:
        if kind == ".npy":
            return {path.name: np.lib.format.open_memmap(path, mode="r")}
        check_size(path, damaged)
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, MemoryError) as error:
        raise DataError(f"{damaged} of plain arrays: {error}") from error
    if others := [name for name, array in arrays.items() if not isinstance(array, np.ndarray)]:
        raise DataError(f"{damaged} of plain arrays: {listed(others)} is not an array")
    return arrays


def check_size(path: Path, damaged: str) -> None:
    """Refuse a ``.npz`` file whose arrays, unpacked, would not fit into the memory: few bytes may describe many.

    Raises:
        DataError: naming both sizes.
    """
    with zipfile.ZipFile(path) as archive:
        needed = sum(member.file_size for member in archive.infolist())
    if needed > (there := memory_bytes()):
        raise DataError(
            f"{damaged} that fits: unpacked it takes {needed / 1e9:.0f} GB, the memory is {there / 1e9:.0f} GB"
        )


def the_images(arrays: Mapping[str, NDArray[Any]], what: str, *, axes: Collection[int]) -> NDArray[np.uint8]:
    """Return the only array whose number of axes is in ``axes``.

    Raises:
        DataError: if there is another number of them, or it holds no uint8 images.
    """
    images = [array for array in arrays.values() if array.ndim in axes]
    if len(images) != 1 or images[0].dtype != np.uint8 or images[0].size == 0:
        held = ", ".join(f"{name} {array.dtype} {array.shape}" for name, array in arrays.items()) or "nothing"
        raise DataError(f"{what}: expected one array of images, uint8 (N, H, W, 1 or 3); it holds {held}")
    return images[0]


def the_labels(arrays: Mapping[str, NDArray[Any]], what: str, *, count: int) -> NDArray[np.integer[Any]] | None:
    """Return the only integer array ``(count,)``; None if there is none, or more than one.

    Raises:
        DataError: if one is of another length.
    """
    flat = {name: array for name, array in arrays.items() if array.ndim == 1 and np.issubdtype(array.dtype, np.integer)}
    for name, array in flat.items():
        if len(array) != count:
            raise DataError(f"{what}: {name} has {len(array)} labels for {count} images")
    return next(iter(flat.values())) if len(flat) == 1 else None


def channels_last(images: NDArray[np.uint8], what: str) -> NDArray[np.uint8]:
    """Return images as ``(N, H, W)`` or ``(N, H, W, 3)``, whichever way their channels lie.

    Raises:
        DataError: if neither place holds 1 or 3 channels, or the array is rather a single image in color.
    """
    if images.ndim == 3:
        if images.shape[2] in (1, 3, 4):
            raise DataError(
                f"{what}: expected (N, H, W) or (N, H, W, 1 or 3), the array is {images.shape}, like one image"
            )
        return images
    if images.shape[3] not in (1, 3):
        if images.shape[1] not in (1, 3):
            raise DataError(f"{what}: images must have 1 or 3 channels, the array is {images.shape}")
        images = images.transpose(0, 2, 3, 1)
    return images[..., 0] if images.shape[3] == 1 else images

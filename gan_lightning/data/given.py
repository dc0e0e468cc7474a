"""Images that somebody hands over for an evaluation: a folder, a zip archive, or arrays in a .npz file."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from gan_lightning.data.archive import open_files
from gan_lightning.data.arrangement import arrange
from gan_lightning.data.errors import BadImage, DataError, decoding
from gan_lightning.data.files import is_image
from gan_lightning.data.images import EvaluationImages, TensorImages
from gan_lightning.data.loading import Loading
from gan_lightning.data.preflight import complaints
from gan_lightning.data.source import FileImages
from gan_lightning.data.store import FOLDER, look
from gan_lightning.data.stream import for_evaluation
from gan_lightning.data.transform import Transform

_NAMED = 20


def given_images(
    path: str | Path, *, key: str, split: str, labelled: bool, loading: Loading | None = None
) -> EvaluationImages:
    """Open images that are compared as they are, at the size in which they are stored.

    A folder or archive with ``train/`` at the top has the splits that its folders name; any other is one split,
    whatever ``split`` is called.

    Args:
        path: a folder, a zip archive of images, or a ``.npz`` file with uint8 images and, perhaps, labels.
        key: of the config, for messages.
        split: which part, or what to call it.
        labelled: whether labels are needed: from a label file, class folders, or an integer array in the ``.npz``.
        loading: resources for reading; None: the defaults.

    Raises:
        DataError: if there is nothing, no image, or images that are damaged, not square or of different sizes.
    """
    location = Path(path).expanduser()
    if location.suffix.lower() == ".npz":
        return npz_images(location, key=key, split=split, labelled=labelled)
    loading = loading or Loading()
    files = open_files(location, key=key, cache=loading.folder(FOLDER) if loading.keep else None)
    if not any(is_image(entry.name) for entry in files.entries()):
        raise DataError(f"{key} = {path}: there are no images in it")
    splits = arrange(files, split="auto", heldout_fraction=0.0, labelled=labelled).splits
    if len(splits) > 1 and split not in splits:
        raise DataError(f"{key} = {path}: it has the splits {', '.join(splits)}, not {split!r}")
    source = splits[split] if len(splits) > 1 else splits["train"]
    what = f"{key} = {path}"
    transform = Transform(side_of(source, what), 3, "exact")
    found = look(source, transform, loading, min_size=None, what=location.stem)
    if found.report.bad:
        bad = found.report.bad  # a score must not depend on which were left out
        head = f"{what}: {len(bad)} of {len(source)} images are damaged or of another size than the first:"
        raise DataError("\n  ".join([head, *complaints(bad, _NAMED)]))
    return for_evaluation(found, loading, name=location.stem, split=split)


def side_of(source: FileImages, what: str) -> int:
    """Return the height and width of the first image that can be opened.

    Raises:
        DataError: if that is not square, or there is none.
    """
    for index in range(len(source)):
        try:
            with decoding():
                width, height = source.open(index).size
        except BadImage:  # `look` reports it
            continue
        if width != height:
            raise DataError(f"{what}: {source.name(index)} is {width}x{height}; images must be square")
        return width
    raise DataError(f"{what}: none of its {len(source)} files is a readable image")


def npz_images(path: Path, *, key: str, split: str, labelled: bool) -> TensorImages:
    """Read arrays as ``gan-sample`` and the evaluation tools of diffusion models write them.

    The images are the only array of four dimensions, uint8 ``(N, H, W, C)`` or ``(N, C, H, W)`` with 1 or 3 channels;
    the labels the only integer array ``(N,)``.

    Args:
        path: the file.
        key: of the config, for messages.
        split: what to call the images.
        labelled: whether labels are needed.

    Raises:
        DataError: if there is no such file, or it holds something else.
    """
    if not path.is_file():
        raise DataError(f"{key} = {path}: there is no such file")
    if not zipfile.is_zipfile(path):  # numpy would take it for a pickle, and advise to load that
        raise DataError(f"{key} = {path}: not a complete .npz file, which numpy.savez or gan-sample writes")
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise DataError(f"{key} = {path}: not a complete .npz file of plain arrays: {error}") from error
    images = [array for array in arrays.values() if array.ndim == 4]
    if len(images) != 1 or images[0].dtype != np.uint8 or len(images[0]) == 0:
        held = ", ".join(f"{name} {array.dtype} {array.shape}" for name, array in arrays.items()) or "nothing"
        raise DataError(f"{key} = {path}: expected one array of images, uint8 (N, H, W, 1 or 3); it holds {held}")
    pixels = channels_first(images[0], what=f"{key} = {path}")
    if pixels.shape[2] != pixels.shape[3]:
        raise DataError(f"{key} = {path}: its images are {pixels.shape[3]}x{pixels.shape[2]}; images must be square")
    flat = {name: a for name, a in arrays.items() if a.ndim == 1 and np.issubdtype(a.dtype, np.integer)}
    for name, array in flat.items():
        if len(array) != len(pixels):
            raise DataError(f"{key} = {path}: {name} has {len(array)} labels for {len(pixels)} images")
    labels = list(flat.values())
    if labelled and len(labels) != 1:
        raise DataError(f"{key} = {path}: expected one array of labels, integers ({len(pixels)},)")
    return TensorImages(
        images=torch.from_numpy(pixels),
        labels=torch.from_numpy(labels[0].astype(np.int64)) if len(labels) == 1 else None,
        name=path.stem,
        split=split,
    )


def channels_first(images: NDArray[np.uint8], *, what: str) -> NDArray[np.uint8]:
    """Return images as ``(N, C, H, W)``, whichever way their channels lie.

    Raises:
        DataError: if neither place holds 1 or 3 channels.
    """
    if images.shape[3] in (1, 3):
        images = images.transpose(0, 3, 1, 2)
    elif images.shape[1] not in (1, 3):
        raise DataError(f"{what}: images must have 1 or 3 channels, the array is {images.shape}")
    return np.ascontiguousarray(images)

"""Images that are given for an evaluation: a folder, a zip archive, or arrays in a .npz file."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import numpy as np
import torch

from gan_lightning.data.archive import open_files
from gan_lightning.data.arrangement import arrange, unused_lines
from gan_lightning.data.arrays import channels_last, read_arrays, the_images, the_labels
from gan_lightning.data.errors import BadImage, DataError, decoding
from gan_lightning.data.images import EvaluationImages, TensorImages
from gan_lightning.data.loading import Loading
from gan_lightning.data.preflight import complaints, narrow_range
from gan_lightning.data.source import FileImages
from gan_lightning.data.store import FOLDER, look
from gan_lightning.data.stream import for_evaluation
from gan_lightning.data.transform import Transform

log = logging.getLogger(__name__)

_NAMED = 20


def given_images(
    path: str | Path, *, key: str, split: str, labeled: bool, loading: Loading | None = None
) -> EvaluationImages:
    """Open images that are compared as they are, at the size in which they are stored.

    A folder or archive with ``train/`` at the top has the splits that its folders name; any other is one split,
    whatever ``split`` is called.

    Args:
        path: a folder, a zip archive of images, or a ``.npz`` file with uint8 images and, perhaps, labels.
        key: key of the config, for messages.
        split: which part, or what to call it.
        labeled: whether labels are needed: from a label file, class folders, or an integer array in the ``.npz``.
        loading: resources for reading; None: the defaults.

    Raises:
        DataError: if there is nothing, no image, or images that are damaged, not square or of different sizes.
    """
    location = Path(os.path.expanduser(path))
    if location.suffix.lower() == ".npz":
        return npz_images(location, key=key, split=split, labeled=labeled)
    loading = loading or Loading()
    files = open_files(location, key=key, cache=loading.folder(FOLDER) if loading.keep else None)
    arranged = arrange(files, split="auto", heldout_fraction=0.0, labeled=labeled, where=f"{key} = {path}")
    for line in unused_lines(f"{key} = {path}", arranged.facts()):
        log.warning("%s", line)
    splits = arranged.splits
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
    for line in narrow_range(what, found.report.levels):
        log.warning("%s", line)
    return for_evaluation(found, loading, name=location.stem, split=split)


def side_of(source: FileImages, what: str) -> int:
    """Return the height and width of the first image that can be opened.

    Raises:
        DataError: if it is not square, or missing.
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


def npz_images(path: Path, *, key: str, split: str, labeled: bool) -> TensorImages:
    """Read arrays as ``gan-sample`` and the evaluation tools of diffusion models write them.

    The images are the only array of four dimensions, uint8 ``(N, H, W, C)`` or ``(N, C, H, W)`` with 1 or 3 channels;
    the labels the only integer array ``(N,)``.

    Args:
        path: the file.
        key: key of the config, for messages.
        split: what to call the images.
        labeled: whether labels are needed.

    Raises:
        DataError: if there is no such file, or it holds something else.
    """
    what = f"{key} = {path}"
    arrays = read_arrays(path, what)
    stored = channels_last(the_images(arrays, what, axes=(4,)), what)
    pixels = torch.from_numpy(np.ascontiguousarray(stored))
    pixels = pixels.unsqueeze(1) if pixels.ndim == 3 else pixels.permute(0, 3, 1, 2).contiguous()
    height, width = pixels.shape[2:]
    if height != width:
        raise DataError(f"{what}: its images are {width}x{height}; images must be square")
    for line in narrow_range(what, [int(stored.min()), int(stored.max())]):
        log.warning("%s", line)
    labels = the_labels(arrays, what, count=len(pixels))
    if labels is not None and not 0 <= int(labels.min()) <= int(labels.max()) < 2**31:
        raise DataError(f"{what}: its labels are from {labels.min()} to {labels.max()}; classes are numbered from 0")
    if labeled and labels is None:
        raise DataError(f"{what}: expected one array of labels, integers ({len(pixels)},)")
    return TensorImages(
        images=pixels,
        labels=None if labels is None else torch.from_numpy(labels.astype(np.int64)),
        name=path.stem,
        split=split,
    )

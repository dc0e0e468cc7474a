"""Archives of samples as evaluation tools read them, written batch by batch."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.lib import format as npy

from gan_lightning.core.atomic import whole_file

_STAMP = (1980, 1, 1, 0, 0, 0)  # so that the same samples are the same file


def write_npz(
    path: Path, batches: Iterable[np.ndarray], *, shape: Sequence[int], dtype: str, labels: np.ndarray | None
) -> None:
    """Write ``arr_0``, and labels as ``arr_1``, the names and the order that ``numpy.savez`` gives.

    Args:
        path: the file.
        batches: parts of ``arr_0`` along its first dimension, one in memory at a time.
        shape: shape of ``arr_0``, ``(N, H, W, C)`` for images.
        dtype: dtype of ``arr_0``.
        labels: int64 ``(N,)``, or None.

    Raises:
        ValueError: if the batches do not add up to ``shape``.
        OSError: if the file cannot be written.
    """
    with whole_file(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
        with archive.open(zipfile.ZipInfo("arr_0.npy", _STAMP), "w", force_zip64=True) as file:
            header = {
                "descr": npy.dtype_to_descr(np.dtype(dtype)),
                "fortran_order": False,
                "shape": tuple(int(length) for length in shape),
            }
            npy.write_array_header_1_0(file, header)
            count = 0
            for batch in batches:
                if batch.dtype != np.dtype(dtype) or batch.shape[1:] != tuple(shape[1:]):
                    raise ValueError(f"a batch is {batch.dtype} {batch.shape}, expected {dtype} (n, {shape[1:]})")
                file.write(np.ascontiguousarray(batch).tobytes())
                count += len(batch)
            if count != shape[0]:
                raise ValueError(f"there are {count} samples, {shape[0]} were announced")
        if labels is not None:
            with archive.open(zipfile.ZipInfo("arr_1.npy", _STAMP), "w", force_zip64=True) as file:
                npy.write_array(file, labels, allow_pickle=False)

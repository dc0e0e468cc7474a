"""Samples as one picture, as a file each, or as an archive."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.lib import format as npy
from torch import Tensor

from gan_lightning.config import build
from gan_lightning.core.atomic import whole_file, whole_folder, write_atomic
from gan_lightning.core.grids import png, save_grid
from gan_lightning.core.pixels import NonFiniteSamples, to_uint8
from gan_lightning.data.points import MixtureDataModule
from gan_lightning.models.adversarial import AdversarialModule
from gan_lightning.models.sampling import Weights
from gan_lightning.sampling.base import SamplingMode, ending
from gan_lightning.sampling.classes import Labels, Plan, check_count, in_rows, plan
from gan_lightning.sampling.limits import MAX_TILES, check_room, check_room_for_files
from gan_lightning.sampling.progress import progress
from gan_lightning.sampling.scatter import draw_points

MAX_POINTS = 1_000_000
"""More points than a scatter plot has pixels."""
_STAMP = (1980, 1, 1, 0, 0, 0)  # so that the same samples are the same archive
_BATCH_VALUES = 2**24


class Samples(SamplingMode):
    """Draws samples 0 to n-1; sample i is a function of (seed, i), to the bit.

    A ``.png`` file is one picture of all samples, a row or rows for each class if classes are asked for; a folder
    gets a file each; ``.npz`` holds ``arr_0``, uint8 ``(N, H, W, C)``, and the labels ``arr_1`` of a label-conditional
    model. Samples of a model of points are a scatter plot, or float32 ``(N, D)``.

    Args:
        n: number of samples, a multiple of the number of classes; None: 64, or 8 of each class.
        seed: seed of the latent vectors.
        labels: index or name of a class, a list of them, or "all"; None: as in training.
        truncation: largest absolute value of a latent component, see ``Prior.truncate``; psi of a StyleGAN2.
        truncation_cutoff: number of a StyleGAN2's layers, from the first, that psi acts on; None: all.
        rgb: whether an archive gets gray images as three equal channels, as tools for Inception features want them.
    """

    name = "samples"
    suffixes = (".png", "", ".npz")

    def __init__(
        self,
        *,
        n: int | None = None,
        seed: int = 0,
        labels: Labels = None,
        truncation: float | None = None,
        truncation_cutoff: int | None = None,
        rgb: bool = False,
    ) -> None:
        self.n = None if n is None else check_count(n)
        self.seed = seed
        self.labels = labels
        self.truncation = truncation
        self.truncation_cutoff = truncation_cutoff
        self.rgb = rgb

    def write(self, model: AdversarialModule, out: Path, *, weights: Weights, trust: bool) -> str:
        """Draw the samples and write them."""
        if self.n is not None:
            self._check_size(model, self.n, out)
        chosen = plan(model, n=self.n, labels=self.labels)
        model.network(weights)  # refuses weights that do not exist before anything is drawn
        batches = self._batches(model, chosen, weights)
        if ending(out) == ".npz":
            self._write_archive(model, chosen, batches, out)
        elif len(model.generator.sample_shape) == 1:
            self._write_points(model, batches, out, trust=trust)
        elif ending(out) == ".png":
            self._write_grid(chosen, batches, out)
        else:
            self._write_folder(chosen, batches, out)
        noun = "sample" if chosen.count == 1 else "samples"
        return f"{chosen.count} {noun} (seed {self.seed}, {weights} weights)"

    def _check_size(self, model: AdversarialModule, count: int, out: Path) -> None:
        """Refuse what no picture shows or no disk here holds, before labels for all of it are laid out.

        Raises:
            ValueError: saying what would fit.
        """
        shape = model.generator.sample_shape
        if ending(out) == ".npz":
            bytes_per_value = 4 if len(shape) == 1 else 3 if self.rgb and shape[0] == 1 else 1
            check_room(out, count * math.prod(shape) * bytes_per_value, f"n = {count}")
        elif ending(out) == "" and len(shape) == 3:
            check_room_for_files(out, count, f"n = {count}")
        elif ending(out) == ".png" and len(shape) == 3 and count > MAX_TILES:
            raise ValueError(
                f"n = {count}: a picture shows at most {MAX_TILES} samples; write a folder or an archive "
                "(out=NAME or out=NAME.npz)"
            )
        elif count > MAX_POINTS:
            raise ValueError(f"n = {count}: a picture shows at most {MAX_POINTS} points; write out=NAME.npz")

    def _batches(self, model: AdversarialModule, chosen: Plan, weights: Weights) -> Iterator[Tensor]:
        """Yield images as uint8 ``(n, C, H, W)``, or points as they are, on the CPU, in batches that fit memory."""
        shape = model.generator.sample_shape
        size = max(1, min(512, _BATCH_VALUES // math.prod(shape)))
        with progress(chosen.count, "samples") as report:
            for start in range(0, chosen.count, size):
                indices = range(start, min(start + size, chosen.count))
                labels = None if chosen.labels is None else chosen.labels[start : indices.stop]
                inputs = model.inputs(
                    indices,
                    seed=self.seed,
                    labels=labels,
                    truncation=self.truncation,
                    truncation_cutoff=self.truncation_cutoff,
                )
                samples = model.render(inputs, weights=weights).cpu()
                yield samples if len(shape) == 1 else to_uint8(samples)
                report(len(indices))

    def _write_grid(self, chosen: Plan, batches: Iterator[Tensor], out: Path) -> None:
        images = torch.cat(list(batches))
        if chosen.labels is not None:
            sizes = torch.unique_consecutive(chosen.labels, return_counts=True)[1].tolist()
            images = in_rows(images, rows=sizes, columns=chosen.columns)
        save_grid(images, out, columns=chosen.columns)

    def _write_folder(self, chosen: Plan, batches: Iterator[Tensor], out: Path) -> None:
        digits = max(6, len(str(chosen.count - 1)))
        with whole_folder(out) as folder:
            index = 0
            for batch in batches:
                for image in batch.permute(0, 2, 3, 1):
                    (folder / f"{index:0{digits}d}.png").write_bytes(png(image))
                    index += 1

    def _write_archive(self, model: AdversarialModule, chosen: Plan, batches: Iterator[Tensor], out: Path) -> None:
        shape: tuple[int, ...] = model.generator.sample_shape
        drawn = model.sample_labels(range(chosen.count), seed=self.seed) if chosen.labels is None else chosen.labels
        labels = None if drawn is None else drawn.numpy()
        if len(shape) == 1:
            arrays = (finite(batch).numpy() for batch in batches)
            write_npz(out, arrays, shape=(chosen.count, *shape), dtype="float32", labels=labels)
            return
        channels, height, width = shape
        repeats = 3 if self.rgb and channels == 1 else 1
        arrays = (batch.permute(0, 2, 3, 1).repeat(1, 1, 1, repeats).numpy() for batch in batches)
        size = (chosen.count, height, width, channels * repeats)
        write_npz(out, arrays, shape=size, dtype="uint8", labels=labels)

    def _write_points(self, model: AdversarialModule, batches: Iterator[Tensor], out: Path, *, trust: bool) -> None:
        data = build((model.run_config or {}).get("data"), trust=trust, key="data")
        if ending(out) != ".png" or not isinstance(data, MixtureDataModule):
            raise ValueError(f"out = {out}: this model makes points, which are drawn as .png or written as .npz")
        write_atomic(out, png(draw_points(torch.cat(list(batches)), data.mixture)))


def finite(points: Tensor) -> Tensor:
    """Return points unchanged.

    Raises:
        NonFiniteSamples: if one is NaN or infinite.
    """
    if not points.isfinite().all():
        raise NonFiniteSamples("a coordinate is NaN or infinite")
    return points


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

"""Images per second of each path against torchvision's ``ImageFolder`` with a ``DataLoader``.

All paths deliver float batches in [-1, 1] of the same JPEG files, mirrored at random, in alternating blocks of one
process, since machines are noisy. Run with ``make bench``; the figures are printed and stored with pytest-benchmark's.
"""

from __future__ import annotations

import io
import itertools
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from torch.utils.data import DataLoader

from gan_lightning.data import FolderDataModule, Loading

BATCH = 64
PREFETCH = 2  # batches per worker, torch's default
SETTLE_S = 1.0


def photographs(folder: Path, count: int, size: int) -> Path:
    """Write smooth random JPEG files in two class folders."""
    random = np.random.default_rng(0)
    for number in range(count):
        coarse = Image.fromarray(random.integers(0, 256, (8, 8, 3), dtype=np.uint8))
        path = folder / f"class{number % 2}" / f"{number:06d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        coarse.resize((size, size), Image.Resampling.BICUBIC).save(path, quality=90)
    return folder


def image_folder(path: Path, resolution: int, workers: int) -> Iterator[Any]:
    """Yield what a person would write without a framework, for ever."""
    from torchvision import datasets, transforms

    steps = [
        transforms.Resize(resolution),
        transforms.CenterCrop(resolution),
        transforms.RandomHorizontalFlip(),
        transforms.ToTensor(),
        transforms.Normalize([0.5] * 3, [0.5] * 3),
    ]
    loader = DataLoader(
        datasets.ImageFolder(str(path), transforms.Compose(steps)),
        batch_size=BATCH,
        shuffle=True,
        drop_last=True,
        num_workers=workers,
        persistent_workers=workers > 0,
    )
    while True:
        yield from loader


def module(path: Path, resolution: int, cache: Path, *, memory: bool, workers: int) -> FolderDataModule:
    loading = Loading(memory_fraction=0.5 if memory else 0.0, workers=workers, prefetch=PREFETCH, cache_dir=str(cache))
    return FolderDataModule(
        path=str(path),
        resolution=resolution,
        batch_size=BATCH,
        classes=2,
        flip=True,
        filter="bilinear",
        loading=loading,
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("stored", "resolution", "count", "steps"), [(32, 32, 4096, (40, 600)), (320, 256, 512, (8, 40))]
)
def test_images_per_second(
    benchmark: Any, tmp_path: Path, stored: int, resolution: int, count: int, steps: tuple[int, int]
) -> None:
    path = photographs(tmp_path / "set", count, stored)
    workers = 2
    paths = {
        "ImageFolder": (image_folder(path, resolution, workers), steps[0]),
        "stream": (
            iter(module(path, resolution, tmp_path / "cache", memory=False, workers=workers).train_dataloader()),
            steps[0],
        ),
        "memory": (
            iter(module(path, resolution, tmp_path / "cache", memory=True, workers=workers).train_dataloader()),
            steps[1],
        ),
    }
    rates: dict[str, list[float]] = {name: [] for name in paths}

    def one_round() -> None:
        for name, (batches, count_of_batches) in paths.items():
            # let the other paths' workers fill their queues and rest, and empty this one's
            time.sleep(SETTLE_S)
            for _ in itertools.islice(batches, 2 * PREFETCH):
                pass
            started = time.perf_counter()
            for _ in itertools.islice(batches, count_of_batches):
                pass
            rates[name].append(count_of_batches * BATCH / (time.perf_counter() - started))

    benchmark.pedantic(one_round, rounds=5, iterations=1, warmup_rounds=1)
    medians = {name: statistics.median(values) for name, values in rates.items()}
    for name, value in medians.items():
        times = value / medians["ImageFolder"]
        print(f"{resolution}x{resolution} {name}: {value:.0f} images/s, {times:.2f} times ImageFolder")
    benchmark.extra_info.update(medians)
    assert medians["stream"] > 0.9 * medians["ImageFolder"]
    assert medians["memory"] > 10 * medians["ImageFolder"] * (32 / resolution)


@pytest.mark.slow
def test_seconds_of_a_warm_start(benchmark: Any, tmp_path: Path) -> None:
    """50,000 images of 32x32 whose pixels are in the cache."""
    content = io.BytesIO()
    Image.new("RGB", (32, 32), "red").save(content, "PNG")
    for number in range(50_000):
        path = tmp_path / "set" / f"class{number % 10}" / f"{number:05d}.png"
        if number < 10:
            path.parent.mkdir(parents=True)
        path.write_bytes(content.getvalue())
    started = time.perf_counter()
    start(tmp_path)
    cold_s = time.perf_counter() - started
    benchmark.pedantic(start, args=(tmp_path,), rounds=5, iterations=1)
    warm_s = benchmark.stats.stats.median
    print(f"start with 50,000 images of 32x32: {cold_s:.2f} s cold, {warm_s:.2f} s warm")
    assert warm_s < 2


def start(folder: Path) -> None:
    """Go from nothing to the first batch."""
    loading = Loading(cache_dir=str(folder / "cache"))
    data = FolderDataModule(path=str(folder / "set"), resolution=32, classes=10, loading=loading)
    next(iter(data.train_dataloader()))

"""Files that are loaded back never load as other numbers, whichever bit of them is flipped."""

from __future__ import annotations

import copy
import os
import random

import pytest
import torch

from gan_lightning.core.checkpoint import FORMAT, RECORD, CheckpointError, read_checkpoint
from gan_lightning.core.container import read_container, write_container
from gan_lightning.data import Loading
from gan_lightning.data.source import ArrayImages, Arrays
from gan_lightning.data.store import look, read_pixels
from gan_lightning.data.transform import Transform
from gan_lightning.metrics.extract_features import FeatureSet
from gan_lightning.metrics.statistics import Derived, load_statistics, save_statistics
from gan_lightning.metrics.transport import Moments
from tests.conftest import LONG


def checkpoint(folder):
    """A file, and what reads it: None where it is refused."""
    path = folder / "latest.ckpt"
    state = {"state_dict": torch.nn.Linear(7, 5).state_dict(), "optimizer_states": [{"step": torch.tensor(3.0)}]}
    write_container(path, {**state, RECORD: {"format": FORMAT, "images_seen": 640, "config": {"seed": 1}}})

    def read():
        try:
            return read_checkpoint(path)
        except CheckpointError as error:
            return None if str(path) in str(error) else error

    return path, read


def pixels(folder):
    images = torch.randint(0, 256, (6, 8, 8, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)).numpy()
    source = ArrayImages("six", lambda: Arrays(images, torch.arange(6) % 2, ["a", "b"]))
    transform, loading = Transform(8), Loading(cache_dir=str(folder), workers=0)
    look(source, transform, loading, min_size=None, what="six")
    (path,) = folder.rglob("*.pt")

    def read():
        found = read_pixels(path, source, transform)
        return None if found is None else [found.pixels, found.labels, found.fingerprint, found.report]

    return path, read


def statistics(folder):
    features = torch.randn(9, 4, generator=torch.Generator().manual_seed(0))
    path = folder / "statistics.pt"
    save_statistics(path, FeatureSet(moments=Moments.of(features), features=features))

    def read():
        found = load_statistics(path)
        return (
            None if found is None else [found.moments.count, found.moments.mean, found.moments.scatter, found.features]
        )

    return path, read


def derived(folder):
    kept = Derived(folder / "statistics.pt")
    value = torch.randn(11, generator=torch.Generator().manual_seed(0))
    kept.get("radii", lambda: value)

    def read():
        found = kept.get("radii", lambda: torch.zeros(1))
        return None if len(found) == 1 else found

    return folder / "statistics-radii.pt", read


def same(a, b):
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b


@pytest.mark.parametrize("make", [pixels, statistics, derived])
def test_what_was_kept_of_other_data_is_not_taken_for_these(make, tmp_path, caplog):
    path, read = make(tmp_path)
    assert read() is not None
    write_container(path, {**read_container(path), "kept_as": "other.pt"})
    assert read() is None
    assert f"{path} is of other data: it was kept as other.pt; it was renamed to {path.name}.damaged" in caplog.text


@pytest.mark.parametrize(
    ("make", "flips"),
    [
        *((make, 500) for make in (checkpoint, pixels, statistics)),
        (derived, 50),
        pytest.param(derived, 500, marks=LONG),  # it is written again each time
    ],
)
def test_a_flipped_bit_never_loads_as_other_numbers(make, flips, tmp_path):
    path, read = make(tmp_path)
    content, whole, draw = copy.deepcopy(read()), path.read_bytes(), random.Random(0)  # pixels are mapped
    assert content is not None
    for bit in draw.sample(range(8 * len(whole)), flips):
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        found = read()
        assert found is None, bit
        aside = path.with_name(f"{path.name}.damaged")
        if aside.exists():  # moved, and not lost
            assert aside.read_bytes() == damaged
            os.unlink(aside)
    path.write_bytes(whole)
    assert same(read(), content)

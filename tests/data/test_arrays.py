"""Images in .npy and .npz files of the test's own making, whole and damaged."""

import io
import itertools

import numpy as np
import pytest
import torch

from gan_lightning.data import ArraysDataModule, Loading
from gan_lightning.data import arrays as reading
from gan_lightning.data.errors import DataError
from tests.data.pictures import write_zip

RANDOM = np.random.default_rng(0)
COLOR = RANDOM.integers(0, 256, (7, 8, 8, 3), dtype=np.uint8)
GRAY = RANDOM.integers(0, 256, (7, 8, 8), dtype=np.uint8)
LABELS = np.array([0, 1, 2, 0, 1, 2, 0])


@pytest.fixture
def module(tmp_path):
    def make(path, **arguments):
        loading = Loading(cache_dir=str(tmp_path / "cache"), workers=0)
        given = {"resolution": 8, "batch_size": 4, "loading": loading, **arguments}
        return ArraysDataModule(path=str(path), **given)

    return make


def save(path, *arrays):
    if path.suffix == ".npy":
        np.save(path, *arrays)
    else:
        np.savez(path, *arrays)
    return path


@pytest.mark.parametrize("kind", ["npy", "npz"])
@pytest.mark.parametrize(
    ("stored", "pixels"),
    [
        (COLOR, COLOR.transpose(0, 3, 1, 2)),
        (COLOR.transpose(0, 3, 1, 2), COLOR.transpose(0, 3, 1, 2)),
        (GRAY, GRAY[:, None]),
        (GRAY[..., None], GRAY[:, None]),
        (GRAY[:, None], GRAY[:, None]),
    ],
    ids=["channels last", "channels first", "grey", "one channel last", "one channel first"],
)
def test_the_pixels_are_those_of_the_array(kind, stored, pixels, tmp_path, module):
    data = module(save(tmp_path / f"a.{kind}", np.ascontiguousarray(stored)), channels=pixels.shape[1])
    assert np.array_equal(data.looked("train").pixels.numpy(), pixels)
    assert (data.dataset, data.heldout_split, data.images_per_epoch) == ("a", None, 7)


@pytest.mark.parametrize("kind", ["npy", "npz"])
def test_labels_and_held_out_images_are_found(kind, tmp_path, module):
    together = [LABELS] if kind == "npz" else []
    apart = {}
    if kind == "npy":
        apart = {
            "labels": str(save(tmp_path / "labels.npy", LABELS.astype(np.uint8))),
            "heldout_labels": str(save(tmp_path / "other_labels.npy", LABELS[::-1])),
        }
    path = save(tmp_path / f"a.{kind}", COLOR, *together)
    held = save(tmp_path / f"b.{kind}", COLOR[::-1], *(labels[::-1] for labels in together))
    data = module(path, classes=3, heldout=str(held), **apart)
    assert data.looked("train").labels.tolist() == LABELS.tolist()
    assert data.label_counts().tolist() == [3, 2, 2]
    assert data.heldout_split == "heldout"
    shown = data.evaluation_images("heldout")
    assert torch.equal(shown.take([0]), torch.from_numpy(COLOR[6:].transpose(0, 3, 1, 2).copy()))
    assert shown.labels.tolist() == LABELS[::-1].tolist()
    assert module(path, classes=2, only_classes=[2, "0"], **apart).label_counts().tolist() == [2, 3]
    assert module(path).label_counts() is None


def test_a_large_array_is_read_image_by_image(tmp_path, module):
    path = save(tmp_path / "a.npy", COLOR)
    stream = Loading(memory_fraction=0, workers=0, cache_dir=str(tmp_path / "cache"))
    data = module(path, loading=stream)
    assert isinstance(data.source("train").arrays.pixels, np.memmap)
    assert data.looked("train").pixels is None
    batches = zip(data.train_dataloader(), module(path).train_dataloader(), strict=False)
    for streamed, held in itertools.islice(batches, 4):
        assert torch.equal(streamed.images, held.images)


def test_a_changed_file_is_decoded_again(tmp_path, module):
    path = save(tmp_path / "a.npy", COLOR)
    first = module(path).looked("train").fingerprint
    assert module(path).looked("train").fingerprint == first
    save(path, COLOR[:5])
    assert module(path).images_per_epoch == 5


@pytest.mark.parametrize(
    ("file", "arrays", "arguments", "message"),
    [
        ("a.npz", [], {}, r"data\.path = .*a\.npz: expected one array of images, .*it holds nothing"),
        ("a.npz", [COLOR, GRAY], {}, "expected one array of images"),
        ("a.npy", [COLOR.astype(np.float32)], {}, r"uint8 \(N, H, W, 1 or 3\); it holds a\.npy float32"),
        ("a.npy", [COLOR[:0]], {}, "expected one array of images"),
        ("a.npy", [COLOR[:, :0]], {}, "expected one array of images"),
        ("a.npy", [np.zeros((4, 8, 8, 2), np.uint8)], {}, "must have 1 or 3 channels"),
        ("a.npy", [COLOR[0]], {}, r"the array is \(\d+, \d+, 3\), like one image"),
        ("a.npy", [np.array([{}], dtype=object)], {}, r"not a complete \.npy file of plain arrays"),
        ("a.npz", [COLOR], {"classes": 3}, r"expected one array of labels, integers \(7,\)"),
        ("a.npz", [COLOR, LABELS[:5]], {"classes": 3}, "arr_1 has 5 labels for 7 images"),
        ("a.npz", [COLOR, LABELS], {"classes": 2}, r"data\.classes is 2, but .* has labels up to 2"),
        ("a.npz", [COLOR, LABELS - 1], {"classes": 3}, "has labels down to -1"),
    ],
)
def test_files_of_something_else_are_refused(file, arrays, arguments, message, tmp_path, module):
    data = module(save(tmp_path / file, *arrays), **arguments)
    with pytest.raises(DataError, match=message):
        _ = data.images_per_epoch


def test_missing_and_cut_off_files_and_splits_are_named(tmp_path, module):
    with pytest.raises(DataError, match=r"data\.path = .*b\.npy: there is no such file"):
        _ = module(tmp_path / "b.npy").images_per_epoch
    path = save(tmp_path / "a.npy", COLOR)
    with pytest.raises(DataError, match=r"data\.heldout = .*: there is no such file"):
        module(path, heldout=str(tmp_path / "b.npz")).evaluation_images("heldout")
    with pytest.raises(DataError, match=r"no split 'test', only train; see data\.heldout"):
        module(path).evaluation_images("test")
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataError, match=r"not a complete \.npy file"):
        _ = module(path).images_per_epoch


def test_what_is_trained_on_is_not_held_out(tmp_path, module):
    path = save(tmp_path / "a.npy", COLOR)
    with pytest.raises(ValueError, match=r"data\.heldout must be another file than data\.path, got .*a\.npy for both"):
        module(path, heldout=str(tmp_path / "x" / ".." / "a.npy"))


def header(*shape: int) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": "|u1", "fortran_order": False, "shape": shape})
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"a.npy": header(2, 4, 4, 3) + bytes(96), "readme.txt": b"hello"}, "readme.txt is not an array"),
        ({"a.npy": header(10**9, 64, 64, 3)}, "not a complete"),
        ({"a.npy": header(2, 4, 4, 3) + bytes(96), "big.npy": header(9000) + bytes(9000)}, "unpacked it takes 0 GB"),
        ({"../../a.npy": header(2, 4, 4, 3) + bytes(95)}, "not a complete"),
    ],
)
def test_archives_that_hold_or_promise_something_else_are_refused(members, message, tmp_path, module, monkeypatch):
    monkeypatch.setattr(reading, "memory_bytes", lambda: 5000)
    path = write_zip(tmp_path / "a.npz", members)
    with pytest.raises(DataError, match=message):
        _ = module(path).images_per_epoch


@pytest.mark.parametrize("key", ["path", "heldout", "labels", "heldout_labels"])
def test_files_of_another_kind_are_refused(key, module):
    given = {"path": "a.npy", "heldout": "b.npy", key: "c.png"}
    with pytest.raises(ValueError, match=rf"data\.{key} must be a file that ends in .*\.npy, got 'c\.png'"):
        module(**given)

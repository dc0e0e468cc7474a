"""Images that are handed over: a folder, an archive, or arrays."""

import numpy as np
import pytest
import torch
from PIL import Image

from gan_lightning.data import DataError
from gan_lightning.data.given import given_images
from gan_lightning.data.loading import Loading

PIXELS = torch.randint(0, 256, (6, 3, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def write(folder, names):
    for name, pixels in zip(names, PIXELS, strict=True):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels.permute(1, 2, 0).numpy()).save(path)
    return folder


def given(path, **options):
    defaults = {"key": "generated", "split": "train", "labeled": False, "loading": Loading(keep=False)}
    return given_images(path, **(defaults | options))


def content(images):
    return torch.cat(list(images.batches(4)))


@pytest.mark.parametrize("stream", [False, True])
def test_a_folder_is_taken_whole_in_the_order_of_its_names(tmp_path, stream):
    write(tmp_path, [f"{i}.png" for i in range(6)])
    loading = Loading(keep=False, memory_fraction=0.0 if stream else 0.5, workers=0)
    images = given(tmp_path, split="heldout", loading=loading)
    assert torch.equal(content(images), PIXELS)
    assert torch.equal(images.take([4, 1]), PIXELS[[4, 1]])
    assert (images.name, images.split, images.labels) == (tmp_path.stem, "heldout", None)


@pytest.mark.parametrize("stream", [False, True])
def test_splits_and_classes_are_those_of_the_folders(tmp_path, stream):
    names = ["test/a/0", "test/b/0", "train/a/0", "train/a/1", "train/b/0", "train/b/1"]
    write(tmp_path, [f"{name}.png" for name in names])
    loading = Loading(keep=False, memory_fraction=0.0 if stream else 0.5, workers=0)
    images = given(tmp_path, labeled=True, split="test", loading=loading)
    assert (images.labels.tolist(), images.class_names) == ([0, 1], ["a", "b"])
    assert torch.equal(content(images), PIXELS[:2])
    with pytest.raises(DataError, match=r"it has the splits (test, train|train, test), not 'val'"):
        given(tmp_path, split="val")


@pytest.mark.parametrize("last", [True, False])
def test_arrays_may_have_their_channels_first_or_last(tmp_path, last):
    pixels = PIXELS.permute(0, 2, 3, 1) if last else PIXELS
    np.savez(tmp_path / "a.npz", pixels.numpy(), np.arange(6) % 2)
    images = given(tmp_path / "a.npz", labeled=True)
    assert torch.equal(content(images), PIXELS)
    assert images.labels.tolist() == [0, 1] * 3


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"arr_0": np.zeros((5, 8, 8, 3), np.float32)}, r"uint8 \(N, H, W, 1 or 3\).*float32"),
        ({"arr_0": np.zeros((5, 8, 8), np.uint8)}, r"it holds arr_0 uint8 \(5, 8, 8\)"),
        ({"arr_0": np.zeros((0, 8, 8, 3), np.uint8)}, "expected one array of images"),
        ({"arr_0": np.zeros((5, 8, 8, 4), np.uint8)}, "1 or 3 channels"),
        ({"a": np.zeros((5, 8, 8, 3), np.uint8), "b": np.zeros((5, 8, 8, 3), np.uint8)}, "expected one array"),
        ({}, "it holds nothing"),
        (
            {"a": PIXELS.numpy(), "b": np.full(len(PIXELS), 2**63, np.uint64)},
            "its labels are from 9223372036854775808 to",
        ),
        ({"a": PIXELS.numpy(), "b": -np.ones(len(PIXELS), np.int64)}, "its labels are from -1 to -1"),
        ({"a": np.array([{}], dtype=object)}, "not a complete .npz file of plain arrays"),
    ],
)
def test_arrays_of_something_else_are_refused(tmp_path, arrays, message):
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(DataError, match=message):
        given(tmp_path / "a.npz")


@pytest.mark.parametrize("labeled", [False, True])
def test_labels_of_other_images_are_not_passed_over(tmp_path, labeled):
    np.savez(tmp_path / "a.npz", PIXELS.numpy(), np.zeros(len(PIXELS) - 1, dtype=np.int64))
    with pytest.raises(DataError, match=f"arr_1 has {len(PIXELS) - 1} labels for {len(PIXELS)} images"):
        given(tmp_path / "a.npz", labeled=labeled)


def test_arrays_must_be_square_as_files_must(tmp_path):
    np.savez(tmp_path / "a.npz", np.zeros((5, 8, 16, 3), dtype=np.uint8))
    with pytest.raises(DataError, match="its images are 16x8; images must be square"):
        given(tmp_path / "a.npz")


def test_labels_that_are_needed_must_be_there(tmp_path):
    np.savez(tmp_path / "a.npz", PIXELS.numpy())
    assert given(tmp_path / "a.npz").labels is None
    with pytest.raises(DataError, match=r"expected one array of labels, integers \(6,\)"):
        given(tmp_path / "a.npz", labeled=True)


@pytest.mark.parametrize("most", [1, 255])
@pytest.mark.parametrize("kind", ["npz", "folder"])
def test_pixels_of_a_narrow_range_are_said(tmp_path, caplog, kind, most):
    masks = (PIXELS.numpy() > 127).astype(np.uint8) * most
    if kind == "npz":
        np.savez(tmp_path / "set.npz", masks)
    else:
        (tmp_path / "set").mkdir()
        Image.fromarray(masks[0, 0]).save(tmp_path / "set" / "a.png")
    given(tmp_path / ("set.npz" if kind == "npz" else "set"))
    assert ("all pixels lie between 0 and 1 of 255" in caplog.text) is (most == 1)


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04 no archive"])
def test_a_damaged_array_file_is_refused(tmp_path, content):
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(DataError, match=r"generated = .*not a complete"):
        given(tmp_path / "a.npz")


def test_unusable_folders_are_named(tmp_path):
    with pytest.raises(DataError, match=r"generated = .*there is nothing at"):
        given(tmp_path / "nowhere")
    with pytest.raises(DataError, match="there is no such file"):
        given(tmp_path / "nowhere.npz")
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "readme.txt").write_text("no image")
    with pytest.raises(DataError, match="there are no images in it"):
        given(tmp_path / "none")
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "a.png").write_text("hello")
    with pytest.raises(DataError, match="none of its 1 files is a readable image"):
        given(tmp_path / "text")
    (tmp_path / "wide").mkdir()
    Image.new("RGB", (30, 20)).save(tmp_path / "wide" / "a.png")
    with pytest.raises(DataError, match=r"a\.png is 30x20; images must be square"):
        given(tmp_path / "wide")


def test_at_most_twenty_bad_images_are_listed(tmp_path):
    write(tmp_path, [f"a{i}.png" for i in range(6)])
    for index in range(25):
        Image.new("RGB", (9, 9)).save(tmp_path / f"b{index:02d}.png")
    with pytest.raises(DataError) as caught:
        given(tmp_path)
    lines = str(caught.value).splitlines()
    assert "25 of 31 images are damaged or of another size" in lines[0]
    assert len(lines) == 1 + 20 + 1
    assert lines[-1].strip() == "and 5 more"

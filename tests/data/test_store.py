import json
import os
import random
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image

from gan_lightning.data import store
from gan_lightning.data.archive import ZipFiles, open_files
from gan_lightning.data.arrangement import arrange
from gan_lightning.data.errors import DataError
from gan_lightning.data.images import TensorImages
from gan_lightning.data.loading import Loading
from gan_lightning.data.preflight import Report, narrow_range
from gan_lightning.data.source import ArrayImages, Arrays
from gan_lightning.data.transform import Transform
from tests.data.pictures import classes, encoded, noise, write

SIZE = Transform(8)


@pytest.fixture
def loading(tmp_path):
    return Loading(cache_dir=str(tmp_path / "cache"), workers=0)


def source_of(path, **arguments):
    found = arrange(open_files(path), split="auto", heldout_fraction=0, labeled=False, **arguments)
    return found.splits["train"]


def look(source, loading, transform=SIZE, min_size=None):
    return store.look(source, transform, loading, min_size=min_size, what="test images")


@pytest.fixture
def decoded(monkeypatch):
    """How many images were examined."""
    count = []
    examine = store.examine
    monkeypatch.setattr(store, "examine", lambda *a, **k: (count.append(1), examine(*a, **k))[1])
    return count


def test_a_second_start_maps_the_same_pixels_and_decodes_nothing(tmp_path, loading, decoded):
    path = write(tmp_path / "set", classes({"cat": 3, "dog": 2}))
    first = look(source_of(path), loading)
    assert len(decoded) == 5
    second = look(source_of(path), loading)
    assert len(decoded) == 5
    for found in (first, second):
        expected = [SIZE(found.source.open(index)) for index in range(5)]
        assert np.array_equal(found.pixels.numpy(), np.stack(expected))
        assert found.fingerprint == TensorImages(images=found.pixels, name="x", split="train").fingerprint
        assert found.report.images == 5


@pytest.mark.parametrize("change", ["file", "new file", "transform", "min_size"])
def test_whatever_changes_the_pixels_changes_the_key(tmp_path, loading, decoded, change):
    path = write(tmp_path / "set", classes({"cat": 3}))
    look(source_of(path), loading)
    if change == "file":
        write(path, {"cat/0.png": encoded(noise(99))})
    elif change == "new file":
        write(path, {"cat/9.png": encoded(noise(99))})
    before = len(decoded)
    transform = Transform(8, filter="box") if change == "transform" else SIZE
    look(source_of(path), loading, transform, 4 if change == "min_size" else None)
    assert len(decoded) > before


@pytest.mark.parametrize("memory_fraction", [0.5, 0.0])
def test_sets_whose_files_look_the_same_are_told_apart_by_content(tmp_path, memory_fraction):
    loading = Loading(cache_dir=str(tmp_path / "cache"), workers=0, memory_fraction=memory_fraction)
    found = {}
    for place, seed in (("one", 0), ("other", 100), ("copy", 0)):
        path = write(tmp_path / place, {f"{n:02}.bmp": encoded(noise(seed + n), "bmp") for n in range(40)})
        for file in path.iterdir():
            os.utime(file, ns=(0, 0))  # as archives that can be reproduced are unpacked
        found[place] = look(source_of(path), loading)
    assert found["one"].fingerprint == found["copy"].fingerprint != found["other"].fingerprint
    if memory_fraction:
        assert torch.equal(found["one"].pixels, found["copy"].pixels)
        assert found["other"].pixels[0].tolist() == SIZE(noise(100)).tolist()


@pytest.mark.parametrize(("mode", "scale"), [("L", 1), ("I;16", 257)])
@pytest.mark.parametrize(("most", "said"), [(1, True), (63, True), (64, False), (255, False)])
def test_pixels_of_a_narrow_range_are_said(tmp_path, loading, mode, scale, most, said):
    levels = np.arange(64).reshape(8, 8) * most // 63
    image = Image.fromarray((levels * scale).astype(np.uint8 if mode == "L" else np.uint16))
    assert image.mode == mode
    report = look(source_of(write(tmp_path / "set", {"a.png": encoded(image)})), loading).report
    assert report.levels == [0, most]
    lines = narrow_range("the set", report.levels)
    assert bool(lines) is said
    assert not said or f"all pixels lie between 0 and {most} of 255" in lines[0]


def test_labels_are_kept_with_the_pixels(tmp_path, loading):
    path = write(tmp_path / "set", classes({"cat": 3, "dog": 2}))
    for _ in range(2):
        found = arrange(open_files(path), split="auto", heldout_fraction=0, labeled=True, classes=2)
        looked = look(found.splits["train"], loading)
        assert looked.labels.tolist() == [0, 0, 0, 1, 1]
        assert looked.report.classes == {"cat": 3, "dog": 2}


def test_many_images_are_decoded_by_workers(tmp_path):
    path = write(tmp_path / "set", {f"{i}.png": encoded(Image.new("L", (4, 4), i % 256)) for i in range(1100)})
    found = look(source_of(path), Loading(cache_dir=str(tmp_path), workers=2), Transform(4, 1))
    expected = [int(found.source.name(index).split(".")[0]) % 256 for index in range(1100)]
    assert found.pixels[:, 0, 0, 0].tolist() == expected


BAD = {
    "truncated.jpg": lambda: encoded(noise(1, (64, 64)), "jpg")[:900],
    "truncated.png": lambda: encoded(noise(1, (64, 64)))[:3000],
    "zeros.jpg": lambda: encoded(noise(1, (64, 64)), "jpg")[:-900] + bytes(900),
    "empty.png": lambda: b"",
    "text.jpg": lambda: b"this is no picture",
    "header_only.gif": lambda: encoded(noise(1), "gif")[:12],
    "small.png": lambda: encoded(noise(1, (20, 5))),
    "float.tif": lambda: encoded(Image.fromarray(np.zeros((12, 12), np.float32)), "tif"),
}


def test_zeros_behind_a_whole_file_do_no_harm(tmp_path, loading):
    contents = {
        "a.jpg": encoded(noise(1, (64, 64)), "jpg") + bytes(900),
        "b.bmp": encoded(Image.new("RGB", (64, 64)), "bmp"),
    }
    assert look(source_of(write(tmp_path / "set", contents)), loading).report.images == 2


@pytest.mark.parametrize("memory_fraction", [0.5, 0.0])
def test_all_bad_images_are_named_at_once(tmp_path, memory_fraction):
    loading = Loading(cache_dir=str(tmp_path / "cache"), workers=0, memory_fraction=memory_fraction)
    path = write(tmp_path / "set", {name: make() for name, make in BAD.items()} | classes({"good": 2}))
    for _ in range(2):  # the second time from what was kept
        found = look(source_of(path), loading, min_size=6)
        assert set(found.report.bad) == set(BAD)
        assert found.report.images == len(found) == len(found.source if memory_fraction == 0 else found.pixels) == 2
        with pytest.raises(DataError) as caught:
            found.report.enforce("the set", "stop")
        for name in BAD:
            assert f"{name}: " in str(caught.value)
        assert f"{len(BAD)} of {len(BAD) + 2} images cannot be used" in str(caught.value)
        assert "empty.png: empty file" in str(caught.value)
        assert "small.png: 20x5 is smaller than data.min_size = 6" in str(caught.value)
        assert "text.jpg: not an image" in str(caught.value)
        found.report.enforce("the set", "skip")


def test_wrong_sizes_are_named_where_sizes_must_be_exact(tmp_path, loading):
    path = write(tmp_path / "set", {"right.png": encoded(noise(0, (8, 8))), "wrong.png": encoded(noise(1, (9, 8)))})
    found = look(source_of(path), loading, Transform(8, fit="exact"))
    assert found.report.bad == {"wrong.png": "9x8 instead of 8x8"}
    assert len(found.pixels) == 1


def test_no_good_image_is_an_error_in_any_case(tmp_path, loading):
    found = look(source_of(write(tmp_path / "set", {"a.png": b"x"})), loading)
    with pytest.raises(DataError, match="1 of 1"):
        found.report.enforce("the set", "skip")


def test_labels_stay_with_their_images_when_some_are_skipped(tmp_path):
    contents = classes({"cat": 3, "dog": 2}) | {"cat/0.png": b"bad"}
    path = write(tmp_path / "set", contents)
    for fraction in (0.5, 0.0):
        found = arrange(open_files(path), split="auto", heldout_fraction=0, labeled=True, classes=2)
        loading = Loading(cache_dir=str(tmp_path / "cache"), workers=0, memory_fraction=fraction)
        looked = look(found.splits["train"], loading)
        assert looked.labels.tolist() == [0, 0, 1, 1]
        assert looked.report.classes == {"cat": 2, "dog": 2}


def test_a_decompression_bomb_is_bad(tmp_path, loading, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 50)
    found = look(source_of(write(tmp_path / "set", {"big.png": encoded(noise(0))})), loading)
    assert found.report.bad["big.png"].startswith("too large")


def test_sizes_and_modes_are_counted(tmp_path, loading):
    contents = {f"{i}.png": encoded(noise(i, (10 + i, 10), "RGB")) for i in range(12)}
    contents |= {"g.png": encoded(noise(0, (10, 10), "L")), "p.gif": encoded(noise(0, (10, 10)), "gif")}
    report = look(source_of(write(tmp_path / "set", contents)), loading).report
    assert report.sizes["10x10"] == 3
    assert report.modes == {"RGB": 12, "L": 1, "P": 1}
    shown = report.facts()["sizes"]
    assert shown["other"] == 2
    assert sum(shown.values()) == 14
    assert Report.from_json(report.to_json()) == report


def damages(whole, draw, flips):
    """Contents of a damaged file: flipped bits, truncated, emptied, zeroed; None: a folder in its place."""
    for bit in draw.sample(range(8 * len(whole)), flips):
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << bit % 8
        yield bytes(flipped)
    yield from (whole[: draw.randrange(1, len(whole))] for _ in range(20))
    yield from (b"", bytes(len(whole)), b"nothing", None)


@pytest.mark.parametrize("memory_fraction", [0.5, 0.0])
def test_damaged_kept_files_are_made_again(tmp_path, caplog, memory_fraction):
    loading = Loading(cache_dir=str(tmp_path / "cache"), workers=0, memory_fraction=memory_fraction)
    source = source_of(write(tmp_path / "set", classes({"cat": 2})))
    expected = look(source, loading)
    suffix = ".pt" if memory_fraction else ".json"
    (kept,) = (path for path in (tmp_path / "cache" / "images").iterdir() if path.suffix == suffix)
    whole = kept.read_bytes()
    for content in damages(whole, random.Random(0), flips=200 if memory_fraction else 0):
        kept.unlink()
        kept.mkdir() if content is None else kept.write_bytes(content)
        caplog.clear()
        found = look(source, loading)
        assert found.report == expected.report
        assert found.fingerprint == expected.fingerprint
        if memory_fraction:
            assert torch.equal(found.pixels, expected.pixels)
        assert f"{kept} " in caplog.text
        assert f"it was renamed to {kept.name}.damaged" in caplog.text
        assert kept.read_bytes() == whole


def test_pixels_without_a_digest_are_decoded_again(tmp_path, loading, caplog):
    source = source_of(write(tmp_path / "set", classes({"cat": 2})))
    expected = look(source, loading).pixels.clone()
    (kept,) = (tmp_path / "cache" / "images").glob("*.pt")
    content = torch.load(kept, weights_only=True)
    content["images"] += 1
    kept.unlink()
    torch.save(content, kept)
    assert torch.equal(look(source, loading).pixels, expected)
    assert "has no digest" in caplog.text


def test_a_damaged_list_of_an_archives_members_is_made_again(tmp_path, caplog):
    archive = tmp_path / "set.zip"
    with zipfile.ZipFile(archive, "w") as target:
        for name in "ab":
            target.writestr(f"{name}.png", encoded(noise(1)))
    expected = ZipFiles(archive, cache=tmp_path / "cache").entries()
    (kept,) = (tmp_path / "cache").iterdir()
    whole = kept.read_bytes()
    wrong = [b"[]", b"{}", b"[[1],[1],[1]]", b'[["a"],["b"],[1]]', b'[["a"],[1],[]]', b"[1, 2, 3]"]
    for content in [*damages(whole, random.Random(0), flips=0), *wrong]:
        kept.unlink()
        kept.mkdir() if content is None else kept.write_bytes(content)
        caplog.clear()
        assert ZipFiles(archive, cache=tmp_path / "cache").entries() == expected
        assert f"it was renamed to {kept.name}.damaged" in caplog.text
        assert kept.read_bytes() == whole


def test_a_cache_that_cannot_be_written_only_warns(tmp_path, caplog):
    (tmp_path / "file").write_text("")
    loading = Loading(cache_dir=str(tmp_path / "file"), workers=0)
    assert len(look(source_of(write(tmp_path / "set", classes({"cat": 2}))), loading)) == 2
    assert "cannot keep" in caplog.text


def test_nothing_is_kept_where_that_is_not_wanted(tmp_path):
    loading = Loading(cache_dir=str(tmp_path / "cache"), workers=0, keep=False)
    look(source_of(write(tmp_path / "set", classes({"cat": 2}))), loading)
    assert not list(tmp_path.glob("cache/**/*.pt"))


def test_arrays_are_not_fetched_when_their_pixels_are_kept(loading):
    pixels = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3), dtype=np.uint8)
    fetched = []

    def fetch():
        fetched.append(1)
        return Arrays(pixels, torch.arange(4), ["a", "b", "c", "d"])

    for _ in range(2):
        found = look(ArrayImages("set, version 1", fetch), loading)
        assert np.array_equal(found.pixels.numpy(), pixels.transpose(0, 3, 1, 2))
        assert found.labels.tolist() == [0, 1, 2, 3]
    assert fetched == [1]


def test_what_fits_is_a_share_of_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr("gan_lightning.data.loading.memory_bytes", lambda: 1000)
    source = source_of(write(tmp_path / "set", classes({"cat": 2})))  # 2 * 3 * 8 * 8 = 384 bytes
    for fraction, fits in ((0.383, False), (0.385, True)):
        loading = Loading(cache_dir=str(tmp_path / str(fits)), workers=0, memory_fraction=fraction)
        assert (look(source, loading).pixels is not None) is fits


def test_reports_are_strict_json(tmp_path, loading):
    report = look(source_of(write(tmp_path / "set", classes({"cat": 2}))), loading).report
    assert json.loads(report.to_json())["images"] == 2


@pytest.mark.parametrize(
    ("arguments", "key"),
    [({"memory_fraction": 1.5}, "memory_fraction"), ({"workers": -1}, "workers"), ({"prefetch": 0}, "prefetch")],
)
def test_bad_arguments_are_named(arguments, key):
    with pytest.raises(ValueError, match=rf"data\.loading\.{key}"):
        Loading(**arguments)

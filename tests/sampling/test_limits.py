import shutil
from types import SimpleNamespace

import pytest

from gan_lightning.sampling import Interpolation, Samples, Traversal
from gan_lightning.sampling import limits as limits_module
from gan_lightning.sampling.limits import check_room, check_tiles, gigabytes

HUGE = 1_000_000_000


def write(mode, model, out):
    return mode.write(model, out, weights="ema", trust=False)


def refuse_to_draw(monkeypatch, model):
    """Anything that depends on the number of samples would take minutes, or all memory, at a thousand million."""
    for name in ("inputs", "sample_labels", "render"):
        monkeypatch.setattr(model, name, lambda *_, **__: pytest.fail("something was drawn"))


@pytest.mark.parametrize(
    ("mode", "out", "message"),
    [
        (Samples(n=HUGE), "a.npz", "n = 1000000000: .*a.npz would take at least 192 GB, .* free"),
        (Samples(n=HUGE, labels=2), "a.npz", "would take at least 192 GB"),
        (Samples(n=HUGE), "folder", "n = 1000000000: .*folder would take at least 4096 GB, .* free"),
        (Samples(n=HUGE, labels=2), "a.png", "a picture shows at most 4096 samples; write a folder"),
        (Interpolation(n=HUGE), "a.gif", "n = 1000000000, mode.walks = 1, mode.steps = 10: .* at most 4096"),
        (Interpolation(n=2, walks=HUGE), "a.png", "mode.walks = 1000000000"),
        (Interpolation(n=2, steps=HUGE), "a.mp4", "mode.steps = 1000000000"),
        (Traversal(n=HUGE, components=[0]), "a.png", "n = 1000000000, mode.steps = 10: .* at most 4096"),
        (Traversal(steps=HUGE, components=[0]), "a.png", "mode.steps = 1000000000"),
    ],
)
def test_what_cannot_be_held_is_refused_before_anything_is_drawn(labeled, tmp_path, monkeypatch, mode, out, message):
    monkeypatch.setattr(limits_module.os, "statvfs", lambda _: SimpleNamespace(f_bavail=10**7, f_frsize=4096))
    refuse_to_draw(monkeypatch, labeled)
    with pytest.raises(ValueError, match=message):
        write(mode, labeled, tmp_path / out)
    assert list(tmp_path.iterdir()) == []


def test_the_room_is_that_of_the_disk_where_the_file_will_lie(tmp_path):
    free = shutil.disk_usage(tmp_path).free
    check_room(tmp_path / "not" / "there" / "a.npz", free // 2, "n = 1")
    with pytest.raises(ValueError, match=r"n = 7: .*a\.npz would take"):
        check_room(tmp_path / "not" / "there" / "a.npz", 2 * free + 10**9, "n = 7")
    assert list(tmp_path.iterdir()) == []


def test_the_largest_picture_is_allowed():
    check_tiles(4096, "n = 4096")
    with pytest.raises(ValueError, match="but there are 4097"):
        check_tiles(4097, "n = 4097")


def test_sizes_for_people():
    assert [gigabytes(n) for n in (256 * 10**9, 9_990_000_000, 123_000_000)] == ["256 GB", "9.99 GB", "0.12 GB"]

import json
import math
import os

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gan_lightning.core.atomic import obstacle_to_writing, whole_folder, write_atomic
from gan_lightning.core.strict_json import dumps, from_strict, to_strict


@given(st.floats() | st.integers() | st.none() | st.booleans())
def test_a_scalar_survives_strict_json(value):
    def reject(name):
        raise AssertionError(f"{name} is not JSON")

    back = from_strict(json.loads(dumps(value), parse_constant=reject))
    assert (math.isnan(back) and math.isnan(value)) if value != value else back == value
    assert type(back) is type(value)


def test_tensors_and_paths_become_plain(tmp_path):
    assert to_strict({"a": torch.tensor(1.5), "b": (tmp_path, [None])}) == {"a": 1.5, "b": [str(tmp_path), [None]]}


def test_what_is_no_data_is_named():
    with pytest.raises(ValueError, match="type object"):
        to_strict({"a": object()})


def test_a_failing_write_leaves_the_old_file_and_no_debris(tmp_path, monkeypatch):
    target = tmp_path / "deep" / "file.json"
    write_atomic(target, "old")

    def disk_full(descriptor):
        raise OSError("no space left")

    monkeypatch.setattr("os.fsync", disk_full)
    with pytest.raises(OSError, match="no space"):
        write_atomic(target, "new")
    assert target.read_text() == "old"
    assert [p.name for p in target.parent.iterdir()] == ["file.json"]


def test_what_a_killed_process_of_the_same_number_left_behind_stays_as_it_is(tmp_path):
    precious = tmp_path / "precious"
    precious.write_text("mine")
    left = [tmp_path / f".{name}.{os.getpid()}.tmp" for name in ("linked", "pipe", "folder", "images")]
    left[0].symlink_to(precious)
    os.mkfifo(left[1])
    left[2].mkdir()
    left[3].mkdir()
    for name in ("linked", "pipe", "folder"):
        write_atomic(tmp_path / name, "new")
    with whole_folder(tmp_path / "images") as folder:
        (folder / "0.png").write_text("new")
    assert precious.read_text() == "mine"
    assert all(os.path.lexists(path) for path in left)
    assert [(tmp_path / name).read_text() for name in ("linked", "pipe", "folder", "images/0.png")] == ["new"] * 4


def test_what_keeps_a_file_from_being_written_is_said_beforehand(tmp_path):
    (tmp_path / "file").write_text("x")
    assert obstacle_to_writing(tmp_path / "new" / "folder" / "a.md") is None
    assert obstacle_to_writing(tmp_path / "file") is None
    assert obstacle_to_writing(tmp_path / "ü" / ("n" * 235)) is None
    write_atomic(tmp_path / ("n" * 235), "x")
    assert obstacle_to_writing(tmp_path) == "it is a folder"
    assert obstacle_to_writing(tmp_path / "file" / "a.md") == f"{tmp_path}/file is not a folder, or is read-only"
    for name in ("n" * 236, "ü" * 118, f"{'n' * 300}/a.md"):
        assert obstacle_to_writing(tmp_path / name) == "its name is longer than 235 bytes"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "n" * 235]

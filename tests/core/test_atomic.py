import json
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gan_lightning.core.atomic import write_atomic
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

"""What lies in a job's folder may be damaged: the job goes on, and nothing of another process's is touched."""

from __future__ import annotations

import pytest

from gan_lightning.core.atomic import write_atomic
from gan_lightning.core.errors import InputError
from gan_lightning.launch.job import read_config, settled, train_folder
from gan_lightning.runs.folder import RunFolder
from gan_lightning.runs.results import note

DAMAGES = {
    "empty": b"",
    "zeros": b"\0" * 100,
    "no mapping": b"[1]",
    "truncated": b"seed: 0\ndata: {a: [1,",
    "aliases": b"a: &a [x, x]\nb: [*a, *a]\n",
}


@pytest.mark.parametrize("content", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_config_is_said_and_left_where_it_is(tmp_path, caplog, content):
    path = RunFolder(tmp_path).config
    write_atomic(path, content)
    note(tmp_path, "finished")
    assert read_config(tmp_path) is None
    assert str(path) in caplog.text
    assert settled(tmp_path, {"seed": 0}) is None  # nobody can say any more what it finished
    with pytest.raises(InputError, match=f"{path} is missing or damaged"):
        train_folder(tmp_path)
    assert path.read_bytes() == content


def test_a_job_is_settled_under_its_own_config_only(tmp_path):
    write_atomic(RunFolder(tmp_path).config, "seed: 0\nname: a\n")
    assert settled(tmp_path, {"seed": 0, "name": "a"}) is None  # it has not ended
    note(tmp_path, "finished")
    outcome = settled(tmp_path, {"seed": 0, "name": "b"})
    assert outcome is not None
    assert outcome.status == "finished"
    assert settled(tmp_path, {"seed": 0, "expected": [{"key": "fid50k_train"}]}) == outcome
    assert settled(tmp_path, {"seed": 1, "name": "a"}) is None
    note(tmp_path, "stopped")
    assert settled(tmp_path, {"seed": 0, "name": "a"}) is None

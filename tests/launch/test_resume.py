"""Which configurations are of one run, and which only lie elsewhere."""

from __future__ import annotations

import copy
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gan_lightning.launch.resume import ESSENTIAL, LOCATIONS, differences, doubt_about
from gan_lightning.runs.folder import RunFolder
from gan_lightning.runs.results import blank, write_results

CONFIG = {
    "seed": 0,
    "batch_size": 16,
    "model": {"name": "gan", "path": "x", "generator": {"width": 8}},
    "data": {"path": "photos", "flip": True, "loading": {"cache_dir": None, "processes": 2}, "images": {"root": "d"}},
    "trainer": {"precision": "32-true"},
}


def leaves(node, place=()):
    """Yield the keys that lead to each value."""
    for key, value in node.items():
        if isinstance(value, dict):
            yield from leaves(value, (*place, key))
        else:
            yield (*place, key)


@given(place=st.sampled_from(list(leaves(CONFIG))), value=st.sampled_from(["other", 7, None, [1]]), moved=st.booleans())
def test_one_changed_value_is_named_unless_it_only_says_where_the_data_are(place, value, moved):
    changed = copy.deepcopy(CONFIG)
    node = changed
    for key in place[:-1]:
        node = node[key]
    former = node[place[-1]]
    node[place[-1]] = value
    free = place[0] not in ESSENTIAL or (moved and place[0] == "data" and place[-1] in LOCATIONS)
    expected = [] if free or former == value else [f"{'.'.join(place)} was {former!r} and is now {value!r}"]
    assert differences(CONFIG, changed, moved=moved) == expected
    assert differences(changed, changed) == []


@pytest.mark.parametrize(
    ("written_in", "images_seen", "odd"),
    [
        pytest.param("twin", 8000, True, id="copied from another run"),
        pytest.param("run", 8000, False, id="the record of a killed run is behind"),
        pytest.param("twin", 4000, False, id="a run that was moved"),
        pytest.param("link", 8000, False, id="the same folder by another name"),
    ],
)
def test_a_checkpoint_beside_a_record_of_another_run_is_doubted(tmp_path, written_in, images_seen, odd):
    run = RunFolder(tmp_path / "run")
    run.checkpoints.mkdir(parents=True)
    (tmp_path / "link").symlink_to(run.path)
    write_results(run.path, blank("finished") | {"images_seen": 4000})
    said = doubt_about(run.latest, written_in=os.fspath(tmp_path / written_in), images_seen=images_seen)
    assert (said is not None) == odd
    if said is not None:
        assert all(part in said for part in (str(run.latest), str(tmp_path / "twin"), "8000", "4000"))
    run.results.unlink()
    assert doubt_about(run.latest, written_in="elsewhere", images_seen=8000) is None

"""Which configurations are of one run, and which only lie elsewhere."""

from __future__ import annotations

import copy

from hypothesis import given
from hypothesis import strategies as st

from gan_lightning.launch.resume import ESSENTIAL, LOCATIONS, differences

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

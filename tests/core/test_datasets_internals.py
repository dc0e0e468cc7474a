"""What is private in Hugging Face's ``datasets`` exists and does what the package relies on."""

import pytest

from gan_lightning.core.datasets_internals import fingerprint, with_features

datasets = pytest.importorskip("datasets")


def test_a_fingerprint_follows_the_rows_and_what_was_done_to_them():
    rows = datasets.Dataset.from_dict({"a": [1, 2, 3], "b": [4, 5, 6]})
    same = datasets.Dataset.from_dict({"a": [1, 2, 3], "b": [4, 5, 6]})
    other = datasets.Dataset.from_dict({"a": [1, 2, 4], "b": [4, 5, 6]})
    assert fingerprint(rows) == fingerprint(same)
    assert len({fingerprint(rows), fingerprint(other), fingerprint(rows.select_columns(["a"]))}) == 3


def test_a_stream_learns_its_columns():
    def produce():
        yield {"a": 1, "b": "x"}

    stream = datasets.IterableDataset.from_generator(produce)
    assert stream.features is None
    known = with_features(stream)
    assert set(known.features) == {"a", "b"}
    assert list(known) == [{"a": 1, "b": "x"}]
    assert with_features(known) is known

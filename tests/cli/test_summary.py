"""The table of scores as a terminal of the usual width shows it."""

import pytest
from rich.console import Console

from gan_lightning.launch.summary import score_table
from gan_lightning.metrics import Score


@pytest.mark.parametrize("reference", [None, 4.5814])
def test_keys_are_shown_whole_and_the_reference_only_where_there_is_one(reference):
    keys = {"fid_infinity50k_train_legacy_tf": "frechet", "authenticity50k_train_legacy_tf": "authenticity"}
    scores = [Score(key, 12.3456, 0.5, False, {"metric": metric, "weights": "ema"}) for key, metric in keys.items()]
    console = Console(width=80, record=True)
    console.print(score_table(scores, reference=reference))
    shown = console.export_text()
    assert all(key in shown for key in keys)
    assert ("real" in shown) == (reference is not None)
    assert shown.count("4.581") == (reference is not None)
    assert shown.count("12.35") == 2

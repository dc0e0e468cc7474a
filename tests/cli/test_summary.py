"""The table of scores as a terminal of the usual width shows it."""

import pytest
from rich.console import Console

from gan_lightning.launch.summary import score_table
from gan_lightning.metrics import Score
from gan_lightning.metrics.real_parts import RealParts


@pytest.mark.parametrize("real", [{}, {"frechet": RealParts(first=898, second=899, mean=5.7945, std=0.8713)}])
def test_keys_are_shown_whole_and_real_images_only_where_there_are_some_with_their_counts(real):
    keys = {"fid_infinity50k_train_legacy_tf": "frechet", "authenticity50k_train_legacy_tf": "authenticity"}
    scores = [Score(key, 12.3456, 0.5, False, {"metric": metric, "weights": "ema"}) for key, metric in keys.items()]
    console = Console(width=80, record=True)
    console.print(score_table(scores, real=real))
    shown = console.export_text()
    assert all(key in shown for key in keys)
    assert shown.count("5.79 ± 0.87") == len(real)
    assert all((word in shown) == bool(real) for word in ("real images", "898", "899"))
    assert shown.count("12.35") == 2

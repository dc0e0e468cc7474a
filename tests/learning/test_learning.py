"""The rows of the learning tables can be built, and the page is what the results beside it say."""

from __future__ import annotations

import pytest
import torch

from gan_lightning.config import build_all, check_config
from tests.conftest import compose_train, takes_long
from tests.learning import classifier, rows, tables


@takes_long
@pytest.mark.parametrize("row", rows.ROWS)
def test_every_row_can_be_built(row, tmp_path):
    build_row(row, tmp_path)


@pytest.mark.parametrize("row", ["emoji_stylegan2_ada", "horse_transfer"])
def test_a_row_can_be_built(row, tmp_path):
    build_row(row, tmp_path)


def build_row(row, tmp_path):
    places = rows.Places(work=tmp_path, cifar=tmp_path, emoji=None)
    (tmp_path / "emoji").mkdir()
    line = [part for part in rows.overrides(row, places, cpu_minutes=20) if not part.startswith(("--", "hydra."))]
    cfg = compose_train(f"hydra.searchpath=[file://{rows.CONF}]", *line)
    assert cfg.budget.kimg == rows.budget_kimg(row, 40) / 2
    config = check_config(cfg)
    build_all({"model": config["model"]}, trust=True, rehearse=True)


def test_a_row_is_of_one_table():
    beginnings = [beginning for ones in tables.TABLES.values() for beginning in ones]
    assert {row: sum(map(row.startswith, beginnings)) for row in rows.ROWS} == dict.fromkeys(rows.ROWS, 1)


def test_the_page_is_made_of_the_results():
    made = tables.page(tables.read(tables.RESULTS))
    assert tables.RESULTS.with_suffix(".md").read_text(encoding="utf-8") == made


def test_the_classifier_learns_to_tell_dark_from_light():
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(2, (256,), generator=generator)
    noise = torch.randint(60, (256, 3, 32, 32), generator=generator)
    images = (noise + 150 * labels.view(-1, 1, 1, 1)).to(torch.uint8)
    net = classifier.train(images, labels, epochs=4)
    guesses = net(images.float() / 127.5 - 1).argmax(1)
    assert (guesses == labels).double().mean() > 0.95

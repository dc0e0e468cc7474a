"""The rows of the learning tables can be built, and the page is what the results beside it say."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from gan_lightning.config import build_all, check_config
from gan_lightning.core.grids import save_grid
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


def test_time_that_was_spent_before_a_kill_is_not_forgotten_but_unknown(tmp_path, monkeypatch):
    spent = tmp_path / "row.cpu"
    work = SimpleNamespace(check_returncode=lambda: None)
    monkeypatch.setattr(rows.subprocess, "run", lambda *_, **__: work)
    for _ in range(2):
        rows.command("train", spent=spent)
        assert float(spent.read_text()) == 0.0

    def killed(*_, **__):
        raise SystemExit

    monkeypatch.setattr(rows.subprocess, "run", killed)
    with pytest.raises(SystemExit):
        rows.command("train", spent=spent)
    monkeypatch.setattr(rows.subprocess, "run", lambda *_, **__: work)
    rows.command("train", spent=spent)
    assert math.isnan(float(spent.read_text()))


def test_a_row_is_of_one_table():
    beginnings = [beginning for ones in tables.TABLES.values() for beginning in ones]
    assert {row: sum(map(row.startswith, beginnings)) for row in rows.ROWS} == dict.fromkeys(rows.ROWS, 1)


def test_the_page_is_made_of_the_results():
    made = tables.page(tables.read(tables.RESULTS))
    assert tables.RESULTS.with_suffix(".md").read_text(encoding="utf-8") == made


def test_the_classifier_learns_to_tell_dark_from_light():
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(2, (96,), generator=generator)
    noise = torch.randint(60, (96, 3, 32, 32), generator=generator)
    images = (noise + 150 * labels.view(-1, 1, 1, 1)).to(torch.uint8)
    net = classifier.train(images, labels, epochs=6)
    guesses = net(images.float() / 127.5 - 1).argmax(1)
    assert (guesses == labels).double().mean() > 0.95


def test_a_trained_classifier_is_kept_with_its_hash(tmp_path, monkeypatch):
    noise = np.random.default_rng(0)
    for split in ("train", "test"):
        for label in range(10):
            folder = tmp_path / "images" / split / f"class{label}"
            folder.mkdir(parents=True)
            for number in range(2):
                Image.fromarray(noise.integers(256, size=(32, 32, 3), dtype=np.uint8)).save(folder / f"{number}.png")
    monkeypatch.setattr(classifier, "WEIGHTS", tmp_path / "classifier.safetensors")
    classifier.make(tmp_path / "images")
    assert 0 <= classifier.known()["accuracy"] <= 1
    kept = load_file(classifier.WEIGHTS)
    assert {tensor.dtype for tensor in kept.values() if tensor.is_floating_point()} == {torch.float16}
    classifier.WEIGHTS.write_bytes(classifier.WEIGHTS.read_bytes() + b" ")
    with pytest.raises(ValueError, match="is not the file that"):
        classifier.known()


def test_the_committed_classifier_is_the_one_whose_accuracy_is_told():
    assert classifier.known()["accuracy"] == 0.7276


def test_a_row_is_entered_and_shown_in_its_table(tmp_path):
    results = tmp_path / "learning.json"
    scores = dict(zip((key for _, key in tables.COLUMNS), (1.234, 0.05, 20.0, 3000.0), strict=True))
    row = {
        **{"row": "cifar_sngan", "set_up": "SNGAN", "images": 12_345, "cpu_minutes": 20.4, "scores": scores},
        "curve": [{"images": 6000, "fd2k_train_cifar_classifier": 2.5}],
        "parameters": {"generator": 1000, "discriminator": 20},
        "classifier": {"accuracy": 0.725, "sha256": "ab" * 32},
        "resolution": 32,
    }
    save_grid(
        torch.arange(80, dtype=torch.uint8).view(80, 1, 1, 1).repeat(1, 3, 32, 32), tmp_path / "grid.png", columns=10
    )
    tables.enter(results, row, tmp_path / "grid.png")
    tables.enter(results, {**row, "row": "emoji_r3gan", "cpu_minutes": None}, tmp_path / "grid.png")
    tables.write_page(results)
    text = results.with_suffix(".md").read_text()
    assert "accuracy 72.5%, sha256 `abababababab`" in text
    assert text.count("\n## ") == 2
    assert "| `cifar_sngan` | 12,345 | 20 | 1.23 | 0.05 | 20 | 3e+03 | 1,000, 20 |\n" in text
    assert "| `emoji_r3gan` | 12,345 | not counted | 1.23 |" in text
    assert "\n`cifar_sngan`: SNGAN. FD: 6 kimg 2.5.\n\n![Samples of cifar_sngan](learning/cifar_sngan.png)\n" in text
    picture = np.asarray(Image.open(tmp_path / "learning" / "cifar_sngan.png"))
    assert picture.shape == (2 * 66 + 2, 10 * 66 + 2, 3)
    assert picture[34 + 66, 34::66, 0].tolist() == list(range(10, 20))

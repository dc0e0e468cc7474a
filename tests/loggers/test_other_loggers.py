"""Any Lightning logger gets hyper-parameters, scalars and, where its class says how, pictures."""

from __future__ import annotations

import csv
import logging
from pathlib import Path
from typing import Any

import pytest
import yaml
from lightning.pytorch.loggers import Logger
from PIL import Image

from gan_lightning.loggers import log_samples, show_picture
from gan_lightning.runs.results import read_results
from tests.cli.conftest import UNSCORED, Commands

SEEN: list[tuple[str, Any]] = []


class Notebook(Logger):
    """A logger of somebody's own."""

    name = "notebook"
    version = 0

    def log_metrics(self, metrics: Any, step: int | None = None) -> None:
        SEEN.append(("metrics", dict(metrics)))

    def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None:
        SEEN.append(("hyperparameters", params))


class Album(Notebook):
    """One that can show pictures, once it is told how."""


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "grid.png"
    Image.new("RGB", (4, 4)).save(path)
    return path


def test_a_logger_that_shows_no_pictures_says_so_once(picture, caplog):
    with caplog.at_level(logging.WARNING):
        logger = Notebook()
        for images_seen in (0, 8, 16):
            log_samples([logger], "samples", picture, images_seen)
    (record,) = caplog.records
    assert record.getMessage().startswith(f"Notebook cannot show pictures; they are in {picture.parent}")


def test_a_class_can_be_taught_to_show_pictures(picture, caplog):
    shown = []
    show_picture.register(Album, lambda logger, key, image, images_seen: shown.append((key, images_seen)))
    log_samples([Album(), Notebook()], "samples", picture, 8)
    assert shown == [("samples", 8)]


def test_a_run_hands_configuration_and_scalars_to_any_logger(tmp_path):
    SEEN.clear()
    commands = Commands(tmp_path)
    ended = commands(
        "train",
        *UNSCORED,
        "hydra.run.dir=run",
        "budget.kimg=0.16",
        "logger=none",
        "+logger.notebook._target_=tests.loggers.test_other_loggers.Notebook",
        "+logger.csv={_target_: lightning.pytorch.loggers.CSVLogger, save_dir: csv, name: run, version: 0}",
        cwd=tmp_path,
    )
    assert ended.code == 0, ended.text
    assert ended.text.count("cannot show pictures") == 2
    assert read_results(tmp_path / "run" / "results.json")["status"] == "finished"
    configs = [content for kind, content in SEEN if kind == "hyperparameters"]
    assert any(content.get("batch_size") == 16 and content.get("name") == "demo" for content in configs)
    assert any("d/loss" in content for kind, content in SEEN if kind == "metrics")
    folder = tmp_path / "csv" / "run" / "version_0"
    with (folder / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert float(rows[0]["images_seen"]) > 0
    assert yaml.safe_load((folder / "hparams.yaml").read_text())["batch_size"] == 16

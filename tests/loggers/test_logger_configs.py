from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from lightning.pytorch.loggers import Logger

FOLDER = Path(__file__).parents[2] / "conf" / "logger"
NAMES = sorted(path.stem for path in FOLDER.glob("*.yaml"))


@pytest.mark.parametrize("name", NAMES)
def test_every_logger_file_gives_named_loggers_below_the_run_folder(name, tmp_path, monkeypatch):
    monkeypatch.delenv("WANDB_MODE", raising=False)
    with initialize_config_dir(str(FOLDER.parent), version_base="1.3"):
        config = compose(overrides=[f"+logger={name}", f"+output_dir={tmp_path}", "+name=test"])
    assert set(config.logger) == (set() if name == "none" else {name})
    for node in config.logger.values():
        logger = instantiate(node)
        assert isinstance(logger, Logger)
        assert str(logger.save_dir).startswith(str(tmp_path))
    assert list(tmp_path.iterdir()) == []  # nothing is written before the first use


def test_the_files_are_found():
    assert {"none", "tensorboard", "wandb"} <= set(NAMES)

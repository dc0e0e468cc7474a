"""gan-train on a data module that is not of this package."""

from types import SimpleNamespace

import pytest

from gan_lightning.config import ConfigError
from gan_lightning.core.errors import InputError
from gan_lightning.launch.evaluation_inputs import open_real
from gan_lightning.launch.run import train
from gan_lightning.runs.results import read_results

SMALL = ["batch_size=8", "model.generator.width=8", "model.discriminator.width=8", "trainer=cpu", "logger=none"]
OTHER = [*SMALL, "data._target_=tests.launch.other_data.SomebodysDataModule", "callbacks.samples.rows=1"]
BUDGET = ["budget.kimg=null", "budget.images=96"]  # more than two epochs of 40 images
UNSCORED = ["evaluator=none"]


@pytest.fixture(autouse=True)
def _in_its_own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("model", ["dcgan", "cgan"])
def test_a_run_goes_through_its_epochs_until_the_budget(model, tmp_path, train_config):
    small = [item for item in OTHER if model == "dcgan" or ".width" not in item]
    outcome = train(train_config(f"model={model}", *small, *BUDGET, *UNSCORED))
    assert outcome.status == "finished"
    assert (tmp_path / "run" / "samples" / "000000096.png").is_file()


def test_a_resumed_run_says_that_it_sees_other_batches(tmp_path, train_config, caplog):
    assert train(train_config(*OTHER, *BUDGET, *UNSCORED, "+trainer.max_steps=8")).status == "stopped"
    caplog.clear()
    assert train(train_config("resume=auto", *OTHER, *BUDGET, *UNSCORED)).status == "finished"
    assert "SomebodysDataModule cannot continue where it stopped" in caplog.text


def test_data_that_can_be_passed_through_once_end_the_run_in_order(tmp_path, train_config):
    once = "data._target_=tests.launch.other_data.OnePassDataModule"
    outcome = train(train_config(*OTHER, *BUDGET, *UNSCORED, once))
    assert (outcome.status, outcome.message) == ("stopped", "the data ended, at 40 of 96 images")
    assert read_results(tmp_path / "run" / "results.json")["status"] == "stopped"


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ([*BUDGET], "evaluator: SomebodysDataModule has no evaluation split .*set evaluator=none"),
        (
            ["budget.kimg=null", "budget.epochs=2", *UNSCORED],
            "budget.epochs: SomebodysDataModule does not say",
        ),
        (
            [*BUDGET, *UNSCORED, "trainer=ddp", "trainer.accelerator=cpu", "trainer.devices=2"],
            "trainer.use_distributed_sampler must be true for SomebodysDataModule, or 2 processes",
        ),
    ],
)
def test_what_it_cannot_give_is_refused_by_name(overrides, message, train_config):
    with pytest.raises(ConfigError, match=message):
        train(train_config(*OTHER, *overrides))


def test_its_first_batch_is_checked(train_config):
    raw = "data._target_=tests.launch.other_data.RawDataModule"
    with pytest.raises(ValueError, match=r"the first batch: images must lie in \[-1, 1\], got "):
        train(train_config(*OTHER, *BUDGET, *UNSCORED, raw))


def test_it_is_no_data_module_at_all(train_config):
    with pytest.raises(ConfigError, match=r"data = .*expected .*LightningDataModule"):
        train(train_config(*SMALL, "data._target_=gan_lightning.data.Loading"))


def test_an_evaluation_of_its_checkpoint_asks_for_images():
    data = {"_target_": "tests.launch.other_data.SomebodysDataModule", "resolution": 8, "channels": 1}
    data |= {"classes": None, "batch_size": 8, "seed": 0}
    with pytest.raises(InputError, match=r"SomebodysDataModule, which has no evaluation split: .*real=PATH"):
        open_real(SimpleNamespace(real=None, trust=True), SimpleNamespace(real_split="train"), data)

"""Our data modules under a Trainer that counts epochs, and under a budget, which knows none."""

import itertools
from pathlib import Path

import pytest
import torch
from lightning import Callback, LightningModule, Trainer

from gan_lightning.data import (
    DerivedPairsDataModule,
    DigitsDataModule,
    DomainsDataModule,
    FolderDataModule,
    Loading,
    RingDataModule,
)
from gan_lightning.data.loader import Epochs, InMemoryLoader
from tests.contract.variants import fit
from tests.data.pictures import classes, write
from tests.models.toys import points


class Keeps(LightningModule):
    """Any LightningModule: it trains nothing and keeps what it is given."""

    def __init__(self):
        super().__init__()
        self.shown = []

    def training_step(self, batch, batch_idx):
        self.shown.append(batch)

    def configure_optimizers(self):
        return None


def trainer(tmp_path, **arguments):
    quiet = {
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "logger": False,
        "enable_checkpointing": False,
    }
    return Trainer(**{"accelerator": "cpu", "default_root_dir": tmp_path, "max_epochs": 1, **quiet, **arguments})


def folder(tmp_path, memory_fraction):
    path = write(tmp_path / "pets", classes({"cat": 9, "dog": 7}))
    loading = Loading(memory_fraction=memory_fraction, workers=0, keep=False)
    return FolderDataModule(path=str(path), resolution=8, batch_size=6, loading=loading)


def digits(**arguments):
    return DigitsDataModule(resolution=8, batch_size=500, **arguments)


MODULES = {
    "in memory": (lambda tmp: digits(), 3),
    "decoded": (lambda tmp: folder(tmp, 0.5), 3),
    "streamed": (lambda tmp: folder(tmp, 0.0), 3),
    "points": (lambda tmp: RingDataModule(points=250, batch_size=100), 3),
    "pairs": (lambda tmp: DerivedPairsDataModule(images=digits(), resolution=8, channels=1, batch_size=500), 3),
    "domains": (
        lambda tmp: DomainsDataModule(
            source=digits(), target=digits(), resolution=8, channels=1, source_channels=1, batch_size=500
        ),
        3,
    ),
}


@pytest.mark.parametrize("name", MODULES)
def test_an_epoch_of_a_plain_trainer_ends_when_every_sample_was_shown(name, tmp_path):
    make, batches = MODULES[name]
    data, model = make(tmp_path), Keeps()
    run = trainer(tmp_path, max_epochs=2)
    run.fit(model, datamodule=data)
    assert run.num_training_batches == batches
    assert len(model.shown) == 2 * batches
    endless = itertools.islice(make(tmp_path).train_dataloader(), 2 * batches)
    for shown, expected in zip(model.shown, endless, strict=True):  # the second goes on where the first ended
        assert torch.equal(shown.images, expected.images)


def noting(shown):
    """Return a model of points that notes the batches that it is given."""
    model = points()
    step = model.training_step

    def note(batch, batch_idx):
        shown.append(batch.images.clone())
        step(batch, batch_idx)

    model.training_step = note
    return model


class SaveAndStop(Callback):
    """Writes a checkpoint after four batches and ends the run there."""

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        if trainer.fit_loop.total_batch_idx == 3:
            trainer.save_checkpoint(Path(trainer.default_root_dir) / "four.ckpt")
            trainer.should_stop = True


def test_a_run_of_a_plain_trainer_resumes_in_the_middle_of_an_epoch(tmp_path):
    def data():
        return RingDataModule(points=250, batch_size=100)

    whole, parts = [], []
    trainer(tmp_path, max_epochs=3).fit(noting(whole), datamodule=data())
    assert len(whole) == 9
    trainer(tmp_path, max_epochs=3, callbacks=[SaveAndStop()]).fit(noting(parts), datamodule=data())
    assert len(parts) == 4
    run = trainer(tmp_path, max_epochs=3)
    run.fit(noting(parts), datamodule=data(), ckpt_path=tmp_path / "four.ckpt", weights_only=True)
    assert len(parts) == 9
    assert all(torch.equal(shown, expected) for shown, expected in zip(parts, whole, strict=True))


def test_a_budget_ends_a_run_and_there_are_no_epochs(tmp_path):
    model = points()
    run = fit(model, RingDataModule(points=250, batch_size=100), images=700, default_root_dir=tmp_path)
    assert model.images_seen == 700
    assert run.num_training_batches == float("inf")


def test_epochs_have_a_length_and_go_on_from_the_position():
    position = 0
    loader = InMemoryLoader(torch.arange(10.0).view(10, 1), batch_size=4, start=lambda: position)
    epochs = Epochs(loader, 3)
    assert len(epochs) == 3
    first = list(epochs)
    position = 12
    second = list(epochs)
    whole = itertools.islice(InMemoryLoader(torch.arange(10.0).view(10, 1), batch_size=4), 6)
    for batch, expected in zip([*first, *second], whole, strict=True):
        assert torch.equal(batch.images, expected.images)

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.utilities import rank_zero_only
from PIL import Image

from gan_lightning.callbacks import SampleGrid
from gan_lightning.core.grids import make_grid, picture, save_grid
from gan_lightning.core.pixels import to_uint8
from gan_lightning.data.base import ImageDataModule
from gan_lightning.data.images import TensorImages
from gan_lightning.loggers import Tracker


class Painter(LightningModule):
    """Sees 400 images per batch; sample i is a flat gray of level ``i``, or of its label's level."""

    def __init__(self, classes=None, images_seen=0):
        super().__init__()
        self.automatic_optimization = False
        self.images_seen = images_seen
        self.classes = classes
        self.value_offset = 0.0
        self.calls = []

    def sample(self, n, *, seed, labels=None):
        self.calls.append((n, seed, None if labels is None else labels.tolist()))
        levels = torch.arange(n) if labels is None else labels
        return (levels.float() / 127.5 - 1 + self.value_offset).view(-1, 1, 1, 1).expand(-1, 1, 16, 16)

    def training_step(self, batch, batch_idx):
        self.images_seen += 400

    def configure_optimizers(self):
        return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)


class Album(Tracker):
    def __init__(self):
        self.pictures = []

    def set_config(self, config):
        raise AssertionError

    def log_images(self, key, image, images_seen):
        self.pictures.append((key, image.name, images_seen))

    def summary(self, values):
        raise AssertionError

    def close(self, exit_code):
        raise AssertionError


def fit(module, grid, folder, batches):
    trainer = Trainer(
        accelerator="cpu",
        max_epochs=1,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=[grid],
        default_root_dir=folder,
    )
    data = torch.utils.data.DataLoader(range(batches)) if isinstance(batches, int) else batches
    trainer.fit(module, data)
    return sorted(p.name for p in (folder / "samples").iterdir())


def fake_trainer(folder, *, rank=0, loggers=()):
    return SimpleNamespace(is_global_zero=rank == 0, default_root_dir=str(folder), loggers=loggers)


def tile_levels(path, columns, rows, tile=64):
    pixels = np.asarray(Image.open(path))
    pitch = tile + 2
    assert pixels.shape == (rows * pitch + 2, columns * pitch + 2)
    return [
        [int(pixels[r * pitch + 2 + tile // 2, c * pitch + 2 + tile // 2]) for c in range(columns)] for r in range(rows)
    ]


def test_grids_come_at_the_start_at_every_multiple_and_at_the_end(tmp_path):
    module = Painter()
    names = fit(module, SampleGrid(every_kimg=1, seed=7), tmp_path, batches=7)
    # 400 images per batch: 1,000 is passed at 1,200, and 2,000 is met exactly
    assert names == ["000000000.png", "000001200.png", "000002000.png", "000002800.png"]
    assert module.calls == [(64, 7, None)] * 4


def test_the_end_is_not_drawn_twice(tmp_path):
    module = Painter()
    assert fit(module, SampleGrid(every_kimg=2), tmp_path, batches=5) == ["000000000.png", "000002000.png"]
    assert len(module.calls) == 2


def test_a_resumed_run_goes_on_from_where_it_stands(tmp_path):
    names = fit(Painter(images_seen=1200), SampleGrid(every_kimg=1), tmp_path, batches=3)
    assert names == ["000002000.png", "000002400.png"]


def test_without_an_interval_only_start_and_end_are_drawn(tmp_path):
    assert fit(Painter(), SampleGrid(every_kimg=None), tmp_path, batches=3) == ["000000000.png", "000001200.png"]


def test_samples_lie_row_by_row(tmp_path):
    grid = SampleGrid(every_kimg=None, rows=2, columns=3)
    grid.draw(fake_trainer(tmp_path), Painter())
    assert tile_levels(tmp_path / "samples" / "000000000.png", 3, 2) == [[0, 1, 2], [3, 4, 5]]


def test_a_label_conditional_model_has_one_class_per_column(tmp_path):
    module = Painter(classes=4)
    SampleGrid(every_kimg=None, rows=2, columns=3).draw(fake_trainer(tmp_path), module)
    assert tile_levels(tmp_path / "samples" / "000000000.png", 4, 2) == [[0, 1, 2, 3]] * 2


def test_a_thousand_classes_do_not_get_a_thousand_columns(tmp_path):
    module = Painter(classes=1000)
    SampleGrid(every_kimg=None, rows=2, columns=3).draw(fake_trainer(tmp_path), module)
    assert module.calls == [(6, 0, [0, 1, 2, 0, 1, 2])]


def test_loggers_get_the_file(tmp_path):
    album = Album()
    SampleGrid(every_kimg=None).draw(fake_trainer(tmp_path, loggers=[album]), Painter(images_seen=512))
    assert album.pictures == [("samples", "000000512.png", 512)]


def test_samples_that_are_not_finite_give_a_warning_and_training_goes_on(tmp_path, caplog):
    module = Painter()
    module.value_offset = float("nan")
    SampleGrid(every_kimg=None).draw(fake_trainer(tmp_path), module)
    assert "NaN" in caplog.text
    assert not (tmp_path / "samples").exists()


def test_a_full_disk_gives_an_error_message_and_training_goes_on(tmp_path, caplog, monkeypatch):
    def disk_full(descriptor):
        raise OSError("no space left")

    monkeypatch.setattr("os.fsync", disk_full)
    SampleGrid(every_kimg=None).draw(fake_trainer(tmp_path), Painter())
    assert "no space left" in caplog.text
    assert list((tmp_path / "samples").iterdir()) == []


def test_other_ranks_draw_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(rank_zero_only, "rank", 1)
    module = Painter()
    SampleGrid(every_kimg=None).draw(fake_trainer(tmp_path, rank=1), module)
    assert module.calls == []
    assert list(tmp_path.iterdir()) == []


class Levels(ImageDataModule):
    """Real image i is a flat gray of level ``100 + i``; images of three classes come one after another."""

    def __init__(self, heldout, counts=(3, 1, 2)):
        super().__init__(dataset="levels", resolution=16, channels=1, classes=3, batch_size=1, seed=0)
        self.heldout_split = heldout
        self.counts = torch.tensor(counts)

    def evaluation_images(self, split):
        levels = torch.arange(100, 100 + sum(self.counts), dtype=torch.uint8) + (50 if split == "train" else 0)
        labels = torch.arange(3).repeat_interleave(self.counts)
        images = levels.view(-1, 1, 1, 1).repeat(1, 1, 16, 16)
        return TensorImages(images=images, labels=labels, name="levels", split=split)


@pytest.mark.parametrize(("heldout", "first"), [("test", 100), (None, 150)])
def test_real_images_are_spread_over_the_held_out_part_or_the_training_images(tmp_path, heldout, first):
    path = tmp_path / "real.png"
    SampleGrid(every_kimg=None, rows=1, columns=3).draw_real(Levels(heldout), Painter(), path)
    assert tile_levels(path, 3, 1) == [[first, first + 2, first + 4]]
    SampleGrid(every_kimg=None, rows=2, columns=4).draw_real(Levels(heldout), Painter(), path)
    assert tile_levels(path, 4, 2) == [[first, first + 1, first + 2, first + 3], [first + 4, first + 5, 127, 127]]


def test_real_images_have_the_classes_of_the_generated_ones(tmp_path):
    path = tmp_path / "real.png"
    SampleGrid(every_kimg=None, rows=2).draw_real(Levels("test"), Painter(classes=3), path)
    assert tile_levels(path, 3, 2) == [[100, 103, 104], [101, 127, 105]]


@pytest.mark.parametrize(("seen", "real"), [(0, [("real", "real.png", 0)]), (400, [])])
def test_loggers_get_the_real_images_when_a_run_begins(tmp_path, seen, real):
    album = Album()
    trainer = fake_trainer(tmp_path, loggers=[album])
    trainer.datamodule = Levels("test")
    SampleGrid(every_kimg=None).on_train_start(trainer, Painter(images_seen=seen))
    assert [picture for picture in album.pictures if picture[0] == "real"] == real


def test_a_run_gets_its_real_images_at_the_start_and_a_full_disk_does_not_stop_it(tmp_path, monkeypatch, caplog):
    data = Levels("test")
    data.train_dataloader = lambda: torch.utils.data.DataLoader(range(1))
    fit(Painter(), SampleGrid(every_kimg=None), tmp_path, data)
    assert (tmp_path / "real.png").is_file()

    def disk_full(descriptor):
        raise OSError("no space left")

    monkeypatch.setattr("os.fsync", disk_full)
    SampleGrid(every_kimg=None).draw_real(data, Painter(), tmp_path / "again.png")
    assert "could not write a picture of real images; training continues: no space left" in caplog.text
    assert not (tmp_path / "again.png").exists()


@pytest.mark.parametrize("argument", ["rows", "columns", "every_kimg"])
def test_numbers_must_be_positive(argument):
    with pytest.raises(ValueError, match=rf"callbacks\.samples\.{argument} must be .*got 0"):
        SampleGrid(**{"every_kimg": 1.0, argument: 0})


def test_small_images_are_enlarged_by_a_whole_factor_without_blending():
    images = torch.tensor([[0, 255], [255, 0]], dtype=torch.uint8).view(1, 1, 2, 2).repeat(2, 3, 1, 1)
    grid = make_grid(images, columns=2, min_tile_px=5)  # factor 3: 6 pixels
    assert grid.shape == (6 + 4, 2 * 6 + 6, 3)
    block = torch.zeros(6, 6, dtype=torch.uint8)
    block[:3, 3:] = block[3:, :3] = 255
    assert torch.equal(grid[2:8, 2:8, 0], block)
    assert torch.equal(grid[2:8, 10:16, 2], block)
    assert set(grid[:2].unique().tolist()) == {127}


def test_large_images_keep_their_size_and_an_unfinished_row_stays_gray():
    grid = make_grid(torch.zeros(3, 1, 70, 80, dtype=torch.uint8), columns=2)
    assert grid.shape == (2 * 72 + 2, 2 * 82 + 2, 1)
    assert set(grid[74:-2, 84:-2].unique().tolist()) == {127}


def test_a_color_grid_survives_its_file(tmp_path):
    images = torch.randint(256, (5, 3, 64, 64), dtype=torch.uint8)
    save_grid(images, tmp_path / "deep" / "grid.png", columns=3)
    with Image.open(tmp_path / "deep" / "grid.png") as image:
        assert torch.equal(torch.from_numpy(np.array(image)), make_grid(images, columns=3))
    assert [p.name for p in (tmp_path / "deep").iterdir()] == ["grid.png"]


@pytest.mark.parametrize(
    "images",
    [
        torch.zeros(2, 1, 4, 4),
        torch.zeros(2, 2, 4, 4, dtype=torch.uint8),
        torch.zeros(2, 2, dtype=torch.uint8),
        torch.zeros(0, 1, 4, 4, dtype=torch.uint8),
    ],
)
def test_what_is_no_picture_is_refused(images):
    with pytest.raises(ValueError, match="uint8 images"):
        make_grid(images, columns=2)


def test_a_picture_for_a_notebook_is_the_grid():
    images = torch.linspace(-1, 1, 3 * 8 * 8).view(3, 1, 8, 8)
    pixels = torch.from_numpy(np.array(picture(images, columns=2)))
    assert torch.equal(pixels, make_grid(to_uint8(images), columns=2).squeeze(2))

"""Pictures of translations: one row a source image."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from gan_lightning.callbacks import TranslationGrid
from gan_lightning.callbacks.pictures import spread
from gan_lightning.callbacks.translations import rows_of
from gan_lightning.data import DigitsDataModule
from tests.contract.variants import build


def test_rows_are_spread_over_the_images():
    assert spread(100, 4) == [0, 25, 50, 75]
    assert spread(2, 4) == [0, 0, 1, 1]


def test_columns_are_interleaved_and_gray_becomes_rgb():
    columns = [torch.full((2, 1, 4, 4), -1.0), torch.full((2, 3, 4, 4), 1.0)]
    found = rows_of(columns)
    assert found.shape == (4, 3, 4, 4)
    assert found[:, :, 0, 0].tolist() == [[0] * 3, [255] * 3, [0] * 3, [255] * 3]


@pytest.mark.parametrize(("variant", "columns"), [("pix2pix", 3), ("cyclegan", 6)])
def test_the_picture_shows_the_model_on_held_out_images(variant, columns, tmp_path):
    model, data = build(variant)
    trainer = SimpleNamespace(datamodule=data)
    path = tmp_path / "picture.png"
    TranslationGrid(every_kimg=None, rows=3).save(trainer, model, path)
    pixels = np.asarray(Image.open(path))
    assert pixels.shape == (3 * 66 + 2, columns * 66 + 2, 3)
    real = data.evaluation_images("heldout")
    second = spread(len(real.sources), 3)[1]  # row 1, column 0 is its source, and column 2 of pix2pix its target
    source = real.sources.take([second])[0]
    every = 64 // source.shape[-1]  # pixels of the picture for one of the image
    shown = pixels[68 : 68 + 64 : every, 2 : 2 + 64 : every].transpose(2, 0, 1)
    assert np.array_equal(shown, source.expand(3, -1, -1))
    if variant == "pix2pix":
        shown = pixels[68 : 68 + 64 : every, 134 : 134 + 64 : every].transpose(2, 0, 1)
        assert np.array_equal(shown, real.take([second])[0])


def test_other_models_and_data_are_refused(tmp_path):
    grid = TranslationGrid(every_kimg=None)
    with pytest.raises(ValueError, match="source images"):
        grid.save(SimpleNamespace(datamodule=DigitsDataModule()), build("dcgan")[0], tmp_path / "x.png")
    with pytest.raises(ValueError, match=r"callbacks\.samples\.rows"):
        TranslationGrid(every_kimg=None, rows=0)

import numpy as np
import torch
from PIL import Image

from gan_lightning.callbacks import Evaluation
from gan_lightning.callbacks.nearest import draw_nearest
from gan_lightning.core.pixels import to_uint8
from gan_lightning.data.images import TensorImages
from gan_lightning.metrics import DigitsExtractor, Evaluator
from gan_lightning.metrics.base import FileSampler
from gan_lightning.metrics.scores import Closest
from tests.contract.variants import fit


def images(values, channels, side):
    pixels = torch.tensor(values, dtype=torch.uint8).view(-1, 1, 1, 1).expand(-1, channels, side, side)
    return TensorImages(images=pixels.contiguous(), name="flat", split="train")


def test_each_row_is_a_sample_and_the_real_images_nearest_to_it():
    generated, real = images([10, 20, 30], 1, 32), images([100, 110, 120, 130], 3, 64)
    closest = [Closest(2, [3, 0], 0.1), Closest(0, [1, 2], 0.5)]
    picture = draw_nearest(closest, FileSampler(generated), real)
    assert picture.shape == (2 * 66 + 2, 3 * 66 + 2, 3)
    centers = [[picture[34 + 66 * row, 34 + 66 * column].tolist() for column in range(3)] for row in range(2)]
    assert centers == [[[30] * 3, [130] * 3, [100] * 3], [[10] * 3, [110] * 3, [120] * 3]]


def test_training_draws_suspects_into_the_run_and_tells_the_loggers(build, tmp_path, monkeypatch):
    told = []
    monkeypatch.setattr("gan_lightning.callbacks.nearest.log_samples", lambda loggers, *picture: told.append(picture))
    evaluator = Evaluator(
        extractor=DigitsExtractor(), samples=30, metrics=["authenticity"], closest_shown=3, cache_dir=str(tmp_path)
    )
    evaluation = Evaluation(evaluator=evaluator, every_kimg=0.02)
    model, data = build()
    trainer = fit(model, data, images=30, callbacks=[evaluation], default_root_dir=tmp_path)
    names = [f"{seen:09d}.png" for seen in (20, 30)]
    assert sorted(path.name for path in (tmp_path / "nearest").iterdir()) == names
    assert told == [("nearest", tmp_path / "nearest" / name, int(name[:9])) for name in names]
    with Image.open(tmp_path / "nearest" / names[-1]) as picture:
        drawn = np.asarray(picture)
    assert drawn.shape == (3 * 66 + 2, 6 * 66 + 2)
    suspect = to_uint8(model.sample(30)[evaluation.latest.closest[0].sample])[0]
    assert np.array_equal(drawn[2:66:8, 2:66:8], suspect)
    assert trainer.is_global_zero


def test_a_full_disk_costs_the_picture_and_not_the_run(build, tmp_path, caplog):
    (tmp_path / "nearest").write_text("no folder")
    evaluator = Evaluator(extractor=DigitsExtractor(), samples=10, metrics=["authenticity"], cache_dir=str(tmp_path))
    model, data = build()
    fit(model, data, images=20, callbacks=[Evaluation(evaluator=evaluator)], default_root_dir=tmp_path)
    assert model.images_seen == 20
    assert "could not write a picture of suspected copies" in caplog.text

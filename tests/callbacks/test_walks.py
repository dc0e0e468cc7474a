import pytest
import torch
from lightning import Trainer
from PIL import Image

from gan_lightning.callbacks import LatentWalks
from gan_lightning.core.pixels import to_uint8
from gan_lightning.models.sampling import GeneratorInputs
from gan_lightning.sampling.paths import slerp


def test_walks_are_drawn_in_intervals_and_their_ends_are_samples(build, tmp_path, monkeypatch):
    model, data = build()
    model.budget_images = 60
    logged = []
    monkeypatch.setattr(
        "gan_lightning.callbacks.pictures.log_samples", lambda loggers, *picture: logged.append(picture)
    )
    trainer = Trainer(
        accelerator="cpu",
        max_epochs=-1,
        callbacks=[LatentWalks(every_kimg=0.03, rows=3, steps=4, seed=5)],
        default_root_dir=tmp_path,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(model, datamodule=data)
    names = [f"{seen:09d}.png" for seen in (0, 30, 60)]
    assert sorted(path.name for path in (tmp_path / "walks").iterdir()) == names
    assert [(key, path.name, seen) for key, path, seen in logged] == [("walks", name, int(name[:9])) for name in names]
    with Image.open(tmp_path / "walks" / names[-1]) as picture:
        drawn = torch.tensor(list(picture.getdata())).view(picture.height, picture.width)
    assert drawn.shape == (3 * 66 + 2, 4 * 66 + 2)  # 8x8 images, enlarged to 64, with gaps of 2
    samples = to_uint8(model.sample(6, seed=5))
    latents = model.inputs(range(6), seed=5).latents
    for row in range(3):
        for column, expected in (
            (0, samples[2 * row]),
            (3, samples[2 * row + 1]),
            (1, to_uint8(model.render(GeneratorInputs(slerp(latents[2 * row], latents[2 * row + 1], 1 / 3)[None])))[0]),
        ):
            tile = drawn[2 + 66 * row : 66 + 66 * row : 8, 2 + 66 * column : 66 + 66 * column : 8]
            assert (tile - expected[0].int()).abs().max() <= 1


@pytest.mark.parametrize("bad", [{"rows": 0}, {"steps": 1}])
def test_numbers_out_of_range_are_named(bad):
    with pytest.raises(ValueError, match=r"callbacks\.walks\.rows"):
        LatentWalks(every_kimg=1.0, **bad)

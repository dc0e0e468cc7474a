from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from gan_lightning.callbacks import ScatterPlot
from gan_lightning.core.pixels import NonFiniteSamples
from gan_lightning.data import RingDataModule
from gan_lightning.sampling.scatter import draw_points

RING = RingDataModule().mixture
BLUE, ORANGE = (20, 70, 170), (235, 110, 0)


def places(picture, color):
    return {tuple(p) for p in (picture == torch.tensor(color)).all(dim=2).nonzero().tolist()}


def test_a_point_is_where_it_should_be():
    # the picture reaches from -1.5 to 1.5 over 600 pixels: 200 pixels a unit, the second coordinate upwards
    picture = draw_points(torch.tensor([[0.5, 0.25]]), RING)
    assert picture.shape == (600, 600, 3)
    assert places(picture, BLUE) == {(250, 400), (250, 401), (251, 400), (251, 401)}


def test_every_mean_has_a_ring():
    picture = draw_points(torch.zeros(1, 2), RING)
    orange = torch.tensor(sorted(places(picture, ORANGE)), dtype=torch.float64)
    for x, y in RING.means.tolist():
        distance = (orange - torch.tensor([300 - 200 * y, 300 + 200 * x])).norm(dim=1)
        near = distance[distance < 20]
        assert len(near) > 30
        assert 4 < near.min() <= near.max() < 9.5
    assert len(orange) < 8 * 120


def test_runaway_points_lie_on_the_border():
    picture = draw_points(torch.tensor([[100.0, 0.0], [0.0, 1e30]]), RING)
    assert (300, 599) in places(picture, BLUE)
    assert (0, 300) in places(picture, BLUE)


def test_what_is_no_plane_is_refused():
    with pytest.raises(ValueError, match=r"takes points \(N, 2\), got \(3, 3\)"):
        draw_points(torch.zeros(3, 3), RING)
    with pytest.raises(NonFiniteSamples):
        draw_points(torch.tensor([[0.0, float("nan")]]), RING)
    with pytest.raises(ValueError, match=r"callbacks\.samples\.samples must be at least 1, got 0"):
        ScatterPlot(every_kimg=1, samples=0)


def test_the_plot_is_a_file_by_images_seen(tmp_path):
    calls = []

    def sample(n, *, seed, batch_size):
        calls.append((n, seed, batch_size))
        return RING.draw(n, seed=seed)

    trainer = SimpleNamespace(
        is_global_zero=True, default_root_dir=str(tmp_path), loggers=[], datamodule=RingDataModule()
    )
    ScatterPlot(every_kimg=None, samples=40, seed=2).draw(trainer, SimpleNamespace(images_seen=1200, sample=sample))
    assert calls == [(40, 2, 40)]
    with Image.open(tmp_path / "samples" / "000001200.png") as image:
        assert np.array_equal(np.asarray(image), draw_points(RING.draw(40, seed=2), RING).numpy())
    trainer.datamodule = object()
    with pytest.raises(ValueError, match="draws points of a mixture"):
        ScatterPlot(every_kimg=None).draw(trainer, SimpleNamespace(images_seen=0, sample=sample))

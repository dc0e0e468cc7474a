import math

import pytest
import torch

from gan_lightning.data import GridDataModule, RingDataModule


def test_ring_means_by_hand():
    means = RingDataModule().mixture.means
    half = math.sqrt(0.5)
    expected = [(1, 0), (half, half), (0, 1), (-half, half), (-1, 0), (-half, -half), (0, -1), (half, -half)]
    torch.testing.assert_close(means, torch.tensor(expected, dtype=torch.float32), rtol=0, atol=1e-7)


def test_grid_means_by_hand():
    means = GridDataModule().mixture.means
    assert {tuple(m) for m in means.tolist()} == {(x, y) for x in (-4, -2, 0, 2, 4) for y in (-4, -2, 0, 2, 4)}
    assert len(means) == 25


@pytest.mark.parametrize(("data", "modes", "sigma"), [(RingDataModule(), 8, 0.01), (GridDataModule(), 25, 0.05)])
def test_points_have_the_mixture_s_moments(data, modes, sigma):
    points = next(iter(data.train_dataloader())).images
    assert points.shape == (100, 2)
    assert points.dtype == torch.float32
    everything = data.train_dataloader().images
    assert everything.shape == (100_000, 2)
    distance, nearest = torch.cdist(everything, data.mixture.means).min(dim=1)
    share = torch.bincount(nearest, minlength=modes) / 100_000
    # five standard errors of a multinomial share, and of a standard deviation
    assert (share - 1 / modes).abs().max() < 5 * math.sqrt((1 / modes) * (1 - 1 / modes) / 100_000)
    spread = (everything - data.mixture.means[nearest]).std(dim=0)
    assert (spread / sigma - 1).abs().max() < 5 / math.sqrt(200_000)
    # 1 - exp(-9/2) of an isotropic Gaussian in the plane lie within 3 sigma
    inside = (distance < 3 * sigma).double().mean()
    assert abs(float(inside) - 0.98889) < 5 * math.sqrt(0.98889 * 0.01111 / 100_000)


def test_points_depend_on_the_data_seed_and_their_order_on_the_seed():
    def everything(**seeds):
        return RingDataModule(points=500, **seeds).train_dataloader()

    assert torch.equal(everything(seed=0).images, everything(seed=1).images)
    assert not torch.equal(next(iter(everything(seed=0))).images, next(iter(everything(seed=1))).images)
    assert not torch.equal(everything(data_seed=0).images, everything(data_seed=1).images)


def test_drawing_touches_no_global_state():
    state = torch.get_rng_state()
    RingDataModule().train_dataloader()
    assert torch.equal(state, torch.get_rng_state())


def test_the_batches_are_the_points_themselves():
    data = RingDataModule(points=300, batch_size=100)
    loader = data.train_dataloader()
    batches = iter(loader)
    epoch = torch.cat([next(batches).images for _ in range(3)])
    assert sorted(epoch.tolist()) == sorted(loader.images.tolist())


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: RingDataModule(modes=0), r"data\.modes must be at least 1, got 0"),
        (lambda: RingDataModule(sigma=0.0), r"data\.sigma must be positive and finite, got 0"),
        (lambda: RingDataModule(points=0), r"data\.points must be at least 1, got 0"),
        (lambda: RingDataModule(batch_size=0), "batch_size must be at least 1, got 0"),
        (lambda: GridDataModule(side=0), r"data\.side must be at least 1, got 0"),
        (lambda: GridDataModule().evaluation_set("train"), "split 'true', got 'train'"),
    ],
)
def test_bad_arguments_are_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()

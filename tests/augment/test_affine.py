import math

import pytest
import torch

from gan_lightning.augment.affine import draw_blit, draw_geometry, rotation, scaling, translation

COUNT = 20000


def test_matrices_act_on_points():
    value = torch.tensor([0.5], dtype=torch.float64)
    point = torch.tensor([2.0, 3.0, 1.0], dtype=torch.float64)
    assert (scaling(value, 4 * value)[0] @ point).tolist() == [1.0, 6.0, 1.0]
    assert (translation(value, -value)[0] @ point).tolist() == [2.5, 2.5, 1.0]
    turned = rotation(torch.tensor([math.pi / 2], dtype=torch.float64))[0] @ point
    torch.testing.assert_close(turned, torch.tensor([-3.0, 2.0, 1.0], dtype=torch.float64))


def test_probability_zero_gives_the_identity():
    identity = torch.eye(3, dtype=torch.float64).repeat(7, 1, 1)
    assert torch.equal(draw_blit(7, 16, 16, 0.0), identity)
    geometry, moved = draw_geometry(7, 16, 16, 0.0)
    assert torch.equal(geometry, identity)
    assert not moved.any()


def test_blit_draws():
    torch.manual_seed(0)
    maps = draw_blit(COUNT, 32, 64, 1.0)
    assert torch.equal(maps, maps.round())
    linear = maps[:, :2, :2]
    assert torch.equal(linear.det().abs().round(), torch.ones(COUNT, dtype=torch.float64))
    assert abs(float((linear.det() < 0).double().mean()) - 0.5) < 0.02
    # All eight symmetries of the square are equally likely.
    codes = (linear[:, 0, 0] * 27 + linear[:, 0, 1] * 9 + linear[:, 1, 0] * 3 + linear[:, 1, 1]).unique(
        return_counts=True
    )[1]
    assert len(codes) == 8
    assert float((codes / COUNT - 0.125).abs().max()) < 0.012
    # Undo the linear part: the shifts are whole pixels up to an eighth of the side, half weight on the ends.
    shift = -(linear.mT @ maps[:, :2, 2:])[:, :, 0]
    for axis, limit in ((0, 8), (1, 4)):
        assert shift[:, axis].abs().max() == limit
        assert abs(float(shift[:, axis].mean())) < 0.12
        uniform = (torch.rand(200000, dtype=torch.float64) * 2 - 1) * limit
        assert abs(float(shift[:, axis].std()) - float(uniform.round().std())) < 0.1


@pytest.mark.parametrize("probability", [0.25, 0.8])
def test_blit_fraction_of_unchanged_images(probability):
    torch.manual_seed(0)
    maps = draw_blit(COUNT, 80, 80, probability)
    unchanged = (maps == torch.eye(3, dtype=torch.float64)).all(dim=(1, 2))
    none = 1 - probability
    # A drawn flip, turn or shift is the identity with probability 1/2, 1/4 and (1/20)².
    expected = (1 - probability / 2) * (1 - probability * 3 / 4) * (none + probability / 400)
    assert abs(float(unchanged.double().mean()) - expected) < 0.02


@pytest.mark.parametrize("probability", [0.3, 0.9, 1.0, 2.5])
def test_geometry_moments_and_gates(probability):
    torch.manual_seed(0)
    maps, moved = draw_geometry(COUNT, 32, 64, probability)
    p = min(probability, 1.0)
    # Scale, stretch and shift each with p, and at least one of the two rotations with p.
    assert abs(float(moved.double().mean()) - (1 - (1 - p) ** 4)) < 0.02
    assert torch.equal(maps[~moved], torch.eye(3, dtype=torch.float64).repeat(int((~moved).sum()), 1, 1))
    forward = torch.linalg.inv(maps)
    log_area = forward[:, :2, :2].det().log2() / 2
    assert abs(float(log_area.mean())) < 0.01
    assert abs(float(log_area.std()) - 0.2 * math.sqrt(p)) < 0.01
    assert abs(float((log_area.abs() > 1e-12).double().mean()) - p) < 0.02
    singular = torch.linalg.svdvals(forward[:, :2, :2])
    stretch = (singular[:, 0] / singular[:, 1]).log2() / 2
    assert abs(float(stretch.square().mean().sqrt()) - 0.2 * math.sqrt(p)) < 0.01
    shift = forward[:, :2, 2]
    assert abs(float(shift[:, 0].std()) - 8 * math.sqrt(p)) < 0.25
    assert abs(float(shift[:, 1].std()) - 4 * math.sqrt(p)) < 0.125
    assert abs(float(shift.mean())) < 0.15


def test_rotations_are_uniform():
    torch.manual_seed(0)
    maps, _ = draw_geometry(COUNT, 32, 32, 1.0)
    angle = torch.atan2(maps[:, 1, 0] - maps[:, 0, 1], maps[:, 0, 0] + maps[:, 1, 1])
    quarters = ((angle + math.pi) / (math.pi / 2)).floor().clamp(0, 3).long().bincount(minlength=4) / COUNT
    assert float((quarters - 0.25).abs().max()) < 0.015

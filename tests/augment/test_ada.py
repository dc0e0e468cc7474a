import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.autograd import gradcheck, gradgradcheck

from gan_lightning.augment import ADA
from gan_lightning.augment.affine import draw_blit, draw_geometry
from gan_lightning.augment.pipeline import move
from gan_lightning.augment.warp import copy_pixels, resample
from gan_lightning.core.schedules import Linear
from gan_lightning.testing import assert_same

GROUPS = ("blit", "geometry", "color", "filter", "noise", "cutout")


def _only(group: str, p: float = 1.0) -> ADA:
    return ADA(
        fixed_p=p,
        blit=float(group == "blit"),
        geometry=float(group == "geometry"),
        color=float(group == "color"),
        filter=float(group == "filter"),
        noise=float(group == "noise"),
        cutout=float(group == "cutout"),
    )


def _everything(p: float = 0.8) -> ADA:
    return ADA(fixed_p=p, filter=1.0, noise=1.0, cutout=1.0)


def _images(*shape: int) -> torch.Tensor:
    torch.manual_seed(0)
    return torch.rand(*shape) * 2 - 1


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
def test_identity_at_p_zero(dtype):
    images = _images(3, 3, 8, 8).to(dtype)
    assert ADA()(images) is images
    assert ADA(fixed_p=0.0)(images) is images


def test_groups_of_zero_strength_change_nothing():
    images = _images(3, 3, 8, 8)
    assert torch.equal(_only("none")(images), images)


@pytest.mark.parametrize("shape", [(4, 1, 8, 8), (4, 3, 16, 16), (3, 3, 32, 32), (2, 1, 12, 20)])
@pytest.mark.parametrize("group", [*GROUPS, "all"])
def test_shape_dtype_and_determinism(group, shape):
    augment = _everything() if group == "all" else _only(group)
    images = _images(*shape)
    torch.manual_seed(5)
    first = augment(images)
    torch.manual_seed(5)
    assert torch.equal(first, augment(images))
    assert first.shape == images.shape
    assert first.dtype == images.dtype
    assert torch.isfinite(first).all()
    assert not torch.equal(first, images)
    assert not torch.equal(first, augment(images))


def test_untouched_images_keep_their_bits():
    images = _images(400, 3, 8, 8)
    augmented = ADA(fixed_p=0.05)(images)
    untouched = (augmented == images).all(dim=(1, 2, 3))
    # Per transformation p = 0.05; flip, turn and shift can each be drawn as the identity.
    assert 0.5 < float(untouched.double().mean()) < 0.75


def test_blitted_images_hold_the_same_values():
    images = _images(50, 1, 8, 8)
    moved = move(images, 1.0, 0.0)
    for image, result in zip(images, moved, strict=True):
        assert set(result.flatten().tolist()) <= set(image.flatten().tolist())


def test_blit_and_geometry_are_one_map():
    images = _images(32, 1, 16, 16).double()
    torch.manual_seed(4)
    blit = draw_blit(32, 16, 16, 1.0)
    geometry, chosen = draw_geometry(32, 16, 16, 0.3)
    torch.manual_seed(4)
    moved = move(images, 1.0, 0.3)
    assert 0 < int(chosen.sum()) < 32
    torch.testing.assert_close(moved[chosen], resample(images[chosen], blit[chosen] @ geometry[chosen]))
    assert torch.equal(moved[~chosen], copy_pixels(images[~chosen], blit[~chosen]))


def test_a_constant_image_stays_constant_under_small_motion():
    torch.manual_seed(0)
    images = torch.full((64, 1, 16, 16), 0.7, dtype=torch.float64)
    moved = move(images, 0.5, 0.05)
    close = (moved - 0.7).abs() < 1e-6
    assert float(close.double().mean()) > 0.97


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("group", [*GROUPS, "all"])
def test_differentiable_twice(group, channels):
    augment = _everything() if group == "all" else _only(group)

    def seeded(images: torch.Tensor) -> torch.Tensor:
        torch.manual_seed(3)
        return augment(images).square().mean(dim=3)

    images = _images(1, channels, 8, 8).double().requires_grad_()
    assert gradcheck(seeded, (images,), fast_mode=True)
    assert gradgradcheck(seeded, (images,), fast_mode=True)


def test_r1_reaches_the_weights_through_the_augmentation():
    augment = _everything()
    images = _images(6, 3, 16, 16).requires_grad_()
    critic = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3, stride=2), torch.nn.Tanh(), torch.nn.Flatten(), torch.nn.LazyLinear(1)
    )
    (gradient,) = torch.autograd.grad(critic(augment(images)).sum(), images, create_graph=True)
    penalty = gradient.square().sum(dim=(1, 2, 3)).mean()
    penalty.backward()
    assert penalty.item() > 1e-6
    for name, parameter in critic.named_parameters():
        if name == "3.bias":  # a constant offset has no part in the gradient
            continue
        assert parameter.grad is not None
        assert torch.isfinite(parameter.grad).all()
        assert float(parameter.grad.abs().sum()) > 1e-8


def test_autocast_changes_nothing():
    augment = _everything()
    images = _images(4, 3, 16, 16)
    torch.manual_seed(1)
    expected = augment(images)
    torch.manual_seed(1)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(augment(images), expected)
    torch.manual_seed(1)
    half = augment(images.bfloat16())
    assert half.dtype == torch.bfloat16
    torch.testing.assert_close(half.float(), expected, rtol=0.02, atol=0.05)


def test_draws_do_not_depend_on_the_precision():
    augment = ADA(fixed_p=0.7)
    images = _images(8, 3, 16, 16)
    torch.manual_seed(1)
    single = augment(images)
    torch.manual_seed(1)
    double = augment(images.double())
    torch.testing.assert_close(single.double(), double, rtol=0, atol=1e-3)


def one_step(ada: ADA, logits: torch.Tensor, *, images: int) -> None:
    ada.observe(logits, images)
    ada.end_step()


@settings(max_examples=50, deadline=None)
@given(
    batches=st.lists(
        st.lists(st.sampled_from([-1.5, -0.1, 0.0, 0.2, 3.0]), min_size=1, max_size=6), min_size=1, max_size=25
    ),
    target=st.sampled_from([-0.2, 0.0, 0.6]),
    interval=st.integers(1, 5),
    initial=st.sampled_from([0.0, 0.01, 1.5]),
)
def test_controller_against_a_hand_loop(batches, target, interval, initial):
    ada = ADA(target=target, interval_steps=interval, speed_kimg=1.0, initial_p=initial)
    p, signs, images = initial, [], 0
    for step, batch in enumerate(batches, start=1):
        one_step(ada, torch.tensor(batch)[:, None], images=2 * len(batch))
        signs += [(value > 0) - (value < 0) for value in batch]
        images += 2 * len(batch)
        if step % interval == 0:
            mean = sum(signs) / len(signs)
            p += ((mean > target) - (mean < target)) * images / 1000
            p, signs, images = max(p, 0.0), [], 0
        assert float(ada.p) == pytest.approx(p, abs=1e-5)


def test_p_rises_when_the_discriminator_is_sure_and_has_no_ceiling():
    ada = ADA(interval_steps=4, speed_kimg=500.0)
    for _ in range(4):
        assert float(ada.p) == 0
        one_step(ada, torch.ones(64), images=64)
    assert float(ada.p) == pytest.approx(4 * 64 / 500_000, rel=1e-6)
    fast = ADA(interval_steps=1, speed_kimg=0.001, initial_p=0.9)
    one_step(fast, torch.ones(4), images=4)
    assert float(fast.p) == pytest.approx(4.9)
    assert fast(_images(3, 3, 8, 8)).shape == (3, 3, 8, 8)
    one_step(fast, -torch.ones(40), images=40)
    assert float(fast.p) == 0


def test_micro_batches_count_as_one_step():
    logits = torch.randn(8, 16) + 0.9
    whole, parts = (ADA(interval_steps=2, speed_kimg=0.2) for _ in range(2))
    for row in logits:
        one_step(whole, row, images=16)
        for part in row.chunk(4):
            parts.observe(part, 4)
        parts.end_step()
        assert_same(whole.state_dict(), parts.state_dict())
    assert float(whole.p) > 0


def test_a_mean_on_the_target_leaves_p_alone():
    ada = ADA(interval_steps=1, initial_p=0.25, target=0.6)
    one_step(ada, torch.tensor([1.0, 1.0, 1.0, 1.0, -1.0]), images=5)
    assert float(ada.p) == 0.25


def test_fixed_p_is_not_adapted_but_can_be_scheduled():
    ada = ADA(fixed_p=0.0)
    for _ in range(8):
        one_step(ada, torch.ones(64), images=64)
    assert float(ada.p) == 0
    images = _images(16, 3, 8, 8)
    assert ada(images) is images
    ada.set_p(0.5)
    assert float(ada.p) == 0.5
    assert not torch.equal(ada(images), images)
    ada.p.fill_(0.0)  # the buffer stays the truth
    assert ada(images) is images
    with pytest.raises(ValueError, match="at least 0"):
        ada.set_p(-0.1)


def test_a_scheduled_p_follows_its_schedule_and_is_not_adapted():
    ada = ADA(fixed_p=Linear(initial=0.1, final=0.3, end_kimg=0.2))
    assert not ada.reads_signs
    for images, expected in ((0, 0.1), (100, 0.2), (200, 0.3), (1000, 0.3)):
        ada.set_progress(images, None)
        assert ada.p.item() == pytest.approx(expected, rel=1e-6)
    ada = ADA(fixed_p=Linear(initial=0.0, final=1.0))
    ada.set_progress(30, 120)
    assert ada.p.item() == pytest.approx(0.25, rel=1e-6)
    with pytest.raises(ValueError, match=r"fixed_p must be at least 0, got -0\.5"):
        ADA(fixed_p=Linear(initial=0.5, final=-0.5))


@pytest.mark.parametrize("stop", [1, 4, 6, 9])
def test_resume_is_exact(stop):
    torch.manual_seed(0)
    logits = torch.randn(16, 8) + 0.9
    whole = ADA(speed_kimg=0.2, interval_steps=4)
    for row in logits:
        one_step(whole, row, images=8)
    first = ADA(speed_kimg=0.2, interval_steps=4)
    for row in logits[:stop]:
        one_step(first, row, images=8)
    second = ADA(speed_kimg=0.2, interval_steps=4)
    second(_images(1, 1, 8, 8))  # reads p before it is loaded
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    for row in logits[stop:]:
        one_step(second, row, images=8)
    assert second.state_dict().keys() == whole.state_dict().keys()
    for name, value in whole.state_dict().items():
        assert torch.equal(second.state_dict()[name], value), name
    assert float(whole.p) > 0
    torch.manual_seed(2)
    expected = whole(_images(4, 1, 8, 8))
    torch.manual_seed(2)
    assert torch.equal(second(_images(4, 1, 8, 8)), expected)


def test_multipliers_scale_the_probability_of_their_group():
    torch.manual_seed(0)
    half = ADA(fixed_p=0.8, blit=0.0, geometry=0.0, color=0.5)
    images = _images(1, 1, 8, 8).repeat(4000, 1, 1, 1)
    unchanged = (half(images) == images).all(dim=(1, 2, 3))
    # Gray: brightness, contrast and a luma flip that is the identity half of the time, each with 0.4.
    assert abs(float(unchanged.double().mean()) - 0.6**2 * 0.8) < 0.04


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"target": 1.5}, "target"),
        ({"interval_steps": 0}, "interval_steps"),
        ({"speed_kimg": 0.0}, "speed_kimg"),
        ({"initial_p": -0.1}, "initial_p"),
        ({"fixed_p": float("inf")}, "fixed_p"),
        ({"fixed_p": 0.2, "initial_p": 0.1}, "only one of initial_p and fixed_p"),
        ({"color": 1.2}, "color must be in"),
        ({"noise": -1.0}, "noise must be in"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        ADA(**arguments)

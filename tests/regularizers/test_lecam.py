"""LeCam's running means against a loop by hand, on one process and on two."""

import pytest
import torch

from gan_lightning.regularizers import DiscriminatorTurn, LeCam
from tests.contract.pair import together


def shown(real, fake, images_seen):
    return DiscriminatorTurn(
        critic=lambda samples: samples.flatten(1).sum(1),
        real=torch.zeros(1),
        fake=torch.zeros(1),
        real_logits=torch.as_tensor(real),
        fake_logits=torch.as_tensor(fake),
        images_seen=images_seen,
    )


def test_hand_computed():
    lecam = LeCam(weight=1.0, decay=0.5, start_images=0)
    # first step: the means are those of the step, 2 and -1
    value = lecam(shown([1.0, 3.0], [-2.0, 0.0], 0)).item()
    assert value == pytest.approx((4 + 16) / 2 + (16 + 4) / 2)
    # then halfway to 0 and 1: real mean 1, fake mean 0; relu(0 - 0), relu(1 - 1)
    assert lecam(shown([0.0, 0.0], [1.0, 1.0], 0)).item() == pytest.approx(0.0)
    assert lecam.real_mean.item() == pytest.approx(1.0)
    assert lecam.fake_mean.item() == pytest.approx(0.0)


def test_running_means_follow_the_loop_and_wait_for_the_start():
    random = torch.Generator().manual_seed(0)
    lecam = LeCam(weight=0.3, decay=0.9, start_images=320)
    real_mean = fake_mean = None
    for step in range(20):
        real = torch.randn(64, generator=random, requires_grad=True)
        fake = torch.randn(64, 1, 2, 2, generator=random, requires_grad=True)
        penalty = lecam(shown(real, fake, step * 64))
        r, f = real.detach().double(), fake.detach().double()
        if step < 5:
            real_mean, fake_mean = r.mean(), f.mean()
            assert penalty.item() == 0
        else:
            real_mean = 0.9 * real_mean + 0.1 * r.mean()
            fake_mean = 0.9 * fake_mean + 0.1 * f.mean()
            expected = ((r - fake_mean).clamp(min=0) ** 2).mean() + ((real_mean - f).clamp(min=0) ** 2).mean()
            assert penalty.item() == pytest.approx(expected.item(), rel=1e-5)
            penalty.backward()
            assert (real.grad >= 0).all()
            assert (fake.grad <= 0).all()
    assert lecam.real_mean.item() == pytest.approx(real_mean.item(), abs=1e-6)


def test_state_survives_a_checkpoint():
    first = LeCam(weight=1.0, decay=0.9, start_images=0)
    first(shown([1.0, 2.0], [-1.0, 0.0], 0))
    second = LeCam(weight=1.0, decay=0.9, start_images=0)
    second.load_state_dict(first.state_dict())
    step = shown([0.5, 0.7], [0.1, -0.3], 64)
    assert torch.equal(first(step), second(step))
    assert torch.equal(first.fake_mean, second.fake_mean)


def test_half_precision_logits_are_raised():
    step = shown(torch.ones(3).bfloat16(), torch.ones(3).bfloat16(), 0)
    assert LeCam(weight=1.0, decay=0.9, start_images=0)(step).dtype == torch.float32


@pytest.mark.parametrize(("argument", "value"), [("decay", 1.0), ("decay", -0.1), ("start_images", -1), ("weight", -1)])
def test_bad_arguments_are_named(argument, value):
    with pytest.raises(ValueError, match=argument):
        LeCam(**{"weight": 1.0, "decay": 0.9, "start_images": 0, argument: value})


def one_rank(rank, folder):
    lecam = LeCam(weight=1.0, decay=0.5, start_images=0)
    lecam(shown([float(rank)], [10.0 * rank], 0))
    torch.save([lecam.real_mean, lecam.fake_mean], folder / f"{rank}.pt")


def test_ranks_keep_the_same_means(tmp_path):
    together(one_rank, tmp_path)
    for rank in range(2):
        assert torch.load(tmp_path / f"{rank}.pt") == [pytest.approx(0.5), pytest.approx(5.0)]

"""Instance noise: its strength over the images seen."""

import pytest
import torch

from gan_lightning.augment.instance_noise import InstanceNoise


@pytest.mark.parametrize("shape", [(400, 3, 8, 8), (40_000, 2)])
def test_noise_has_the_standard_deviation_asked_for(shape):
    torch.manual_seed(0)
    samples = torch.rand(shape)
    noise = InstanceNoise(sigma=0.3)(samples) - samples
    assert noise.std().item() == pytest.approx(0.3, rel=0.02)
    assert noise.mean().item() == pytest.approx(0.0, abs=0.01)


def test_noise_falls_linearly_to_nothing():
    noise = InstanceNoise(sigma=0.4, decay_kimg=2.0)
    strengths = []
    for _ in range(6):
        strengths.append(noise.sigma_now().item())
        noise.observe(torch.zeros(4), 500)
    assert strengths == pytest.approx([0.4, 0.3, 0.2, 0.1, 0.0, 0.0], abs=1e-7)
    samples = torch.rand(4, 1, 2, 2)
    assert torch.equal(noise(samples), samples)
    staying = InstanceNoise(sigma=0.4)
    staying.observe(torch.zeros(4), 10**9)
    assert staying.sigma_now().item() == pytest.approx(0.4)


def test_gradient_passes_unchanged_and_dtype_is_kept():
    samples = torch.rand(4, 1, 2, 2, requires_grad=True)
    InstanceNoise(sigma=0.4, decay_kimg=1)(samples).sum().backward()
    assert torch.equal(samples.grad, torch.ones_like(samples))
    assert InstanceNoise(sigma=0.4)(samples.bfloat16()).dtype == torch.bfloat16


def test_count_survives_a_checkpoint():
    first, second = InstanceNoise(sigma=1.0, decay_kimg=1), InstanceNoise(sigma=1.0, decay_kimg=1)
    first.observe(torch.zeros(4), 250)
    second.load_state_dict(first.state_dict())
    assert second.sigma_now().item() == pytest.approx(0.75)


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="sigma"):
        InstanceNoise(sigma=-1.0)
    with pytest.raises(ValueError, match="decay_kimg"):
        InstanceNoise(decay_kimg=0.0)

import numpy as np
import pytest
import torch
from scipy import ndimage

from gan_lightning.augment.corruptions import (
    EXPECTED_POWER,
    add_noise,
    amplify_bands,
    cut_out,
    draw_gains,
    filter_bank,
)


def test_bands_add_up_to_the_identity_and_have_zero_phase():
    bank = filter_bank()
    delta = torch.zeros(43, dtype=torch.float64)
    delta[21] = 1
    torch.testing.assert_close(bank.sum(dim=0), delta, rtol=0, atol=1e-12)
    torch.testing.assert_close(bank, bank.flip(1), rtol=0, atol=1e-12)


def test_bands_are_ordered_octaves():
    bank = filter_bank().numpy()
    frequencies = np.linspace(0, np.pi, 801)
    response = np.abs(np.exp(-1j * np.outer(frequencies, np.arange(43))) @ bank.T)
    strongest = response.argmax(axis=1)
    for band, (low, high) in enumerate([(0, 1 / 8), (1 / 8, 1 / 4), (1 / 4, 1 / 2), (1 / 2, 1)]):
        middle = (low + high) / 2
        assert strongest[round(middle * 800)] == band
    np.testing.assert_allclose(response[0], [1, 0, 0, 0], atol=1e-12)
    np.testing.assert_allclose(response[-1], [0, 0, 0, 1], atol=1e-12)


@pytest.mark.parametrize("size", [8, 16, 48])
def test_filter_matches_convolution_with_mirrored_borders(size):
    torch.manual_seed(0)
    images = torch.randn(2, 3, size, size, dtype=torch.float64)
    gains = torch.tensor([[1.5, 0.4, 1.0, 2.0], [0.7, 1.0, 1.3, 0.2]], dtype=torch.float64)
    actual = amplify_bands(images, gains)
    for i in range(2):
        kernel = (gains[i] @ filter_bank()).numpy()
        expected = ndimage.convolve1d(images[i].numpy(), kernel, axis=1, mode="mirror")
        expected = ndimage.convolve1d(expected, kernel, axis=2, mode="mirror")
        np.testing.assert_allclose(actual[i].numpy(), expected, rtol=0, atol=1e-10)


def test_unit_gains_change_nothing():
    torch.manual_seed(0)
    images = torch.randn(2, 1, 16, 16, dtype=torch.float64)
    gains = torch.ones(2, 4, dtype=torch.float64)
    torch.testing.assert_close(amplify_bands(images, gains), images, rtol=0, atol=1e-12)


def test_gains_keep_the_expected_power():
    torch.manual_seed(0)
    assert torch.equal(draw_gains(5, 0.0), torch.ones(5, 4, dtype=torch.float64))
    gains = draw_gains(20000, 0.2)
    power = torch.tensor(EXPECTED_POWER, dtype=torch.float64)
    assert abs(float(((gains - 1).abs().amax(dim=1) < 1e-12).double().mean()) - 0.8**4) < 0.02
    # Where a single band was amplified, the power of natural images is kept exactly.
    changed = [
        (gains[:, [k for k in range(4) if k != band]].diff(dim=1).abs().amax(dim=1) < 1e-12) for band in range(4)
    ]
    single = torch.stack(changed).any(dim=0)
    kept = (power * gains[single].square()).sum(dim=1)
    assert single.sum() > 10000
    torch.testing.assert_close(kept, torch.ones_like(kept), rtol=0, atol=1e-10)


def test_spread_of_the_gains():
    torch.manual_seed(0)
    gains = draw_gains(20000, 1.0).log2()
    # The normalization cancels in the ratio of two bands, each of log2 standard deviation 1.
    assert abs(float((gains[:, 3] - gains[:, 2]).std()) - 2**0.5) < 0.03
    assert abs(float((gains[:, 1] - gains[:, 0]).mean())) < 0.04


def test_noise_strength_and_probability():
    torch.manual_seed(0)
    noise = add_noise(torch.zeros(4000, 1, 16, 16), 0.5)
    deviation = noise.std(dim=(1, 2, 3))
    touched = deviation > 0
    assert abs(float(touched.float().mean()) - 0.5) < 0.04
    assert abs(float(deviation[touched].square().mean().sqrt()) - 0.1) < 0.006
    assert abs(float(noise.mean())) < 1e-3


def test_cutout_is_a_half_sided_rectangle_with_uniform_center():
    torch.manual_seed(0)
    kept = cut_out(torch.ones(20000, 1, 16, 16), 0.5)[:, 0]
    touched = kept.amin(dim=(1, 2)) == 0
    assert abs(float(touched.float().mean()) - 0.5) < 0.02
    zeros = 1 - kept[touched]
    # A rectangle is the outer product of its projections.
    assert torch.equal(zeros, zeros.amax(dim=2)[:, :, None] * zeros.amax(dim=1)[:, None])
    for axis in (1, 2):
        side = zeros.amax(dim=axis).sum(dim=1)
        assert side.max() == 8
        # Clipping takes ∫ (1/4 - c) dc over c < 1/4 at either border, 1/16 in all, from 1/2.
        assert abs(float(side.mean()) / 16 - 7 / 16) < 0.01

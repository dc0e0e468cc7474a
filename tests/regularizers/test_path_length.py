"""Path length regularization: golden numbers, a law of scale, and its own update in StyleGAN2's loop."""

from __future__ import annotations

import pytest
import torch

from gan_lightning.networks import DCGANGenerator
from gan_lightning.regularizers import PathLength
from gan_lightning.regularizers.base import GeneratorTurn
from gan_lightning.regularizers.path_length import path_lengths
from tests.networks.stylegan2_goldens import ROOT3, latents, small_generator, stream

GOLDEN = [1.33895, 0.965029, 1.02187, 1.24773]
"""Lengths of four latents of the small generator filled from integers, without noise, by the authors' code."""


def golden_noise() -> torch.Tensor:
    return (ROOT3 * stream(1002, 4 * 3 * 32 * 32)).float().view(4, 3, 32, 32)


def turn_of(generator: torch.nn.Module, count: int) -> GeneratorTurn:
    return GeneratorTurn(
        generator=generator,
        discriminator=None,
        real=torch.zeros(count, 3, 32, 32),
        fake=None,
        condition=None,
        images_seen=0,
        shown=lambda images: images,
        draw=lambda n: (latents(n), None),
    )


def test_lengths_are_those_of_the_authors_code():
    generator = small_generator(noise="none")
    styles = generator.map_latents(latents())
    lengths = path_lengths(styles, generator.synthesize(styles), golden_noise())
    assert lengths.tolist() == pytest.approx(GOLDEN, rel=1e-4)


def test_the_penalty_and_its_gradient_are_those_of_the_authors_code(monkeypatch):
    generator = small_generator(noise="none")
    monkeypatch.setattr(torch, "randn_like", lambda images: golden_noise())
    penalty = PathLength(batch_shrink=1)
    value = penalty(turn_of(generator, 4))
    assert float(penalty.mean_length) == pytest.approx(0.011434, rel=1e-3)
    assert value.item() == pytest.approx(1.30526, rel=1e-4)
    gradients = torch.autograd.grad(
        penalty.weight * penalty.interval * value, list(generator.parameters()), allow_unused=True
    )
    norm = torch.stack([gradient.square().sum() for gradient in gradients if gradient is not None]).sum().sqrt()
    assert norm.item() == pytest.approx(15.5011, rel=5e-3)


def test_images_twice_as_bright_have_paths_twice_as_long():
    generator = small_generator(noise="none")
    styles = generator.map_latents(latents())
    images = generator.synthesize(styles)
    once, twice = (path_lengths(styles, factor * images, golden_noise()) for factor in (1, 2))
    torch.testing.assert_close(twice, 2 * once, rtol=1e-5, atol=0)


def test_a_batch_is_shrunk_and_the_mean_is_a_buffer():
    generator = small_generator(noise="none")
    asked = []
    turn = turn_of(generator, 5)
    turn = GeneratorTurn(
        **{name: getattr(turn, name) for name in turn.__slots__ if name != "draw"},
        draw=lambda n: asked.append(n) or (latents(n), None),
    )
    penalty = PathLength()
    penalty(turn)
    assert asked == [2]
    assert "mean_length" in penalty.state_dict()


@pytest.mark.parametrize(("argument", "value"), [("decay", 0.0), ("decay", 1.5), ("batch_shrink", 0), ("interval", 0)])
def test_values_out_of_range_are_refused(argument, value):
    with pytest.raises(ValueError, match=argument):
        PathLength(**{argument: value})


def test_a_generator_without_styles_is_refused():
    with pytest.raises(ValueError, match=r"StyleGAN2Generator; model\.generator is a DCGANGenerator"):
        PathLength().check(DCGANGenerator(resolution=16, width=4))

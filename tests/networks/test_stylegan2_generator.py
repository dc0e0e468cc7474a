"""Styles, noise, truncation and the other promises of StyleGAN2's generator."""

import copy

import pytest
import torch

from gan_lightning.networks import stylegan2_generator, stylegan2_synthesis
from gan_lightning.networks.stylegan2_generator import StyleGAN2Generator, mix_styles
from gan_lightning.networks.stylegan2_layers import modulated_conv2d
from tests.networks.stylegan2_goldens import labels, latents, small_generator

ARCHITECTURES = ["skip", "resnet", "orig"]


def test_mean_style_moves_in_training_only_and_on_request(seeded):
    generator = small_generator()
    start = generator.average_style.clone()
    generator(latents())
    generator.train().map_latents(latents())
    torch.testing.assert_close(generator.average_style, start, rtol=0, atol=0)
    styles = generator.map_latents(latents(), follow=True)
    torch.testing.assert_close(generator.average_style, 0.995 * start + 0.005 * styles[:, 0].mean(dim=0))


def test_mean_style_is_that_of_all_processes(monkeypatch, seeded):
    generator = small_generator().train()
    start = generator.average_style.clone()
    monkeypatch.setattr(stylegan2_generator, "mean_over_ranks", lambda mean: torch.full_like(mean, 7.0))
    generator(latents())
    torch.testing.assert_close(generator.average_style, 0.995 * start + 0.035)


def test_no_style_is_left_at_psi_0():
    """All latents give the image of the mean style; psi 1 changes nothing, psi 2 goes away from the mean."""
    generator = small_generator(noise="none")
    images = generator(latents(), truncation=0.0)
    mean_image = generator.synthesize(generator.average_style.expand(1, 8, -1))
    torch.testing.assert_close(images, mean_image.expand(4, -1, -1, -1), rtol=1e-4, atol=1e-5)
    styles = generator.map_latents(latents())
    torch.testing.assert_close(generator.truncate(styles, psi=1.0), styles, rtol=0, atol=0)
    away = generator.truncate(styles, psi=2.0) - generator.average_style
    torch.testing.assert_close(away, 2 * (styles - generator.average_style))
    far = generator.synthesize(generator.truncate(styles, psi=2.0))
    torch.testing.assert_close(generator(latents(), truncation=2.0), far, rtol=0, atol=0)


def test_truncation_stops_at_its_cutoff(seeded):
    generator = small_generator()
    styles = generator.map_latents(latents())
    truncated = generator.truncate(styles, psi=0.0, cutoff=3)
    torch.testing.assert_close(truncated[:, 3:], styles[:, 3:], rtol=0, atol=0)
    torch.testing.assert_close(truncated[:, :3], generator.average_style.expand(4, 3, -1))


def test_random_noise_is_drawn_anew(seeded):
    generator = small_generator()
    first, second = generator(latents()), generator(latents())
    assert (first - second).abs().max() > 1e-3
    torch.manual_seed(3)
    first = generator(latents())
    torch.manual_seed(3)
    torch.testing.assert_close(generator(latents()), first, rtol=0, atol=0)


def test_given_noise(seeded):
    """Drawn noise can be kept and given again; maps for one sample serve all."""
    generator = small_generator()
    noise = generator.draw_noise(4, generator=torch.Generator().manual_seed(1))
    again = generator.draw_noise(4, generator=torch.Generator().manual_seed(1))
    assert [tuple(drawn.shape) for drawn in noise] == [(4, 1, r, r) for r in (4, 8, 8, 16, 16, 32, 32)]
    images = generator(latents(), noise=noise)
    torch.testing.assert_close(generator(latents(), noise=again), images, rtol=0, atol=0)
    assert (images - generator(latents(), noise="none")).abs().max() > 1e-3
    shared = [drawn[:1] for drawn in noise]
    torch.testing.assert_close(generator(latents(), noise=shared)[:1], images[:1], rtol=1e-4, atol=1e-5)
    repeated = [drawn.expand(4, -1, -1, -1) for drawn in shared]
    torch.testing.assert_close(generator(latents(), noise=repeated), generator(latents(), noise=shared))


def test_drawn_noise_is_normal(seeded):
    largest = small_generator().draw_noise(64)[-1]
    assert float(largest.mean()) == pytest.approx(0, abs=0.02)
    assert float(largest.std()) == pytest.approx(1, rel=0.02)


def test_constructor_chooses_the_noise(seeded):
    generator = small_generator(noise="constant")
    images = generator(latents())
    torch.testing.assert_close(generator(latents()), images, rtol=0, atol=0)
    torch.testing.assert_close(small_generator()(latents(), noise="constant"), images, rtol=0, atol=0)


def test_noise_starts_without_strength(seeded):
    generator = tiny()
    torch.testing.assert_close(generator(latents(2, 4)), generator(latents(2, 4), noise="none"), rtol=0, atol=0)


@pytest.mark.parametrize("noise", [[torch.zeros(4, 1, 4, 4)], [torch.zeros(3, 1, r, r) for r in (4, 8, 8)], "fixed"])
def test_wrong_noise_is_refused(noise):
    with pytest.raises(ValueError, match="noise must be"):
        tiny()(latents(4, 4), noise=noise)


def test_wrong_number_of_styles_is_refused():
    with pytest.raises(ValueError, match=r"styles must be \(N, 4, style_dim\), got \(2, 5, 6\)"):
        tiny().synthesize(torch.zeros(2, 5, 6))


def tiny(**changes):
    arguments = {"resolution": 8, "latent_dim": 4, "style_dim": 6, "channel_base": 64, "channel_max": 8}
    return StyleGAN2Generator(**(arguments | {"mapping_layers": 2} | changes))


@pytest.mark.parametrize("classes", [None, 3])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_parameter_learns(architecture, classes, seeded):
    generator = tiny(architecture=architecture, classes=classes)
    images = generator(torch.randn(6, 4), None if classes is None else labels(6))
    assert images.shape == (6, *generator.sample_shape) == (6, 3, 8, 8)
    (images * torch.randn_like(images)).sum().backward()
    dead = [name for name, p in generator.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert not dead
    assert all(p.grad.isfinite().all() for p in generator.parameters())


@pytest.mark.parametrize("fused", [False, True])
def test_evaluation_is_deterministic_and_per_sample(fused, seeded):
    generator, z = tiny(noise="constant", fused=fused).eval(), torch.randn(4, 4)
    images = generator(z)
    torch.testing.assert_close(generator(z), images, rtol=0, atol=0)
    torch.testing.assert_close(generator(z[:2]), images[:2], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("fused", "training"), [(False, False), (True, False), (True, True)])
def test_fused_convolutions_are_for_evaluation(fused, training, monkeypatch, seeded):
    """In training they would hold the kernels of every sample until the backward pass."""
    ways = set()

    def watched(*arguments, fused, **options):
        ways.add(fused)
        return modulated_conv2d(*arguments, fused=fused, **options)

    monkeypatch.setattr(stylegan2_synthesis, "modulated_conv2d", watched)
    tiny(fused=fused).train(training)(torch.randn(2, 4))
    assert ways == {fused and not training}


def test_generator_obeys_its_condition(seeded):
    generator, z = tiny(classes=3, noise="none"), torch.randn(3, 4)
    assert (generator(z, torch.tensor([0, 1, 2])) - generator(z, torch.tensor([1, 2, 0]))).abs().max() > 1e-3
    with pytest.raises(ValueError, match="condition must be class labels"):
        generator(z)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_images_start_at_unit_size(architecture, seeded):
    generator = StyleGAN2Generator(
        resolution=32, latent_dim=64, style_dim=64, channel_base=1024, channel_max=64, architecture=architecture
    )
    assert 0.3 < generator(torch.randn(16, 64)).std() < 3


def test_clamp_out_of_reach_changes_nothing(seeded):
    z, free, loose = torch.randn(4, 4), tiny(noise="none"), tiny(noise="none", conv_clamp=256.0)
    loose.load_state_dict(free.state_dict())
    torch.testing.assert_close(loose(z), free(z), rtol=0, atol=0)


def test_clamp_limits_convolutions_and_images(seeded):
    """The limit shrinks with the gain, where a residual sum has one."""
    synthesis = tiny(conv_clamp=2.0).synthesis
    style = torch.randn(2, 6)
    for layer in synthesis.layers:
        with torch.no_grad():
            layer.bias += 10  # demodulation undoes the size of what comes in
        maps = layer(torch.randn(2, 8, 4, 4), style, None, gain=0.5, fused=False)
        assert maps.max().item() == pytest.approx(1.0)
    images = synthesis.to_image[0](100 * torch.randn(2, 8, 4, 4), style, fused=False)
    assert images.abs().max().item() == pytest.approx(2.0)


def test_copy_and_state_dict_reproduce(seeded):
    generator, z = tiny(noise="constant").train(), torch.randn(4, 4)
    generator(z)
    loaded = tiny(noise="constant")
    loaded.load_state_dict(generator.state_dict())
    expected = generator.eval()(z, truncation=0.5)
    for other in (copy.deepcopy(generator), loaded):
        torch.testing.assert_close(other.eval()(z, truncation=0.5), expected, rtol=0, atol=0)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_generator_runs_in_bfloat16(architecture, seeded):
    """Near float32, in images that are float32 themselves."""
    generator, z = tiny(architecture=architecture, noise="constant"), torch.randn(4, 4)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        images = generator(z)
    assert images.dtype == torch.float32
    torch.testing.assert_close(images, generator(z), rtol=0, atol=0.1)
    images.sum().backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in generator.parameters())


def test_exported_program_takes_any_batch(seeded):
    network = tiny(noise="constant", fused=True).eval().for_export()
    batch = torch.export.Dim("batch", min=1)
    program = torch.export.export(network, (torch.randn(3, 4),), dynamic_shapes={"latents": {0: batch}}).module()
    z = torch.randn(5, 4)
    torch.testing.assert_close(program(z), network(z))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"resolution": 48}, "resolution must be a power of two of at least 8, got 48"),
        ({"channel_base": 4}, r"channel_base must be at least resolution \(8\), got 4"),
        ({"architecture": "unet"}, r"architecture must be one of \['orig', 'resnet', 'skip'\], got 'unet'"),
        ({"noise": "fixed"}, r"noise must be one of \['constant', 'none', 'random'\], got 'fixed'"),
        ({"average_decay": 1.5}, r"average_decay must lie in \[0, 1\], got 1.5"),
        ({"classes": 0}, "classes must be a positive integer, got 0"),
        ({"mapping_layers": 0}, "layers must be a positive integer, got 0"),
    ],
)
def test_refusals_name_argument_and_value(arguments, message):
    with pytest.raises(ValueError, match=message):
        tiny(**arguments)


@pytest.mark.parametrize("cutoff", [0, 4])
def test_mixing_refuses_a_cutoff_that_mixes_nothing(cutoff):
    with pytest.raises(ValueError, match=f"cutoff must lie between 1 and 3, got {cutoff}"):
        mix_styles(torch.zeros(2, 4, 6), torch.ones(2, 4, 6), cutoff=cutoff)


def test_truncation_refuses_a_cutoff_above_the_layers():
    with pytest.raises(ValueError, match="cutoff must lie between 0 and 4, got 5"):
        tiny().truncate(torch.zeros(2, 4, 6), psi=0.5, cutoff=5)

import numpy as np
import pytest
import torch

from gan_lightning.core.pixels import to_uint8
from gan_lightning.models import StyleGAN2
from gan_lightning.networks import StyleGAN2Discriminator, StyleGAN2Generator
from gan_lightning.sampling import Samples, StyleMixing
from tests.parts import parts_with
from tests.sampling.test_interpolation import tiles

SMALL = {"resolution": 16, "channels": 3, "channel_base": 64, "channel_max": 8}


@pytest.fixture(params=["random", "constant"])
def styled(request):
    model = StyleGAN2(
        **parts_with(
            generator=StyleGAN2Generator(
                **SMALL, latent_dim=6, style_dim=8, mapping_layers=2, classes=3, noise=request.param
            ),
            discriminator=StyleGAN2Discriminator(**SMALL, group_size=2, classes=3),
        )
    )
    for network in (model.generator, model.generator_ema):
        for name, parameter in network.named_parameters():
            if "noise" in name:  # zero at the begin
                torch.nn.init.constant_(parameter, 0.3)
        network.average_style.normal_()
    return model.eval()


def picture(mode, model, out, rows, columns):
    mode.write(model, out, weights="ema", trust=False)
    return tiles(out, rows, columns, side=16)


@torch.no_grad()
def expected(model, row, column, *, cutoff, psi=None, layers=None, seed=0):
    """One image, layer by layer: those below the cutoff take the row's style."""
    network = model.generator_ema
    latents = model.prior.draw_indexed([row, column], 6, seed=seed)
    labels = model.sample_condition([row, column], seed=seed, labels=None)
    styles = network.mapping(latents, labels)
    chosen = [styles[0] if layer < cutoff else styles[1] for layer in range(network.style_count)]
    if psi is not None:
        mean = network.average_style
        reach = network.style_count if layers is None else layers
        chosen = [mean + psi * (w - mean) if i < reach else w for i, w in enumerate(chosen)]
    image = network.synthesize(torch.stack(chosen)[None], noise=list(model.noise([0], seed=0)) or None)
    return to_uint8(image)[0].permute(1, 2, 0).numpy()


def near(one, other):
    return np.abs(one.astype(int) - other.astype(int)).max() <= 1


def test_an_image_has_the_coarse_styles_of_its_row_and_the_fine_ones_of_its_column(styled, tmp_path):
    found = picture(StyleMixing(rows=2, columns=3, seed=4), styled, tmp_path / "a.png", 3, 4)
    assert styled.generator_ema.style_count == 6
    assert set(np.unique(found[0][0])) == {127}
    for row in range(2):
        assert near(found[row + 1][0], expected(styled, row, row, cutoff=3, seed=4))
        for column in range(3):
            assert near(found[0][column + 1], expected(styled, column + 2, column + 2, cutoff=3, seed=4))
            assert near(found[row + 1][column + 1], expected(styled, row, column + 2, cutoff=3, seed=4))
    assert not near(found[1][1], found[1][0])
    assert not near(found[1][1], found[0][1])


def test_cutoff_and_truncation_reach_the_layers_that_they_name(styled, tmp_path):
    mode = StyleMixing(rows=1, columns=1, cutoff=1, truncation=0.5, truncation_cutoff=2)
    found = picture(mode, styled, tmp_path / "a.png", 2, 2)
    assert near(found[1][1], expected(styled, 0, 1, cutoff=1, psi=0.5, layers=2))
    assert not near(found[1][1], expected(styled, 0, 1, cutoff=1, psi=0.5))


@torch.no_grad()
def test_samples_are_truncated_up_to_a_layer(styled):
    network, indices = styled.generator_ema, range(3)
    inputs = styled.inputs(indices, seed=0)
    styles = network.map_latents(inputs.latents, inputs.condition).clone()
    mean = network.average_style
    styles[:, :2] = mean + 0.3 * (styles[:, :2] - mean)
    by_hand = network.synthesize(styles, noise=list(inputs.noise) or None)
    drawn = styled.render(styled.inputs(indices, seed=0, truncation=0.3, truncation_cutoff=2))
    torch.testing.assert_close(drawn, by_hand, rtol=0, atol=1e-5)
    assert (drawn - styled.render(styled.inputs(indices, seed=0, truncation=0.3))).abs().max() > 1e-3


def test_a_label_is_that_of_every_sample(styled, tmp_path):
    mode = StyleMixing(rows=1, columns=1, labels=2)
    found = picture(mode, styled, tmp_path / "a.png", 2, 2)
    inputs = styled.inputs([0], seed=0, labels=torch.tensor([2]))
    with torch.no_grad():
        styles = styled.generator_ema.map_latents(inputs.latents, inputs.condition)
        image = styled.generator_ema.synthesize(styles, noise=list(styled.noise([0], seed=0)) or None)
    assert near(found[1][0], to_uint8(image)[0].permute(1, 2, 0).numpy())


@pytest.mark.parametrize("cutoff", [0, 6])
def test_a_cutoff_that_leaves_one_sample_out_is_refused(cutoff, styled, tmp_path):
    with pytest.raises(ValueError, match=rf"mode\.cutoff = {cutoff}: must lie between 1 and 5"):
        picture(StyleMixing(cutoff=cutoff), styled, tmp_path / "a.png", 1, 1)


def test_what_a_generator_without_styles_cannot_do_is_refused(plain, tmp_path):
    with pytest.raises(ValueError, match=r"mode=style_mixing takes a generator with styles .* DCGANGenerator"):
        picture(StyleMixing(), plain, tmp_path / "a.png", 1, 1)
    with pytest.raises(ValueError, match="truncation_cutoff = 2: it needs a truncation, and a generator that"):
        Samples(n=1, truncation=1.0, truncation_cutoff=2).write(plain, tmp_path / "a.png", weights="ema", trust=False)
    with pytest.raises(ValueError, match=r"mode\.rows = 0, mode\.columns = 6: must be at least 1"):
        StyleMixing(rows=0)

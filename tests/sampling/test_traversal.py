import math

import numpy as np
import pytest
import torch

from gan_lightning.core.pixels import to_uint8
from gan_lightning.models.priors import Clusters, Normal, Uniform
from gan_lightning.models.sampling import GeneratorInputs
from gan_lightning.sampling import Traversal
from gan_lightning.sampling.traversal import code_rows, latent_rows
from tests.sampling.test_interpolation import tiles


def write(mode, model, out):
    return mode.write(model, out, weights="ema", trust=False)


def test_in_a_row_one_code_varies_and_nothing_else(coded):
    given = coded.inputs(range(2), seed=5)
    latents, condition = given.latents, given.condition
    rows = code_rows(coded, latents, condition, steps=4, extent=1.5)
    assert [len(codes) for _, codes in rows] == [3, 3, 2, 2, 4, 4, 4, 4]
    parts = [slice(0, 3), slice(3, 5), slice(5, 6), slice(6, 7)]
    for number, (row_latents, codes) in enumerate(rows):
        sample, part = number % 2, parts[number // 2]
        assert torch.equal(row_latents, latents[sample].expand_as(row_latents))
        rest = [i for i in range(7) if not part.start <= i < part.stop]
        assert torch.equal(codes[:, rest], condition[sample, rest].expand(len(codes), -1))
        varied = codes[:, part]
        if number < 4:
            assert torch.equal(varied, torch.eye(part.stop - part.start))
        else:
            assert varied.flatten().tolist() == [-1.5, -0.5, 0.5, 1.5]


def test_the_picture_of_the_codes(coded, tmp_path):
    assert write(Traversal(seed=5, steps=4), coded, tmp_path / "a.png").startswith("4 rows")
    found = tiles(tmp_path / "a.png", 4, 4)
    given = coded.inputs([0], seed=5)
    latents, condition = given.latents, given.condition
    codes = condition.repeat(3, 1)
    codes[:, :3] = torch.eye(3)
    images = to_uint8(coded.render(GeneratorInputs(latents.expand(3, -1), codes))).squeeze(1).numpy()
    assert all(np.array_equal(found[0][i], images[i]) for i in range(3))
    assert set(found[0][3].flatten().tolist()) == {127}  # three values in a row of four


def test_latent_components_of_any_model(labeled, tmp_path):
    given = labeled.inputs(range(2), seed=0)
    latents, condition = given.latents, given.condition
    (first, labels), *rest = latent_rows(
        latents, condition, components=[4, 0], steps=3, prior=labeled.prior, extent=None
    )
    assert len(rest) == 3
    # CGAN's latents are uniform: no component goes beyond the bound
    assert first[:, 4].tolist() == pytest.approx([-math.sqrt(3), 0.0, math.sqrt(3)])
    assert torch.equal(first[:, :4], latents[:1, :4].expand(3, -1))
    assert labels.tolist() == [int(condition[0])] * 3
    write(Traversal(components=[4], labels=2, n=2, steps=3), labeled, tmp_path / "a.png")
    assert len(tiles(tmp_path / "a.png", 2, 3)) == 2


@pytest.mark.parametrize(
    ("prior", "extent", "reached"),
    [(Uniform(bound=0.5), None, 0.5), (Uniform(), 1.5, 1.5), (Clusters(clusters=3), None, 2.0), (Normal(), 3.0, 3.0)],
)
def test_a_component_goes_as_far_as_its_prior_unless_told_otherwise(prior, extent, reached):
    ((varied, _),) = latent_rows(torch.zeros(1, 6), None, components=[4], steps=2, prior=prior, extent=extent)
    assert varied[:, 4].tolist() == [-reached, reached]


def test_the_components_that_tell_the_cluster_are_no_quantities():
    with pytest.raises(ValueError, match=r"mode.components: component 2 is one of the 3 that tell in which cluster"):
        latent_rows(torch.zeros(1, 6), None, components=[2], steps=2, prior=Clusters(clusters=3), extent=1.0)


def test_what_cannot_be_varied(plain, tmp_path):
    with pytest.raises(ValueError, match=r"DCGAN.* has no codes; name latent components"):
        write(Traversal(), plain, tmp_path / "a.png")
    plain.prior = Clusters(clusters=3)
    with pytest.raises(ValueError, match=r"mode.components=\[3,4,5\]"):
        write(Traversal(), plain, tmp_path / "a.png")
    with pytest.raises(ValueError, match=r"mode.components = \[6\]: the latent vectors have components 0 to 5"):
        write(Traversal(components=[0, 6]), plain, tmp_path / "a.png")
    for arguments in ({"steps": 1}, {"extent": 0.0}, {"components": []}):
        with pytest.raises(ValueError, match=r"mode\.(steps|components)"):
            Traversal(**arguments)
    assert list(tmp_path.iterdir()) == []

"""A round of training of each modern generator at the paper's width, at 128 to 1024 pixels, batch 2 (from 1024 on 1).

What the contract's small networks cannot show: that shapes, numbers and memory are right at the size of real runs.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch

from gan_lightning.testing import Variant, fit
from tests.conftest import takes_long


def both(name: str) -> tuple[str, ...]:
    """Return the overrides that choose generator and discriminator of one name."""
    return tuple(f"model/{player}={name}" for player in ("generator", "discriminator"))


BACKBONE = ("model.discriminator.backbone.weights=package",)
STANDING = ("model.statistics.passes=1", "model.statistics.batch_size=2")
FASTGAN = ("fastgan", "model/feature_loss=mse", *STANDING)
BIGGAN = ("biggan", "data.classes=1000", "data.labels=labels.npy", "model.updates.critic_steps=1", *STANDING)

# resolution, then what is composed
CASES = {
    "fastgan_256": (256, *FASTGAN),
    "fastgan_512": (512, *FASTGAN, *both("fastgan_512")),
    "fastgan_1024": (1024, *FASTGAN, *both("fastgan_1024")),
    "biggan_128": (128, *BIGGAN, *both("biggan_128")),
    "biggan_256": (256, *BIGGAN, *both("biggan_256")),
    "biggan_deep_128": (128, *BIGGAN, *both("biggan_deep_128")),
    "projected_fastgan": (256, "projected_gan", *BACKBONE),
    "projected_fastgan_lite": (256, "projected_gan", *BACKBONE, "model/generator=projected_fastgan_lite"),
    "projected_stylegan2": (
        *(256, "projected_gan", *BACKBONE),
        *("model/generator=projected_stylegan2", "model/discriminator=projected_separable"),
    ),
    "r3gan_256": (256, "r3gan", *both("r3gan_256")),
    "stylegan2_paper256": (256, "stylegan2", *both("stylegan2_paper256")),
    "stylegan2_paper512": (512, "stylegan2", *both("stylegan2_paper512")),
    "stylegan2_paper1024": (1024, "stylegan2", *both("stylegan2_paper1024")),
    "stylegan2_auto_1024": (1024, "stylegan2", *both("stylegan2_auto_1024")),
}


@takes_long
@pytest.mark.parametrize("case", CASES)
def test_a_round_at_paper_size_moves_both_players(case, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    resolution, variant, *overrides = CASES[case]
    batch = 2 if resolution < 1024 else 1
    np.save("images.npy", np.random.default_rng(0).integers(256, size=(4, resolution, resolution, 3), dtype=np.uint8))
    np.save("labels.npy", np.arange(4))
    model, data = Variant(name=variant).build(
        *("data=arrays", "data.path=images.npy", f"data.resolution={resolution}", f"batch_size={batch}"), *overrides
    )
    before = {name: weight.detach().clone() for name, weight in trained(model).items()}
    fit(model, data, images=batch)
    assert model.steps["discriminator"] == model.steps["generator"] == 1
    moved = {name.partition(".")[0] for name, weight in trained(model).items() if not torch.equal(weight, before[name])}
    assert moved == {"generator", "discriminator"}
    assert all(weight.isfinite().all() for weight in trained(model).values())
    samples = model.sample_indices([0], seed=0)
    assert samples.shape == (1, 3, resolution, resolution)
    assert samples.isfinite().all()


def trained(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Return the weights that optimizers move."""
    names = ("generator.", "discriminator.")
    return {
        name: weight for name, weight in model.named_parameters() if name.startswith(names) and weight.requires_grad
    }

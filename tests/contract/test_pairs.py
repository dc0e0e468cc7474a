"""Every loss with every regularizer, augmentation and stabilizer that is not refused takes finite steps."""

from __future__ import annotations

import pytest
import torch

from tests.conftest import CONF
from tests.contract.variants import build, fit

TINY = ["model.generator.width=4", "model.discriminator.width=4", "model.discriminator.batch_norm=false"]
PARTS = [
    ("regularizer", "regularizers"),
    ("stabilizer", "stabilizers"),
    ("augment", None),
]


def options(group: str) -> list[str]:
    return sorted(path.stem for path in (CONF / "model" / group).glob("*.yaml"))


LOSSES = [name for name in options("loss") if name != "label_flipping"]
PAIRS = [(group, key, option) for group, key in PARTS for option in options(group)]


def mounted(group: str, key: str | None, option: str) -> str:
    return f"model/{group}={option}" if key is None else f"+model/{group}@model.{key}.{option}={option}"


def finite(model) -> bool:
    return all(p.isfinite().all() for p in model.parameters())


@pytest.mark.parametrize(("group", "key", "option"), PAIRS, ids=lambda value: str(value))
def test_a_part_goes_with_every_loss(group, key, option):
    for loss in LOSSES:
        model, data = build("dcgan", *TINY, f"model/loss={loss}", mounted(group, key, option))
        fit(model, data, images=8 * 3, log_every_n_steps=1)
        scalars = torch.tensor([v for k, v in model.latest_scalars.items() if k[0] in "dg"])
        assert scalars.isfinite().all(), loss
        assert finite(model), loss


def test_all_regularizers_and_stabilizers_at_once_with_ada():
    everything = [mounted(group, key, option) for group, key, option in PAIRS if key is not None]
    model, data = build("dcgan", *TINY, "model/augment=ada", *everything)
    fit(model, data, images=8 * 6, log_every_n_steps=1)
    assert finite(model)
    assert {f"d/{name}" for name in options("regularizer")} <= set(model.latest_scalars)


def test_label_flipping_wraps_any_loss():
    for loss in LOSSES:
        model, data = build("dcgan", *TINY, "model/loss=label_flipping", f"model/loss@model.loss.loss={loss}")
        fit(model, data, images=8 * 2)
        assert finite(model), loss


@pytest.mark.parametrize("variant", ["dcgan", "lsgan", "wgan"])
def test_a_gradient_penalty_on_a_critic_with_batch_norm_is_refused_by_name(variant):
    with pytest.raises(ValueError, match=r"body\.\d"):
        build(variant, "+model/regularizer@model.regularizers.gp=wgan_gp")


@pytest.mark.parametrize("variant", ["cgan", "acgan", "infogan"])
def test_replay_is_refused_under_labels_and_codes(variant):
    with pytest.raises(ValueError, match="replay"):
        build(variant, mounted("stabilizer", "stabilizers", "replay"))


def test_wgan_gp_without_its_penalty_is_refused():
    with pytest.raises(ValueError, match="regularizers"):
        build("wgan_gp", "~model.regularizers.gradient_penalty")

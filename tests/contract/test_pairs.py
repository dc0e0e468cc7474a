"""Every loss with every regularizer, augmentation and stabilizer that is not refused takes finite steps."""

from __future__ import annotations

import pytest
import torch

from tests.conftest import CONF, LONG_TESTS
from tests.contract.variants import build, build_unchanged, fit

TINY = ["model.generator.width=4", "model.discriminator.width=4", "model.discriminator.batch_norm=false"]
PARTS = [
    ("regularizer", "regularizers"),
    ("stabilizer", "stabilizers"),
    ("augment", None),
]


def options(group: str) -> list[str]:
    return sorted(path.stem for path in (CONF / "model" / group).glob("*.yaml"))


LOSSES = [name for name in options("loss") if name != "label_flipping"]
PAIRS = [
    (group, key, option)
    for group, key in PARTS
    for option in options(group)
    if option != "path_length"  # of StyleGAN2's generator alone, which has a contract test of its own
]


def mounted(group: str, key: str | None, option: str) -> str:
    return f"model/{group}={option}" if key is None else f"+model/{group}@model.{key}.{option}={option}"


def finite(model) -> bool:
    return all(p.isfinite().all() for p in model.parameters())


# What lets a part act within three batches of 8, where its defaults wait for thousands of images.
ACTING = {
    "lecam": ["start_images=8"],
    "top_k": ["gamma=0.5", "images_per_epoch=8"],
    "replay": ["capacity=8"],
    "ada": ["initial_p=0.5", "interval_steps=1", "speed_kimg=0.1"],
}
# Losses of differences between logits, by whose signs ADA cannot adapt.
WITHOUT_BOUNDARY = {
    "wasserstein",
    "relativistic_pairing",
    "relativistic_average",
    "relativistic_average_hinge",
    "relativistic_average_least_squares",
}
# The name of a stabilizer's term in the log.
TERMS = {
    "feature_matching": "g/feature_matching_",
    "historical_averaging": "d/historical_averaging_",
    "orthogonal": "g/orthogonal_",
}


def acting(group: str, key: str | None, option: str) -> list[str]:
    """Return what else to override, so that a part that was mounted really does something."""
    return [f"model.{group if key is None else f'{key}.{option}'}.{change}" for change in ACTING.get(option, [])]


class Watch:
    """Notes what a model's augmentation and stabilizers make of what they are given, and tells whether they acted."""

    def __init__(self, model) -> None:
        self.model = model
        self.augmented = self._calls(model.augment, "forward") if model.augment is not None else []
        parts = dict(model.stabilizers.items())
        self.kept = self._calls(parts["top_k"], "generator_values") if "top_k" in parts else []
        self.replayed = self._calls(parts["replay"], "discriminator_fakes") if "replay" in parts else []

    @staticmethod
    def _calls(part, method: str) -> list[tuple[torch.Tensor, torch.Tensor]]:
        calls, original = [], getattr(part, method)

        def noting(first, *others):
            result = original(first, *others)
            calls.append((first.detach().clone(), result.detach().clone()))
            return result

        setattr(part, method, noting)
        return calls

    def assert_acted(self, group: str, option: str, context: str) -> None:
        scalars = self.model.latest_scalars
        if group == "regularizer":
            assert scalars[f"d/{option}"] != 0, context
        elif group == "augment":
            assert any(not torch.equal(given, made) for given, made in self.augmented), context
            if option == "ada" and self.model.augment.adaptive:
                assert self.model.augment.p > 0, context
                assert self.model.augment.p != 0.5, context
        elif option == "top_k":
            assert [len(kept) for _, kept in self.kept[:3]] == [8, 4, 4], context
            assert all(torch.isin(kept, given).all() for given, kept in self.kept), context
        elif option == "replay":
            assert self._swapped(), context
        else:
            values = [value for name, value in scalars.items() if name.startswith(TERMS[option])]
            assert values, context
            assert all(value != 0 for value in values), context

    def _swapped(self) -> bool:
        """Whether a sample of an earlier batch was shown in the place of one of now."""
        past = torch.cat([given for given, _ in self.replayed])
        for number, (given, shown) in enumerate(self.replayed):
            earlier = past[: number * len(given)]
            for now, instead in zip(given, shown, strict=True):
                if not torch.equal(now, instead):
                    assert any(torch.equal(instead, image) for image in earlier)
                    return True
        return False


@pytest.mark.parametrize(("group", "key", "option"), PAIRS, ids=lambda value: str(value))
def test_a_part_goes_with_every_loss(group, key, option):
    # the suite takes a third of the losses with each part, another third with the next one
    third = PAIRS.index((group, key, option)) % 3
    for loss in LOSSES if LONG_TESTS else LOSSES[third::3]:
        overrides = [mounted(group, key, option), *acting(group, key, option)]
        if option == "ada" and loss in WITHOUT_BOUNDARY:
            with pytest.raises(ValueError, match=r"model.augment: ADA adapts to .* model.augment.fixed_p"):
                build("dcgan", *TINY, f"model/loss={loss}", *overrides)
            overrides = [mounted(group, key, option), "model.augment.fixed_p=0.5"]
        model, data = build("dcgan", *TINY, f"model/loss={loss}", *overrides)
        watch = Watch(model)
        fit(model, data, images=8 * 3, log_every_n_steps=1)
        scalars = torch.tensor([v for k, v in model.latest_scalars.items() if k[0] in "dg"])
        assert scalars.isfinite().all(), loss
        assert finite(model), loss
        watch.assert_acted(group, option, loss)


def test_all_regularizers_and_stabilizers_at_once_with_ada():
    mountable = [pair for pair in PAIRS if pair[1] is not None]
    everything = [override for pair in mountable for override in (mounted(*pair), *acting(*pair))]
    model, data = build("dcgan", *TINY, "model/augment=ada", *acting("augment", None, "ada"), *everything)
    watch = Watch(model)
    fit(model, data, images=8 * 6, log_every_n_steps=1)
    assert finite(model)
    for group, _, option in [*mountable, ("augment", None, "ada")]:
        watch.assert_acted(group, option, "all at once")


def test_label_flipping_wraps_any_loss():
    for loss in LOSSES:
        model, data = build("dcgan", *TINY, "model/loss=label_flipping", f"model/loss@model.loss.loss={loss}")
        fit(model, data, images=8 * 2)
        assert finite(model), loss


@pytest.mark.parametrize("variant", ["dcgan", "lsgan", "wgan"])
def test_a_gradient_penalty_on_a_critic_with_batch_norm_is_refused_by_name(variant):
    with pytest.raises(ValueError, match=r"body\.\d"):
        build(variant, "+model/regularizer@model.regularizers.gp=wgan_gp")


@pytest.mark.parametrize("wrapper", ["minibatch_discrimination", "minibatch_stddev"])
def test_minibatch_statistics_go_with_every_loss(wrapper):
    tiny = ["model.generator.width=4", "model.discriminator.discriminator.width=4"]
    for loss in LOSSES:
        model, data = build_unchanged("dcgan", f"model/discriminator={wrapper}", *tiny, f"model/loss={loss}")
        fit(model, data, images=8 * 3)
        assert finite(model), loss


def test_minibatch_discrimination_is_refused_under_a_gradient_penalty_and_standard_deviation_is_not():
    penalized = [
        "+model/regularizer@model.regularizers.gp=wgan_gp",
        "model.generator.width=4",
        "model.discriminator.discriminator.width=4",
        "model.discriminator.discriminator.batch_norm=false",
    ]
    with pytest.raises(ValueError, match=r"without minibatch discrimination, but 'layer'.*minibatch_stddev"):
        build_unchanged("dcgan", "model/discriminator=minibatch_discrimination", *penalized)
    model, data = build_unchanged("dcgan", "model/discriminator=minibatch_stddev", *penalized)
    fit(model, data, images=8 * 2)
    assert finite(model)


@pytest.mark.parametrize(
    ("variant", "reason"),
    [
        ("cgan", "have different labels, and CGAN judges each under its own"),
        ("acgan", "have different labels, and ACGAN judges each under its own"),
        ("projection", "have different labels"),
        ("infogan", "one feature vector for 2 samples together, but InfoGAN's code is read off each single one"),
        ("ssgan", "one feature vector for 2 samples together, but SSGAN's rotation is read off each single one"),
    ],
)
def test_packs_are_refused_where_each_sample_is_judged_by_itself(variant, reason):
    with pytest.raises(ValueError, match=rf"model\.discriminator: PackedDiscriminator.*{reason}"):
        build_unchanged(variant, "model/discriminator=packed")


@pytest.mark.parametrize("variant", ["acgan", "infogan", "ssgan"])
def test_patches_are_refused_where_a_head_reads_features(variant):
    with pytest.raises(ValueError, match=r"model\.discriminator: PatchDiscriminator judges patches"):
        build_unchanged(variant, "model/discriminator=patchgan", "model.discriminator.layers=1")


@pytest.mark.parametrize("variant", ["cgan", "acgan", "infogan"])
def test_replay_is_refused_under_labels_and_codes(variant):
    with pytest.raises(ValueError, match="replay"):
        build(variant, mounted("stabilizer", "stabilizers", "replay"))


def test_wgan_gp_without_its_penalty_is_refused():
    with pytest.raises(ValueError, match="regularizers"):
        build("wgan_gp", "~model.regularizers.gradient_penalty")

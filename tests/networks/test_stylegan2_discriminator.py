"""What StyleGAN2's discriminator promises besides its published numbers."""

import copy
import math

import pytest
import torch

from gan_lightning.networks.stylegan2_discriminator import StyleGAN2Discriminator
from tests.networks.stylegan2_goldens import labels

ARCHITECTURES = ["skip", "resnet", "orig"]


def tiny(**changes):
    arguments = {"resolution": 16, "channel_base": 128, "channel_max": 16, "mapping_layers": 2}
    return StyleGAN2Discriminator(**(arguments | changes))


@pytest.mark.parametrize("classes", [None, 3])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_shapes_halves_and_gradients(architecture, classes, seeded):
    discriminator = tiny(architecture=architecture, classes=classes, channels=1)
    images = torch.randn(6, *discriminator.sample_shape)
    features, logits = discriminator.features(images), discriminator(images, labels(6))
    assert features.shape == (6, discriminator.feature_dim) == (6, 16)
    assert logits.shape == (6,)
    torch.testing.assert_close(discriminator.head(features, labels(6)), logits, rtol=0, atol=0)
    (logits * torch.randn(6)).sum().backward()
    dead = [name for name, p in discriminator.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert not dead
    assert all(p.grad.isfinite().all() for p in discriminator.parameters())


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_gradient_of_the_slope_agrees_with_differences(architecture, seeded):
    """The derivative of a gradient penalty along one direction of the weights, against two values of it."""
    discriminator, images = tiny(architecture=architecture).double(), torch.randn(4, 3, 16, 16).double()
    weight = discriminator.blocks[0].conv2.conv.weight
    direction = torch.randn_like(weight)

    def penalty():
        leaf = images.clone().requires_grad_()
        (slopes,) = torch.autograd.grad(discriminator(leaf).sum(), leaf, create_graph=True)
        return slopes.square().sum()

    (gradient,) = torch.autograd.grad(penalty(), weight)
    step = 1e-6
    with torch.no_grad():
        weight += step * direction
    above = penalty().item()
    with torch.no_grad():
        weight -= 2 * step * direction
    below = penalty().item()
    assert (gradient * direction).sum().item() == pytest.approx((above - below) / (2 * step), rel=1e-4)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_discriminator_runs_in_bfloat16(architecture, seeded):
    """Near float32, in logits that are float32 themselves."""
    discriminator, images = tiny(architecture=architecture), torch.randn(4, 3, 16, 16)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = discriminator(images)
    assert logits.dtype == torch.float32
    torch.testing.assert_close(logits, discriminator(images), rtol=0, atol=0.05)
    logits.sum().backward()
    assert all(p.grad.isfinite().all() for p in discriminator.parameters())


def test_discriminator_obeys_its_condition(seeded):
    discriminator, images = tiny(classes=3), torch.randn(3, 3, 16, 16)
    changed = discriminator(images, torch.tensor([0, 1, 2])) - discriminator(images, torch.tensor([1, 2, 0]))
    assert (changed.abs() > 1e-4).all()
    with pytest.raises(ValueError, match="condition must be class labels"):
        discriminator(images)


def test_discriminator_sees_variety_within_groups(seeded):
    discriminator, images = tiny(group_size=2), torch.randn(4, 3, 16, 16)
    logits = discriminator(images)
    alone = discriminator(images[:1].expand(4, -1, -1, -1))
    assert (logits[0] - alone[0]).abs() > 1e-4
    torch.testing.assert_close(discriminator(images[:2]), logits[:2])  # the other group does not matter


def test_logits_start_at_unit_size(seeded):
    """Over twenty networks, as one gives all its images much the same logit."""
    logits = torch.cat([tiny()(torch.randn(4, 3, 16, 16)) for _ in range(20)])
    assert 0.3 < logits.square().mean().sqrt() < 3


def test_clamp_out_of_reach_changes_nothing(seeded):
    images, free, loose = torch.randn(4, 3, 16, 16), tiny(), tiny(conv_clamp=256.0)
    loose.load_state_dict(free.state_dict())
    torch.testing.assert_close(loose(images), free(images), rtol=0, atol=0)


def test_clamp_limits_every_convolution(seeded):
    """The limit shrinks with the gain, where a residual sum has one."""
    discriminator = tiny(conv_clamp=2.0)
    layers = [(layer, 1.0) for layer in discriminator.from_image] + [(discriminator.conv, 1.0)]
    for block in discriminator.blocks:
        layers += [(block.conv1, 1.0), (block.conv2, math.sqrt(0.5))]
    assert len(layers) == 6
    for layer, gain in layers:
        outputs = layer(100 * torch.randn(2, layer.conv.weight.shape[1], 8, 8), gain=gain)
        assert outputs.abs().max().item() == pytest.approx(2 * gain)


def test_copy_and_state_dict_reproduce(seeded):
    discriminator, images = tiny(), torch.randn(4, 3, 16, 16)
    loaded = tiny()
    loaded.load_state_dict(discriminator.state_dict())
    for other in (copy.deepcopy(discriminator), loaded):
        torch.testing.assert_close(other(images), discriminator(images), rtol=0, atol=0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"resolution": 4}, "resolution must be a power of two of at least 8, got 4"),
        ({"channel_base": 8}, r"channel_base must be at least resolution \(16\), got 8"),
        ({"architecture": "unet"}, r"architecture must be one of \['orig', 'resnet', 'skip'\], got 'unet'"),
        ({"classes": 0}, "classes must be a positive integer, got 0"),
        ({"group_size": 0}, "group_size must be at least 1, got 0"),
    ],
)
def test_refusals_name_argument_and_value(arguments, message):
    with pytest.raises(ValueError, match=message):
        tiny(**arguments)

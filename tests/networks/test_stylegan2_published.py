"""StyleGAN2's networks, filled from integers, against what the published implementation makes of the same values."""

import math

import pytest
import torch

from gan_lightning.networks.stylegan2_generator import mix_styles
from tests.networks.stylegan2_goldens import (
    ROOT3,
    labels,
    latents,
    small_discriminator,
    small_generator,
    stream,
    waves,
)


def test_stream():
    assert stream(0, 5).tolist() == pytest.approx([0.027728660, -0.736203362, 0.972000573, -0.847659536, -0.195183687])
    far = stream(1000, 10**6 + 1)[[0, 1, 100, 10**6]].tolist()
    assert far == pytest.approx([-0.243611761, 0.992456217, 0.436171334, -0.744522011])


def assert_golden(values, *, mean, std, first, last):
    values = values.detach().flatten()
    assert values.mean().item() == pytest.approx(mean, rel=1e-3)
    assert values.std(correction=0).item() == pytest.approx(std, rel=1e-3)
    assert [*values[:4].tolist(), values[-1].item()] == pytest.approx([*first, last], rel=1e-3)


# changes to the small network -> (parameters, mean, std, first four values, last value) of its images without noise
IMAGES = [
    ({}, 63_059, -0.267529, 1.23406, [-0.174181, -0.326418, -0.368385, -0.390657], 0.200131),
    (
        {"architecture": "resnet"},
        62_922,
        -0.257059,
        0.803378,
        [-0.0126193, 0.0919427, 0.188652, 0.241694],
        -0.207256,
    ),
    (
        {"architecture": "orig"},
        60_362,
        0.0931919,
        0.992795,
        [-0.107973, -0.184769, -0.136288, 0.00555843],
        0.0410959,
    ),
    ({"classes": 3}, 63_731, -0.0317898, 1.79651, [-0.200955, -0.212713, -0.188395, -0.0618042], 0.623768),
    (
        {"classes": 3, "architecture": "resnet"},
        63_594,
        0.130261,
        0.654933,
        [-0.0944731, -0.052417, -0.0158746, 0.00796126],
        -0.28942,
    ),
]


@pytest.mark.parametrize("mode", ["evaluation", "fused", "training"])
@pytest.mark.parametrize(("changes", "count", "mean", "std", "first", "last"), IMAGES)
def test_published_images(changes, count, mean, std, first, last, mode):
    generator = small_generator(**changes, fused=mode == "fused").train(mode == "training")
    assert sum(p.numel() for p in generator.parameters()) == count
    condition = labels(4) if generator.classes else None
    assert_golden(generator(latents(), condition, noise="none"), mean=mean, std=std, first=first, last=last)


@pytest.mark.parametrize(
    ("changes", "golden"),
    [
        (
            {},
            {
                "mean": 0.619295,
                "std": 1.28401,
                "first": [-0.137138, -0.421011, -0.0336353, -0.543199],
                "last": -0.103278,
            },
        ),
        (
            {"classes": 3},
            {
                "mean": 0.364189,
                "std": 1.58518,
                "first": [-0.588997, -0.28363, -0.378279, -0.670933],
                "last": -0.254823,
            },
        ),
    ],
)
def test_published_styles(changes, golden):
    generator = small_generator(**changes)
    styles = generator.map_latents(latents(), labels(4) if generator.classes else None)
    assert styles.shape == (4, 8, 24)
    assert_golden(styles, **golden)


@pytest.mark.parametrize(
    ("options", "golden"),
    [
        ({"noise": "constant"}, (-0.269227, 1.24543, [-0.138438, -0.369472, -0.430883, -0.412334], 0.0493413)),
        (
            {"noise": "none", "truncation": 0.5},
            (-0.547293, 1.01483, [0.172496, 0.172955, 0.124752, -0.0561832], 0.301758),
        ),
        (
            {"noise": "none", "truncation": 0.5, "cutoff": 4},
            (-0.341374, 1.07908, [-0.0275547, -0.151095, -0.223183, -0.324644], 0.281798),
        ),
    ],
)
def test_published_images_with_noise_and_truncation(options, golden):
    mean, std, first, last = golden
    assert_golden(small_generator()(latents(), **options), mean=mean, std=std, first=first, last=last)


def test_published_images_of_mixed_styles():
    generator = small_generator()
    styles = mix_styles(generator.map_latents(latents()), generator.map_latents(latents().flip(0)), cutoff=3)
    first = [-0.0123469, -0.00266404, 0.067296, 0.100244]
    images = generator.synthesize(styles, noise="none")
    assert_golden(images, mean=-0.210638, std=1.23822, first=first, last=0.29566)


def test_published_mean_style():
    generator = small_generator().train()
    generator.average_style.zero_()
    generator(latents())
    mean = generator.average_style
    assert float(mean.mean()) == pytest.approx(0.00309647, rel=1e-3)
    assert float(mean.std(correction=0)) == pytest.approx(0.00492287, rel=1e-3)
    assert mean[:4].tolist() == pytest.approx([0.00271517, -0.00200626, -0.000296617, -0.00137783], rel=1e-3)


def test_published_path_lengths():
    """Lengths ``sqrt(mean_l |d sum(images y) / dw_l|²)``, and the gradient of the penalty ``8 mean (length - a)²``."""
    generator = small_generator()
    y = (ROOT3 * stream(1002, 4 * 3 * 32 * 32)).float().view(4, 3, 32, 32) / 32
    styles = generator.map_latents(latents())
    images = generator.synthesize(styles, noise="none")
    (slopes,) = torch.autograd.grad((images * y).sum(), styles, create_graph=True)
    lengths = slopes.square().sum(dim=2).mean(dim=1).sqrt()
    assert lengths.tolist() == pytest.approx([1.33895, 0.965029, 1.02187, 1.24773], rel=1e-3)
    target = 0.01 * lengths.mean()
    assert target.item() == pytest.approx(0.011434, rel=1e-3)
    penalty = (lengths - target).square().mean()
    assert penalty.item() == pytest.approx(1.30526, rel=1e-3)
    gradients = torch.autograd.grad(2 * 4 * penalty, list(generator.parameters()), allow_unused=True)
    norm = math.sqrt(sum(float(g.square().sum()) for g in gradients if g is not None))
    assert norm == pytest.approx(15.5011, rel=5e-3)


PUBLISHED_ORDER = [0, 2, 4, 6, 1, 3, 5, 7]
"""The published groups are of every other sample; in this order, ours of consecutive ones are the same."""

# changes to the small network -> (parameters, logits of 8 waves)
LOGITS = [
    ({}, 72_561, [0.323334, 0.362443, 0.372953, 0.339441, 0.315837, 0.281895, 0.250801, 0.229606]),
    (
        {"architecture": "orig"},
        70_001,
        [0.22832, 0.226443, 0.195361, 0.20642, 0.235653, 0.242849, 0.234743, 0.2146],
    ),
    (
        {"architecture": "skip"},
        70_385,
        [-0.811518, -0.905816, -0.839167, -0.798144, -0.770067, -0.743922, -0.70776, -0.695756],
    ),
    (
        {"classes": 3},
        82_160,
        [-0.398834, -0.381137, -0.362005, -0.339347, -0.31897, -0.295477, -0.290525, -0.276326],
    ),
    (
        {"classes": 3, "architecture": "orig"},
        79_600,
        [-0.564288, -0.555243, -0.565816, -0.524609, -0.524299, -0.555535, -0.544982, -0.566653],
    ),
]


def in_published_order(values):
    """Undo the order in which samples went in."""
    return values[torch.argsort(torch.tensor(PUBLISHED_ORDER))].tolist()


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize(("changes", "count", "expected"), LOGITS)
def test_published_logits(changes, count, expected, training):
    discriminator = small_discriminator(**changes).train(training)
    assert sum(p.numel() for p in discriminator.parameters()) == count
    logits = discriminator(waves()[PUBLISHED_ORDER], labels(8)[PUBLISHED_ORDER])
    assert in_published_order(logits) == pytest.approx(expected, rel=1e-3)


def test_published_logits_of_one_group():
    logits = small_discriminator()(waves(4))
    assert logits.tolist() == pytest.approx([0.32133, 0.360048, 0.369648, 0.337011], rel=1e-3)


@pytest.mark.parametrize(
    ("changes", "squares", "norm"),
    [
        (
            {},
            [0.00281832, 0.00347685, 0.00357033, 0.00323193, 0.00315315, 0.00246081, 0.00195369, 0.00210498],
            0.0307676,
        ),
        (
            {"classes": 3},
            [0.00317769, 0.00356633, 0.00323751, 0.00320007, 0.00295092, 0.00251054, 0.00240138, 0.00233713],
            0.126306,
        ),
    ],
)
def test_published_gradient_penalty(changes, squares, norm):
    """Squared norms of the slopes at the images, and the gradient of ``16 / 2`` times their mean."""
    discriminator = small_discriminator(**changes)
    images = waves()[PUBLISHED_ORDER].requires_grad_()
    logits = discriminator(images, labels(8)[PUBLISHED_ORDER])
    (slopes,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    penalties = slopes.square().sum(dim=(1, 2, 3))
    assert in_published_order(penalties) == pytest.approx(squares, rel=5e-3)
    gradients = torch.autograd.grad(8 * penalties.mean(), list(discriminator.parameters()), allow_unused=True)
    measured = math.sqrt(sum(g.square().sum().item() for g in gradients if g is not None))
    assert measured == pytest.approx(norm, rel=5e-3)

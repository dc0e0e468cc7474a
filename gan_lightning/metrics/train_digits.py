"""Train the digits classifier: ``python -m gan_lightning.metrics.train_digits [file.safetensors]``.

Only the training split is used. Two runs on one machine give the same file, byte for byte.
"""

from __future__ import annotations

import argparse
import logging
import math
from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from gan_lightning.data.digits import load_digits
from gan_lightning.metrics.digits_classifier import WEIGHTS, DigitsNet

log = logging.getLogger(__name__)

STEPS = 2000
BATCH_SIZE = 128
LEARNING_RATE = 3e-3
WEIGHT_DECAY = 0.05
LABEL_SMOOTHING = 0.01
"""As much doubt as the held-out errors justify; more would cap the classifier score of perfect images (0.05: 7.6)."""
MAX_ROTATION_DEGREES = 8.0
MAX_SHIFT_PIXELS = 1.0
MAX_SCALE = 0.1


def augment(images: Tensor, generator: torch.Generator) -> Tensor:
    """Rotate, scale and shift each image a little; the border value is repeated.

    Args:
        images: float32 ``(N, 1, H, W)``.
        generator: where the randomness comes from.
    """

    def uniform(limit: float) -> Tensor:
        return (torch.rand(len(images), generator=generator) * 2 - 1) * limit

    angle = uniform(math.radians(MAX_ROTATION_DEGREES))
    scale = 1 + uniform(MAX_SCALE)
    to_grid_units = 2 / images.shape[-1]  # affine_grid spans [-1, 1]
    shift_x, shift_y = uniform(MAX_SHIFT_PIXELS * to_grid_units), uniform(MAX_SHIFT_PIXELS * to_grid_units)
    cos, sin = angle.cos() * scale, angle.sin() * scale
    theta = torch.stack([torch.stack([cos, -sin, shift_x], 1), torch.stack([sin, cos, shift_y], 1)], 1)
    grid = F.affine_grid(theta, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)


def train(*, seed: int = 0, steps: int = STEPS) -> DigitsNet:
    """Train a ``DigitsNet`` on the training split, on one CPU thread.

    Args:
        seed: seed of the initial weights, the order of the images and the augmentation.
        steps: number of AdamW steps; the learning rate falls to 0 along half a cosine.
    """
    images, labels = load_digits(split="train", resolution=16)
    assert labels is not None  # for the type checker: digits are labeled
    pictures = images.float() / 127.5 - 1
    generator = torch.Generator().manual_seed(seed)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # sums of several threads add up in varying order
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            net = DigitsNet()
        optimizer = torch.optim.AdamW(net.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
        for _ in range(steps):
            chosen = torch.randint(len(pictures), (BATCH_SIZE,), generator=generator)
            logits = net(augment(pictures[chosen], generator))
            loss = F.cross_entropy(logits, labels[chosen], label_smoothing=LABEL_SMOOTHING)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    finally:
        torch.set_num_threads(threads)
    return net.eval()


def accuracy(net: DigitsNet) -> float:
    """Return the share of the held-out images that ``net`` recognizes."""
    images, labels = load_digits(split="heldout", resolution=16)
    with torch.no_grad():
        return (net(images.float() / 127.5 - 1).argmax(1) == labels).double().mean().item()


def main(argv: Sequence[str] | None = None) -> None:
    """Train, say how well it went, and write the weights."""
    from safetensors.torch import save_file

    parser = argparse.ArgumentParser(description="Train the digits classifier on the training split.")
    parser.add_argument("output", nargs="?", type=Path, default=WEIGHTS, help="safetensors file to write")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=STEPS)
    options = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    net = train(seed=options.seed, steps=options.steps)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    save_file(net.state_dict(), options.output)
    log.info("accuracy on the held-out images: %.4f; wrote %s", accuracy(net), options.output)


if __name__ == "__main__":
    main()

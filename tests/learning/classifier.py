"""A small classifier of CIFAR-10's pictures, whose features the learning tables are scored on.

Its weights lie beside this file, because another machine trains others, on which scores are not the same.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from gan_lightning.core.atomic import write_atomic
from gan_lightning.data import FolderDataModule
from gan_lightning.data.images import EvaluationImages

WEIGHTS = Path(__file__).with_name("classifier.safetensors")

EPOCHS = 6
BATCH_SIZE = 128
LEARNING_RATE = 4e-3
WEIGHT_DECAY = 0.02
SHIFT = 3
"""Pixels by which a training picture is moved at most."""


def stage(inputs: int, outputs: int, *, stride: int = 1) -> list[nn.Module]:
    convolution = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
    return [convolution, nn.BatchNorm2d(outputs), nn.ReLU()]


class CifarClassifier(nn.Module):
    """Four convolutions; ``features`` gives 128 maps of 4x4, whose means over the places are the last layer but one.

    Float ``(N, 3, 32, 32)`` in [-1, 1] become logits ``(N, 10)``.
    """

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            *stage(3, 32),
            *stage(32, 64, stride=2),
            *stage(64, 128, stride=2),
            *stage(128, 128, stride=2),
        )
        self.output = nn.Linear(128, 10)

    def forward(self, images: Tensor) -> Tensor:
        return self.output(self.features(images).mean(dim=(2, 3)))


def pictures(path: Path) -> tuple[EvaluationImages, EvaluationImages]:
    """Return the training and the test split of a folder or archive ``train/<class>/*``, ``test/<class>/*``."""
    data = FolderDataModule(path=str(path), resolution=32, channels=3, classes=10, batch_size=BATCH_SIZE, seed=0)
    return data.evaluation_images("train"), data.evaluation_images("test")


def batches(images: Tensor, labels: Tensor, generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the pictures once, in random order, mirrored or not and moved a little."""
    order = torch.randperm(len(images), generator=generator)
    for rows in order.split(BATCH_SIZE):
        batch = F.pad(images[rows].float() / 127.5 - 1, [SHIFT] * 4, mode="reflect")
        down, right = torch.randint(2 * SHIFT + 1, (2,), generator=generator).tolist()
        batch = batch[:, :, down : down + 32, right : right + 32]
        mirrored = torch.rand(len(rows), generator=generator) < 0.5
        yield torch.where(mirrored.view(-1, 1, 1, 1), batch.flip(3), batch), labels[rows]


def train(images: Tensor, labels: Tensor, *, epochs: int = EPOCHS, seed: int = 0) -> CifarClassifier:
    """Train on uint8 ``(N, 3, 32, 32)`` and int64 ``(N,)``, on one thread, so that runs repeat."""
    generator = torch.Generator().manual_seed(seed)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            net = CifarClassifier()
        optimizer = torch.optim.AdamW(net.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
        steps = epochs * -(-len(images) // BATCH_SIZE)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=steps)
        for _ in range(epochs):
            for batch, wanted in batches(images, labels, generator):
                loss = F.cross_entropy(net(batch), wanted)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
    finally:
        torch.set_num_threads(threads)
    return net.eval()


@torch.no_grad()
def accuracy(net: CifarClassifier, images: EvaluationImages) -> float:
    """Return the share of pictures whose class is recognized."""
    assert images.labels is not None
    guesses = torch.cat([net(batch.float() / 127.5 - 1).argmax(1) for batch in images.batches(500)])
    return (guesses == images.labels).double().mean().item()


def make(path: Path) -> None:
    """Train the classifier into ``WEIGHTS``, in half precision, and write its test accuracy and hash beside it."""
    training, test = pictures(path)
    assert training.labels is not None
    net = train(torch.cat(list(training.batches(1000))), training.labels)
    save_file(
        {name: tensor.half() if tensor.is_floating_point() else tensor for name, tensor in net.state_dict().items()},
        WEIGHTS,
    )
    net.load_state_dict(load_file(WEIGHTS))
    digest = hashlib.sha256(WEIGHTS.read_bytes()).hexdigest()
    write_atomic(WEIGHTS.with_suffix(".json"), json.dumps({"accuracy": accuracy(net, test), "sha256": digest}) + "\n")


def known() -> dict[str, float | str]:
    """Return the test accuracy of the classifier and the hash of its file.

    Raises:
        ValueError: if the file is another one than the accuracy was measured on.
    """
    facts = json.loads(WEIGHTS.with_suffix(".json").read_text(encoding="utf-8"))
    if facts["sha256"] != hashlib.sha256(WEIGHTS.read_bytes()).hexdigest():
        raise ValueError(f"{WEIGHTS.name} is not the file that {WEIGHTS.stem}.json tells of")
    return facts

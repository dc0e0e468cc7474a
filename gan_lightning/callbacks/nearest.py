"""Suspected copies beside the training images that they are nearest to, as a picture."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from lightning import Trainer
from torch import Tensor

from gan_lightning.core.atomic import write_atomic
from gan_lightning.core.grids import make_grid, png
from gan_lightning.core.pixels import to_uint8
from gan_lightning.data.images import EvaluationImages
from gan_lightning.loggers.base import log_samples
from gan_lightning.metrics import Sampler
from gan_lightning.metrics.scores import Closest
from gan_lightning.runs.folder import PictureKind, RunFolder

log = logging.getLogger(__name__)

KIND: PictureKind = "nearest"


def show_nearest(
    trainer: Trainer, closest: Sequence[Closest], sample: Sampler, real: EvaluationImages, *, images_seen: int
) -> None:
    """Draw ``draw_nearest`` into the run's folder and hand it to the loggers, on rank zero.

    Args:
        trainer: trainer of the run.
        closest: what the evaluation found, at least one.
        sample: makes the generated images again.
        real: the real images.
        images_seen: when it was.
    """
    if not trainer.is_global_zero:
        return
    path = RunFolder(trainer.default_root_dir).picture(KIND, images_seen)
    try:
        write_atomic(path, png(draw_nearest(closest, sample, real)))
    except OSError as error:
        log.error("could not write a picture of suspected copies; training continues: %s", error)
        return
    log_samples(trainer.loggers, KIND, path, images_seen)


def draw_nearest(closest: Sequence[Closest], sample: Sampler, real: EvaluationImages) -> Tensor:
    """Draw one row for each suspected copy: the generated image, then its nearest real ones.

    Args:
        closest: what the evaluation found, at least one, with equally many real images.
        sample: makes the generated images again.
        real: the real images.

    Returns:
        uint8 ``(H, W, 1 or 3)``.
    """
    generated = to_uint8(sample(torch.tensor([found.sample for found in closest]))).cpu()
    neighbors = real.take([row for found in closest for row in found.real])
    channels, side = (max(generated.shape[i], neighbors.shape[i]) for i in (1, 3))
    generated, neighbors = (fitted(images, channels, side) for images in (generated, neighbors))
    columns = 1 + len(closest[0].real)
    rows = torch.cat([generated[:, None], neighbors.unflatten(0, (len(closest), columns - 1))], dim=1)
    return make_grid(rows.flatten(0, 1), columns=columns)


def fitted(images: Tensor, channels: int, side: int) -> Tensor:
    """Repeat gray to RGB and enlarge without smoothing, so that images of both sides fit into one picture."""
    images = images.expand(-1, channels, -1, -1)
    return images if images.shape[-1] == side else F.interpolate(images, size=(side, side), mode="nearest-exact")

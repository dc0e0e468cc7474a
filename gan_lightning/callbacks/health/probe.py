"""A look at samples and at the discriminator's opinion of real ones, which leaves no trace in the training."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from gan_lightning.core.determinism import full_float32, undisturbed_rng
from gan_lightning.data.base import ImageDataModule, RealDataModule
from gan_lightning.data.batch import Batch
from gan_lightning.data.images import EvaluationImages
from gan_lightning.data.loader import to_unit_range
from gan_lightning.data.points import MixtureDataModule
from gan_lightning.models.adversarial import AdversarialModule
from gan_lightning.models.image_to_image import ImageToImage
from gan_lightning.models.outputs import share_ranked_right

PACK = 12
"""Samples are counted in dozens, which packs of 2, 3, 4 and 6 divide."""

SIDE = 64
"""Larger pictures are compared at this size: what they show is what counts, and memory is bounded."""


@dataclass(frozen=True)
class Reference:
    """Real samples to compare with.

    Attributes:
        train: samples of the training set, on the CPU.
        heldout: samples of a split that training never sees, or None.
        spread: mean distance between two training samples.
    """

    train: Batch
    heldout: Batch | None
    spread: float


@dataclass(frozen=True)
class Look:
    """What was seen.

    Attributes:
        diversity: mean distance between two samples of fixed latents, as a share of ``Reference.spread``.
        real_train: the discriminator's mean logit of training samples; None without held-out ones, likewise:
        real_heldout: its mean logit of held-out samples.
        overfitting: r_v = (E D(train) - E D(held-out)) / (E D(train) - E D(fake)), ADA (Karras 2020, arXiv
            2006.06676), equation 1; 0 if fakes are not below training samples.
        memorised: share of (training, held-out) pairs in which the training sample has the larger logit.
    """

    diversity: float
    real_train: float | None = None
    real_heldout: float | None = None
    overfitting: float | None = None
    memorised: float | None = None


def mean_distance(samples: Tensor) -> float:
    """Return the mean distance between two different ones of N >= 2 samples, images ``(N, C, H, W)`` or ``(N, D)``."""
    if samples.ndim == 4 and max(samples.shape[2:]) > SIDE:
        samples = F.adaptive_avg_pool2d(samples, SIDE)
    return torch.pdist(samples.flatten(1).double()).mean().item()


def spread_out(images: EvaluationImages, count: int) -> Batch | None:
    """Take up to ``count`` images, in whole dozens, evenly over a set that may be sorted; None from fewer than two."""
    stride = max(1, len(images) // count)
    pixels = torch.cat(list(images.batches(count, rank=0, world_size=stride)))[:count]
    kept = len(pixels) - len(pixels) % PACK
    if kept < 2 * PACK:
        return None
    labels = None if images.labels is None else images.labels[::stride][:kept]
    return Batch(to_unit_range(pixels[:kept]), labels)


def reference(data: RealDataModule, count: int) -> Reference | None:
    """Take real samples from a data module; None if it has too few, or another kind."""
    heldout = None
    if isinstance(data, MixtureDataModule):
        train: Batch | None = Batch(data.mixture.draw(count, seed=data.data_seed))
    elif isinstance(data, ImageDataModule):
        train = spread_out(data.evaluation_images("train"), count)
        if data.heldout_split is not None:
            heldout = spread_out(data.evaluation_images(data.heldout_split), count)
    else:
        return None
    if train is None:
        return None
    spread = mean_distance(train.images)
    return Reference(train, heldout, spread) if spread > 0 else None


@torch.no_grad()
def look(module: AdversarialModule, real: Reference, *, seed: int, batch: int) -> Look:
    """Sample fixed latents, and show real samples to the discriminator, both in evaluation mode.

    Args:
        module: a model in training.
        real: what to compare with.
        seed: seed of the latents, and of what augmentations draw.
        batch: samples to compute with at once.
    """
    count = len(real.train)
    samples = module.sample(count, seed=seed, batch_size=batch)
    diversity = mean_distance(samples) / real.spread
    blind = isinstance(module, ImageToImage) or (module.classes is not None and real.train.labels is None)
    if real.heldout is None or blind or not samples.isfinite().all():
        return Look(diversity)
    labels = None if module.classes is None else real.train.labels
    device, was_training = module.device, module.discriminator.training
    module.discriminator.eval()
    try:
        with undisturbed_rng(device), full_float32(device):
            torch.manual_seed(seed)
            fakes = Batch(module.sample(count, seed=seed, weights="raw", labels=labels, batch_size=batch), labels)
            train, heldout, fake = (_logits(module, shown, batch) for shown in (real.train, real.heldout, fakes))
    finally:
        module.discriminator.train(was_training)
    gap, margin = (train.mean() - heldout.mean()).item(), (train.mean() - fake.mean()).item()
    return Look(
        diversity,
        real_train=train.mean().item(),
        real_heldout=heldout.mean().item(),
        overfitting=gap / margin if margin > 0 else 0.0,
        memorised=share_ranked_right(train, heldout).item(),
    )


def _logits(module: AdversarialModule, shown: Batch, batch: int) -> Tensor:
    """Return the discriminator's logits of augmented samples, one per sample or pack: float64 on the CPU.

    ``prepare_batch`` is left out: a growing model grows in it.
    """
    logits = []
    step = max(PACK, batch - batch % PACK)
    for start in range(0, len(shown), step):
        labels = None if shown.labels is None else shown.labels[start : start + step]
        part = Batch(shown.images[start : start + step], labels).to(module.device)
        logits.append(module.discriminate(part.images, module.discriminator_condition(part)).logits.double().cpu())
    joined = torch.cat(logits)
    return joined.flatten(1).mean(1) if joined.ndim > 1 else joined

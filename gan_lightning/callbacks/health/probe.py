"""A look at samples and at the discriminator's opinion of real ones, which leaves no trace in the training."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from gan_lightning.data.base import ImageDataModule, RealDataModule
from gan_lightning.data.batch import Batch
from gan_lightning.data.images import EvaluationImages
from gan_lightning.data.loader import to_unit_range
from gan_lightning.data.points import MixtureDataModule
from gan_lightning.metrics.isolation import full_float32, undisturbed_rng
from gan_lightning.models.base import AdversarialModule
from gan_lightning.models.turns import share_ranked_right

PACK = 12
"""Samples are counted in dozens, which packs of 2, 3, 4 and 6 divide."""


@dataclass(frozen=True)
class Reference:
    """Real samples to compare with.

    Attributes:
        train: of the training set, on the CPU.
        heldout: of a split that training never sees, or None.
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
        real_heldout: of held-out samples.
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
    """Mean Euclidean distance between two different ones of ``(N, ...)`` samples, ``N >= 2``."""
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
def look(module: AdversarialModule, real: Reference, *, seed: int) -> Look:
    """Sample fixed latents, and show real samples to the discriminator, both in evaluation mode."""
    samples = module.sample(len(real.train), seed=seed)
    diversity = mean_distance(samples) / real.spread
    labelled = module.classes is None or (real.train.labels is not None)
    if real.heldout is None or not labelled or not samples.isfinite().all():
        return Look(diversity)
    device, was_training = module.device, module.discriminator.training
    module.discriminator.eval()
    try:
        with undisturbed_rng(device), full_float32(device):
            torch.manual_seed(seed)
            fakes = module.sample(
                len(real.train), seed=seed, weights="raw", labels=None if module.classes is None else real.train.labels
            )
            train = _logits(module, real.train)
            heldout = _logits(module, real.heldout)
            fake = _logits(module, Batch(fakes, real.train.labels))
    finally:
        module.discriminator.train(was_training)
    gap = (train.mean() - heldout.mean()).item()
    margin = (train.mean() - fake.mean()).item()
    return Look(
        diversity,
        real_train=train.mean().item(),
        real_heldout=heldout.mean().item(),
        overfitting=gap / margin if margin > 0 else 0.0,
        memorised=share_ranked_right(train, heldout).item(),
    )


def _logits(module: AdversarialModule, batch: Batch) -> Tensor:
    """The discriminator's logits of augmented samples, one a sample or pack: float64 on the CPU.

    ``prepare_batch`` is left out: a growing model grows in it.
    """
    batch = batch.to(module.device)
    logits = module.judge(batch.images, module.discriminator_condition(batch)).logits
    return logits.double().cpu().flatten(1).mean(1) if logits.ndim > 1 else logits.double().cpu()

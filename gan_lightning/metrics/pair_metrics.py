"""Metrics of pairs: how far a translation is from the target of its source."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor

from gan_lightning.metrics.lpips import LPIPS
from gan_lightning.metrics.metric import Estimate, Needs


def mean_absolute_error(images: Tensor, targets: Tensor) -> Tensor:
    """Return the L1 distance per image in [0, 1]: float ``(N, C, H, W)`` in [0, 1], both, to ``(N,)``."""
    return (images - targets).abs().flatten(1).mean(1)


def peak_signal_to_noise(images: Tensor, targets: Tensor) -> Tensor:
    """Return PSNR per image in dB, ``10 log10(1 / MSE)``, at most 54.15: that of half a gray level of error.

    Args:
        images: float ``(N, C, H, W)`` in [0, 1].
        targets: likewise.

    Returns:
        ``(N,)``.
    """
    error = (images - targets).square().flatten(1).mean(1)
    return -10 * error.clamp(min=(0.5 / 255) ** 2).log10()


def structural_similarity(images: Tensor, targets: Tensor) -> Tensor:
    """Return SSIM per image (Wang 2004), Gaussian window of 11x11 with sigma 1.5, by torchmetrics.

    It is the mean over all pixels, the images being mirrored at their borders.

    Args:
        images: float ``(N, C, H, W)`` in [0, 1].
        targets: likewise.

    Returns:
        ``(N,)``, at most 1.
    """
    from torchmetrics.functional.image import structural_similarity_index_measure

    found = structural_similarity_index_measure(images, targets, data_range=1.0, reduction="none")
    assert isinstance(found, Tensor)
    return found.reshape(-1)


class PairMetric(ABC):
    """A distance or similarity between a translation and its target; its score is the mean over all pairs.

    A subclass and ``conf/evaluator/metric/<name>.yaml`` are all that it consists of.

    Attributes:
        name: in the ``metrics`` of a ``TranslationEvaluator``, in protocols and score keys; that of the YAML file.
        higher_is_better: the direction.
        needs: whether it needs the LPIPS network.
    """

    name: str
    higher_is_better: bool
    needs = Needs()

    @abstractmethod
    def measure(self, images: Tensor, targets: Tensor, *, similarity: LPIPS | None, device: torch.device) -> Tensor:
        """Compare translations with their targets.

        Args:
            images: uint8 ``(n, C, H, W)``.
            targets: uint8 of the same shape.
            similarity: the LPIPS network, on ``device``.
            device: where it runs.

        Returns:
            float64 ``(n,)`` on the CPU.
        """


def _unit(images: Tensor) -> Tensor:
    return images.cpu().double() / 255


class MeanAbsoluteError(PairMetric):
    """The mean absolute error (L1); see ``mean_absolute_error``."""

    name = "mae"
    higher_is_better = False

    def measure(self, images: Tensor, targets: Tensor, *, similarity: LPIPS | None, device: torch.device) -> Tensor:
        """Compare pixels."""
        return mean_absolute_error(_unit(images), _unit(targets))


class PeakSignalToNoise(PairMetric):
    """The peak signal-to-noise ratio; see ``peak_signal_to_noise``."""

    name = "psnr"
    higher_is_better = True

    def measure(self, images: Tensor, targets: Tensor, *, similarity: LPIPS | None, device: torch.device) -> Tensor:
        """Compare pixels."""
        return peak_signal_to_noise(_unit(images), _unit(targets))


class StructuralSimilarity(PairMetric):
    """The structural similarity; see ``structural_similarity``."""

    name = "ssim"
    higher_is_better = True

    def measure(self, images: Tensor, targets: Tensor, *, similarity: LPIPS | None, device: torch.device) -> Tensor:
        """Compare windows."""
        return structural_similarity(_unit(images), _unit(targets))


class PerceptualDistance(PairMetric):
    """The LPIPS distance; see ``LPIPS``."""

    name = "lpips"
    higher_is_better = False
    needs = Needs(similarity=True)

    def measure(self, images: Tensor, targets: Tensor, *, similarity: LPIPS | None, device: torch.device) -> Tensor:
        """Compare activations."""
        assert similarity is not None
        return similarity(*(part.to(device).float() / 127.5 - 1 for part in (images, targets))).cpu().double()


def pair_estimate(values: Tensor, pairs: int) -> Estimate:
    """Return the mean over samples, with its standard error over draws of pairs.

    Sample i is of pair i modulo ``pairs``. Several samples of one pair do not tell more pairs: their deviations are
    added up first. With one sample of each pair the error is the standard deviation over the root of their number.

    Args:
        values: float64 ``(N,)``.
        pairs: how many there are.
    """
    count, mean = len(values), values.mean()
    seen = min(pairs, count)
    if seen < 2:
        return Estimate(mean.item(), None, None)
    of_pairs = torch.zeros(seen, dtype=values.dtype).index_add(0, torch.arange(count) % pairs, values - mean)
    stderr = (of_pairs.square().sum() * seen / (seen - 1)).sqrt() / count
    return Estimate(mean.item(), values.std(correction=0).item(), stderr.item())

"""The update rule of the averaged generator."""

from __future__ import annotations

import torch
from torch import nn

from gan_lightning.core.running_statistics import batch_norm_statistics
from gan_lightning.core.torch_internals import copy_all, lerp_all


def decay(images: int, *, halflife_kimg: float, images_seen: int, rampup: float | None = None) -> float:
    r"""Return the decay beta of one update, from a half-life in images.

    .. math:: \beta = 0.5^{\,b / \max(\min(h, r\,t), 10^{-8})}

    with b the images since the last update, h the half-life, t the images seen so far and r the ramp-up
    (Karras 2020, arXiv 2006.06676, appendix A). Without ramp-up the half-life is h from the start.

    Args:
        images: b, real images shown to the discriminator since the last update, over all ranks.
        halflife_kimg: h in thousands of images; 0 makes the average a copy.
        images_seen: t.
        rampup: r, or None.
    """
    halflife = halflife_kimg * 1000
    if rampup is not None:
        halflife = min(halflife, rampup * images_seen)
    return 0.5 ** (images / max(halflife, 1e-8))


class Averager:
    """Keeps ``average`` at the running mean of ``source``: parameters averaged, buffers copied.

    Buffers (batch-norm statistics, spectral-norm vectors) belong to the newest weights; a mean of them is no
    statistic of anything, and leaving them at their first value makes the average useless.

    Args:
        average: module of the same structure as ``source``.
        source: the module that is trained.
        average_statistics: average the means and variances of batch norm too, as BigGAN's code does. The vectors of
            spectral norm are copied even so: those of the newest weights have length 1, a mean of them has not.

    Raises:
        ValueError: if the two modules do not have the same parameters and buffers.
    """

    def __init__(self, average: nn.Module, source: nn.Module, *, average_statistics: bool = False) -> None:
        for kind in ("named_parameters", "named_buffers"):
            theirs = {name for name, _ in getattr(source, kind)()}
            ours = {name for name, _ in getattr(average, kind)()}
            if ours != theirs:
                raise ValueError(f"the average and its source differ in {kind}: {sorted(ours ^ theirs)}")
        statistics = set(map(id, batch_norm_statistics(average))) if average_statistics else set()
        parameters = list(zip(average.parameters(), source.parameters(), strict=True))
        buffers = list(zip(average.buffers(), source.buffers(), strict=True))
        self._averaged = [(ours.detach(), theirs.detach()) for ours, theirs in parameters]
        self._averaged += [pair for pair in buffers if id(pair[0]) in statistics]
        self._copied = [pair for pair in buffers if id(pair[0]) not in statistics]

    @torch.no_grad()
    def update(self, decay: float) -> None:
        """Set average to decay * average + (1 - decay) * source, and copy what is not averaged."""
        if self._averaged:
            ours, theirs = zip(*self._averaged, strict=True)
            lerp_all(ours, theirs, 1.0 - decay)
        if self._copied:
            ours, theirs = zip(*self._copied, strict=True)
            copy_all(ours, theirs)

"""The update rule of the averaged generator."""

from __future__ import annotations

import torch
from torch import nn

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

    Raises:
        ValueError: if the two modules do not have the same parameters and buffers.
    """

    def __init__(self, average: nn.Module, source: nn.Module) -> None:
        for kind in ("named_parameters", "named_buffers"):
            theirs = {name for name, _ in getattr(source, kind)()}
            ours = {name for name, _ in getattr(average, kind)()}
            if ours != theirs:
                raise ValueError(f"the average and its source differ in {kind}: {sorted(ours ^ theirs)}")
        self._averaged = [p.detach() for p in average.parameters()]
        self._source_parameters = [p.detach() for p in source.parameters()]
        self._copied = list(average.buffers())
        self._source_buffers = list(source.buffers())

    @torch.no_grad()
    def update(self, decay: float) -> None:
        """Set average to decay * average + (1 - decay) * source, and copy the buffers."""
        if self._averaged:
            lerp_all(self._averaged, self._source_parameters, 1.0 - decay)
        if self._copied:
            copy_all(self._copied, self._source_buffers)

"""The classifier score: the inception score, on the logits of any classifier."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

DRAWING_SEED = 2020
"""Seed of shuffles and subsets; the default of torch-fidelity, so that the numbers can be compared."""


class Estimate(NamedTuple):
    """A mean over parts of the samples.

    Attributes:
        mean: the value to report.
        std: standard deviation between the parts, dividing by their number, as papers print it after the sign ±.
        stderr: standard error of ``mean``, or None if the parts do not tell it.
    """

    mean: float
    std: float
    stderr: float | None


def classifier_score(logits: Tensor, *, splits: int = 10, seed: int = DRAWING_SEED) -> Estimate:
    """Inception score of classifier logits.

    ``exp(E_x KL(p(y|x) || p(y)))`` within each of ``splits`` parts of the shuffled samples, then the mean over
    the parts (Salimans 2016, arXiv:1606.03498, section 4). Between 1 and the number of classes.

    Args:
        logits: ``(N, K)``, before the softmax; never pooled features.
        splits: number of parts.
        seed: of the shuffle; no global random state is read or changed.

    Raises:
        ValueError: with fewer samples than parts.
    """
    n = len(logits)
    if not 1 <= splits <= n:
        raise ValueError(f"splits must lie in [1, number of samples = {n}], got {splits}")
    order = np.random.RandomState(seed).permutation(n)
    log_p = logits.detach().cpu()[torch.from_numpy(order)].double().log_softmax(1)
    p = log_p.exp()
    scores = []
    for i in range(splits):
        part = slice(i * n // splits, (i + 1) * n // splits)
        log_marginal = p[part].mean(0).log()
        # a class of probability 0 everywhere adds 0 * inf: its term is 0
        divergence = torch.where(p[part] > 0, p[part] * (log_p[part] - log_marginal), 0.0).sum(1)
        scores.append(divergence.mean().exp().item())
    std = float(np.std(scores))
    # the parts are disjoint, so their mean has the error of a mean of independent values
    return Estimate(float(np.mean(scores)), std, std / (splits - 1) ** 0.5 if splits > 1 else None)

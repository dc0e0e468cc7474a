"""The classifier score: the inception score, on the logits of any classifier."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from gan_lightning.metrics.metric import DRAWING_SEED, Estimate, Evidence, Metric, Needs, at_least


def classifier_score(logits: Tensor, *, splits: int = 10, seed: int = DRAWING_SEED) -> Estimate:
    """Return the Inception score of classifier logits.

    ``exp(E_x KL(p(y|x) || p(y)))`` within each of ``splits`` parts of the shuffled samples, then the mean over
    the parts (Salimans 2016, arXiv:1606.03498, section 4). Between 1 and the number of classes.

    Args:
        logits: ``(N, K)``, before the softmax; never pooled features.
        splits: number of parts.
        seed: seed of the shuffle; no global random state is read or changed.

    Raises:
        ValueError: with fewer samples than parts.
    """
    n = len(logits)
    if not 1 <= splits <= n:
        raise ValueError(f"splits must lie in [1, number of samples = {n}], got {splits}")
    order = np.random.RandomState(seed).permutation(n)
    log_p = logits.detach().cpu()[torch.from_numpy(order)].double().log_softmax(1)
    p = log_p.exp()
    scores, spread = [], 0.0
    for i in range(splits):
        part = slice(i * n // splits, (i + 1) * n // splits)
        log_marginal = p[part].mean(0).log()
        # a class of probability 0 everywhere adds 0 * inf: its term is 0
        divergence = torch.where(p[part] > 0, p[part] * (log_p[part] - log_marginal), 0.0).sum(1)
        scores.append(divergence.mean().exp().item())
        spread = divergence.std(correction=0).item()
    std = float(np.std(scores))
    # the parts are disjoint, so their mean has the error of a mean of independent values; a single part has that
    # of the infinitesimal jackknife: the influence of a sample on log IS is its own divergence less the mean
    stderr = std / (splits - 1) ** 0.5 if splits > 1 else scores[0] * spread / n**0.5
    return Estimate(float(np.mean(scores)), std, stderr)


class ClassifierScore(Metric):
    """The inception score, of the logits of any classifier (Salimans 2016, arXiv:1606.03498).

    Args:
        score_splits: number of parts whose scores are averaged.

    Raises:
        ValueError: for less than one.
    """

    name = "score"
    key, inception_key = "cs", "is"
    higher_is_better = True
    needs = Needs(logits=True)

    def __init__(self, *, score_splits: int = 10) -> None:
        self.score_splits = self.least_generated = at_least(1, "score_splits", score_splits)

    def estimate(self, evidence: Evidence) -> Estimate:
        """Average over the parts."""
        return classifier_score(evidence.logits, splits=self.score_splits)

    def facts(self) -> dict[str, Any]:
        """Return how the samples were divided."""
        return {"splits": self.score_splits, "shuffle_seed": DRAWING_SEED}

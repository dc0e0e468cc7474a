"""Whether generated images are of the class that was asked for."""

from __future__ import annotations

import torch
from torch import Tensor

from gan_lightning.metrics.metric import Estimate, Evidence, Metric, Needs, share


def class_accuracy(logits: Tensor, labels: Tensor) -> Estimate:
    """Return the share of images that a classifier assigns to their own class: mean of [argmax_k l_ik = y_i].

    Args:
        logits: ``(N, K)`` of a classifier of the data's classes.
        labels: int64 ``(N,)``, the classes asked for.
    """
    return share(int((logits.argmax(1) == labels.to(logits.device)).sum()), len(logits))


def code_purity(logits: Tensor, codes: Tensor) -> Estimate:
    """Return the share of images in the most common class of their code: 1/N sum_c max_k n_ck.

    n_ck counts the images of code c that the classifier takes for class k. A code that was learned without labels has
    no class of its own, so it is given the one that it draws most often: 1 for codes that each draw one class, about
    1/K for codes that say nothing of it. InfoGAN's digits are judged so:
    Chen 2016 (arXiv 1606.03657), section 7.2.

    Args:
        logits: ``(N, K)`` of a classifier of the data's classes.
        codes: int64 ``(N,)``, the categorical code of each image.
    """
    classes = logits.shape[1]
    pairs = codes.to(logits.device) * classes + logits.argmax(1)
    counts = torch.bincount(pairs, minlength=(int(codes.max()) + 1) * classes).view(-1, classes)
    return share(int(counts.max(1).values.sum()), len(logits))


class ClassAccuracy(Metric):
    """The share of images that a classifier takes for the class asked of the generator; see ``class_accuracy``."""

    name = key = "class_accuracy"
    higher_is_better = True
    needs = Needs(logits=True, data_classes=True, labels=True)

    def estimate(self, evidence: Evidence) -> Estimate:
        """Compare each image with its label."""
        assert evidence.labels is not None
        return class_accuracy(evidence.logits, evidence.labels)


class CodePurity(Metric):
    """How far each code draws images of one class only; see ``code_purity``."""

    name = key = "code_purity"
    higher_is_better = True
    needs = Needs(logits=True, data_classes=True, codes=True)

    def estimate(self, evidence: Evidence) -> Estimate:
        """Count the classes of each code."""
        assert evidence.codes is not None
        return code_purity(evidence.logits, evidence.codes)

"""What the names of presets promise, so that no score carries a name that its settings contradict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gan_lightning.metrics.extractor import FeatureExtractor
from gan_lightning.metrics.inception import InceptionExtractor
from gan_lightning.metrics.kernel_distance import KernelDistance
from gan_lightning.metrics.metric import Metric
from gan_lightning.metrics.resize import Resize


@dataclass(frozen=True, slots=True)
class Promise:
    """What a name stands for; numbers of samples are in the scores' names already.

    Attributes:
        resize: how images reach Inception-v3; other extractors have their own way and are in the scores' names.
        kernel_estimator: estimator of the kernel distance.
        kernel_subsets: number of its subsets.
        kernel_subset_size: samples per subset.
    """

    resize: Resize
    kernel_estimator: str = "subsets"
    kernel_subsets: int = 100
    kernel_subset_size: int = 1000


PROMISES = {
    "legacy-tf": Promise("tensorflow"),
    "clean": Promise("clean"),
    "sngan": Promise("tensorflow"),
    "quick": Promise("tensorflow", kernel_estimator="exact"),
}


def check_promise(protocol: str | None, *, metrics: Sequence[Metric], extractor: FeatureExtractor) -> None:
    """Refuse settings that contradict the name of a preset; a name that is not a preset's promises nothing.

    Args:
        protocol: the name, or None.
        metrics: that are computed.
        extractor: whose resizing is looked at if it is Inception-v3.

    Raises:
        ValueError: naming the key, its value and what the name promises.
    """
    if protocol not in PROMISES:
        return
    promise = PROMISES[protocol]
    found = [
        (f"evaluator.{key}", getattr(metric, key), getattr(promise, key))
        for metric in metrics
        if isinstance(metric, KernelDistance)
        for key in ("kernel_estimator", "kernel_subsets", "kernel_subset_size")
        if promise.kernel_estimator == "subsets" or key == "kernel_estimator"
    ]
    if isinstance(extractor, InceptionExtractor):
        found.append(("evaluator.extractor.resize", extractor.resize, promise.resize))
    for key, value, promised in found:
        if value != promised:
            raise ValueError(
                f"{key} = {value}: scores named {protocol} are measured with {promised}; "
                "set evaluator.protocol=null, or a name of your own"
            )

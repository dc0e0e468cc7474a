"""What a metric is: an object that says what it needs, what stands in its way, and how it is computed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor

from gan_lightning.data.images import EvaluationImages
from gan_lightning.metrics.base import Sampler
from gan_lightning.metrics.extract_features import FeatureSet
from gan_lightning.metrics.extractor import FeatureExtractor
from gan_lightning.metrics.lpips import LPIPS
from gan_lightning.metrics.scores import format_count
from gan_lightning.metrics.statistics import Derived
from gan_lightning.metrics.world import World

DRAWING_SEED = 2020
"""Seed of shuffles and subsets; the default of torch-fidelity, so that the numbers can be compared."""


class Estimate(NamedTuple):
    """A number with what is known of its error.

    Attributes:
        mean: the value to report.
        std: standard deviation between parts of the samples, dividing by their number, as papers print it after the
            sign ±; None if the samples were not divided.
        stderr: standard error of ``mean``, or None if the samples do not tell it.
    """

    mean: float
    std: float | None
    stderr: float | None


def share(hits: int, total: int) -> Estimate:
    """Return the share of independent samples, with the binomial standard error."""
    p = hits / total
    return Estimate(p, None, (p * (1 - p) / total) ** 0.5)


def at_least(least: int, setting: str, value: int) -> int:
    """Return the value of an evaluator's setting, or refuse one that is too small.

    Raises:
        ValueError: naming the setting, its value and the least.
    """
    if value < least:
        raise ValueError(f"evaluator.{setting} must be at least {least}, got {value}")
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What a metric is computed from; nothing is collected that no metric asks for.

    Attributes:
        features: the features of single generated samples, and not only their moments.
        real: the moments of the real features, or these features themselves as well.
        logits: class logits of the generated samples.
        data_classes: logits that are about the classes of the data.
        labels: the classes that were asked of the generator.
        codes: the classes or categorical codes that were asked of the generator.
        real_labels: the classes of the real images.
        similarity: the LPIPS network, whose name and weights then take the place of the extractor's.
        images: number of generated images, the first ones, that the metric gets as uint8; all if there are fewer.
    """

    features: bool = False
    real: Literal["moments", "features"] | None = None
    logits: bool = False
    data_classes: bool = False
    labels: bool = False
    codes: bool = False
    real_labels: bool = False
    similarity: bool = False
    images: int = 0


@dataclass(kw_only=True)
class Evidence:
    """All that metrics are computed from, gathered in one pass over the generated images; on rank 0.

    Attributes:
        generated: what was extracted of the generated images.
        reference: what was extracted of the real ones; None if no metric needs it.
        real: the real images.
        extractor: the network of both.
        similarity: the LPIPS network, or None.
        labels: classes that were asked of the generator, int64 ``(M,)``, or None.
        codes: classes or categorical codes that were asked of the generator, int64 ``(M,)``, or None.
        drawn: by the name of a metric, what its ``draw`` returned.
        derived: keeps what is computed of the real images alone.
        device: where large matrices are computed.
        metrics: all that are computed of this evidence, so that some can share their work.
    """

    generated: FeatureSet
    reference: FeatureSet | None
    real: EvaluationImages
    extractor: FeatureExtractor
    similarity: LPIPS | None
    labels: Tensor | None
    codes: Tensor | None
    drawn: dict[str, Tensor | None]
    derived: Derived
    device: torch.device
    metrics: Sequence[Metric] = ()
    _shared: dict[Hashable, Any] = field(default_factory=dict)

    @cached_property
    def features(self) -> Tensor:
        """Features of the generated samples ``(M, D)``, on ``device``."""
        assert self.generated.features is not None, "the metric does not say that it needs them"
        return self.generated.features.to(self.device)

    @cached_property
    def real_features(self) -> Tensor:
        """Features of the real images ``(N, D)``, on ``device``."""
        assert self.reference is not None, "the metric does not say that it needs them"
        assert self.reference.features is not None, "the metric does not say that it needs them"
        return self.reference.features.to(self.device)

    @property
    def logits(self) -> Tensor:
        """Class logits of the generated samples ``(M, K)``."""
        assert self.generated.logits is not None, "the metric does not say that it needs them"
        return self.generated.logits

    def cut_to(self, needs: Needs) -> Evidence:
        """Return the same with as many of the generated images as a metric needs, though another may need more."""
        images = self.generated.images
        if images is None or len(images) <= needs.images:
            return self
        return replace(self, generated=replace(self.generated, images=images[: needs.images]))

    def once(self, key: Hashable, compute: Callable[[], Any]) -> Any:
        """Compute what several metrics share, at the first call with ``key``."""
        if key not in self._shared:
            self._shared[key] = compute()
        return self._shared[key]


class Metric(ABC):
    """A score of generated samples.

    A subclass in a file of its own and ``conf/evaluator/metric/<name>.yaml`` are all that a metric consists of. Its
    constructor takes its settings and refuses bad ones; the evaluator hands on those of its own that the constructor
    knows.

    Attributes:
        name: in ``evaluator.metrics`` and in protocols; that of the YAML file.
        key: beginning of the score's key.
        inception_key: beginning of the score's key on the features of Inception-v3, if it has a name of its own there.
        higher_is_better: the direction.
        needs: what it is computed from.
        least_generated: fewest generated samples that it can be computed of.
        least_real: fewest real ones.
        extractor: what it takes features of instead of the evaluator's, or None.
        random_parts: returns the scores that random parts of the real images have against the rest, given the features
            of all and the size of a part; None: it has no such scale.
    """

    name: str
    key: str
    inception_key: str | None = None
    higher_is_better: bool
    needs = Needs()
    least_generated = 1
    least_real = 1
    extractor: FeatureExtractor | None = None
    random_parts: Callable[[FeatureSet, int], Tensor] | None = None

    @abstractmethod
    def estimate(self, evidence: Evidence) -> Estimate:
        """Compute the score and its standard error; called on rank 0, where ``obstacle`` found nothing."""

    def facts(self) -> dict[str, Any]:
        """Return what the score depends on beside samples, data and networks: plain values for its protocol."""
        return {}

    def samples(self, generated: int) -> int:
        """Return the number of samples that the score takes, if that many are generated."""
        return generated

    def obstacle(self, evidence: Evidence) -> str | None:
        """Return why the score cannot be computed of this evidence, or None; an override asks this one first."""
        needs, extractor = self.needs, evidence.extractor
        generated, real = evidence.generated.moments.count, len(evidence.real)
        if generated < self.least_generated:
            return f"needs at least {self.least_generated} generated images, there are {generated}"
        if needs.real is not None and real < self.least_real:
            return f"needs at least {self.least_real} real images, there are {real}"
        if needs.logits and extractor.n_classes == 0:
            return f"the {extractor.name} features come without class logits"
        if needs.data_classes and not extractor.knows_classes:
            return f"the {extractor.name} extractor does not classify into the classes of the data"
        if needs.labels and evidence.labels is None:
            return f"the {'generated images have' if needs.real_labels else 'generator is told'} no classes"
        if needs.codes and evidence.codes is None:
            return "the generator is told no categorical code"
        if needs.real_labels and evidence.real.labels is None:
            return "the real images have no classes"
        return None

    def draw(self, sample: Sampler, *, similarity: LPIPS | None, device: torch.device, world: World) -> Tensor | None:
        """Draw what the pass over the images does not give, steps in latent space for instance.

        Every rank calls it; rank 0 finds the result in ``Evidence.drawn``.
        """
        return None

    def findings(self, evidence: Evidence) -> dict[str, Any]:
        """Return further fields of ``Evaluation``, such as ``closest``; called after ``estimate``."""
        return {}

    def notes(self, evidence: Evidence) -> list[str]:
        """Return what a reader of the score should know."""
        return []

    def score_key(
        self, *, samples: int, split: str, extractor: str, standard: bool, protocol: str | None = None
    ) -> str:
        """Return the name of the score.

        ``fid``, ``kid`` and ``is`` are reserved for Inception-v3; on other features the names are ``fd``, ``kd``
        and ``cs``, followed by the extractor. A named protocol comes last.

        Args:
            samples: number of generated samples that the score is taken of.
            split: part of the real data compared with.
            extractor: its name, or that of the LPIPS network if the metric needs it.
            standard: whether the extractor is the Inception-v3 that the short names are defined on.
            protocol: name of the preset, "clean" for instance, or None.
        """
        parts = [((standard and self.inception_key) or self.key) + format_count(samples)]
        parts += [split] if self.needs.real is not None else []
        parts += [extractor] if self.needs.similarity or not standard else []
        parts += [protocol.replace("-", "_")] if protocol is not None else []
        return "_".join(parts)

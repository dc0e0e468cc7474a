"""The evaluator: one pass over generated images, every score, each with its protocol."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Literal

import torch
from torch import Tensor

from gan_lightning.core.cache import cache_root
from gan_lightning.core.determinism import full_float32, undisturbed_rng
from gan_lightning.data.images import EvaluationImages
from gan_lightning.metrics.base import GeneratorSampler, SampleEvaluator, Sampler
from gan_lightning.metrics.extract_features import FeatureSet, check_memory, extract_features
from gan_lightning.metrics.extractor import FORWARD_IMAGES, FeatureExtractor
from gan_lightning.metrics.lpips import LPIPS
from gan_lightning.metrics.metric import Evidence, Metric
from gan_lightning.metrics.named import chosen_metrics
from gan_lightning.metrics.presets import check_promise
from gan_lightning.metrics.real_parts import RealParts, compare_parts
from gan_lightning.metrics.scores import Evaluation, Score
from gan_lightning.metrics.statistics import Derived, References
from gan_lightning.metrics.transport import frechet_distance
from gan_lightning.metrics.world import World


class Evaluator(SampleEvaluator):
    """Scores a generator against real images.

    It is not a module, so checkpoints do not hold the extractor. Under ``torch.distributed`` every rank calls it;
    the work is shared and all ranks get the same answer. Neither the number of processes nor the batch size
    enters the result. It leaves no trace in any global random state and ignores surrounding autocast and TF32.

    Args:
        extractor: the network whose features are compared.
        samples: number of generated images.
        batch_size: images that are generated or read at once, on each process; rounded to a multiple of
            ``FORWARD_IMAGES``, so that networks always run on that many.
        seed: seed of the generated samples; the sampler is made with it, and it is in the protocol.
        metrics: names of metrics, or metrics; the first is what "best" means.
        real_split: part of the real data to compare with; it is in the names of the scores.
        cache_dir: folder for statistics of real images; by default the package's cache.
        score_splits: setting of "score"; see the class of each metric for its settings. None: as the metric has it.
        kernel_estimator: estimator of "kernel".
        kernel_subsets: likewise.
        kernel_subset_size: likewise.
        precision_neighbours: which neighbor gives the radius, for "precision" and "recall".
        density_neighbours: which neighbor gives the radius, for "density" and "coverage".
        infinity_points: number of points of "frechet_infinity".
        similarity: the LPIPS network of "path_length" and "lpips_diversity".
        path_samples: number of samples of "path_length".
        path_epsilon: likewise.
        diversity_pairs: number of pairs of "lpips_diversity".
        closest_shown: number of suspected copies that "authenticity" tells.
        protocol: name of the preset that these values are, at the end of every score's name; None: no preset.

    Raises:
        ValueError: for a number out of range, an unknown metric, none, one that needs a ``similarity``, or settings
            that contradict the preset's name.
    """

    def __init__(
        self,
        *,
        extractor: FeatureExtractor,
        samples: int = 2000,
        batch_size: int = 100,
        seed: int = 0,
        metrics: Sequence[str | Metric] = ("frechet", "score", "kernel"),
        real_split: str = "train",
        cache_dir: str | None = None,
        score_splits: int | None = None,
        kernel_estimator: Literal["subsets", "exact"] | None = None,
        kernel_subsets: int | None = None,
        kernel_subset_size: int | None = None,
        precision_neighbours: int | None = None,
        density_neighbours: int | None = None,
        infinity_points: int | None = None,
        similarity: LPIPS | None = None,
        path_samples: int | None = None,
        path_epsilon: float | None = None,
        diversity_pairs: int | None = None,
        closest_shown: int | None = None,
        protocol: str | None = None,
    ) -> None:
        for name, value in (("samples", samples), ("batch_size", batch_size)):
            if value < 1:
                raise ValueError(f"evaluator.{name} must be at least 1, got {value}")
        settings = {
            "score_splits": score_splits,
            "kernel_estimator": kernel_estimator,
            "kernel_subsets": kernel_subsets,
            "kernel_subset_size": kernel_subset_size,
            "precision_neighbours": precision_neighbours,
            "density_neighbours": density_neighbours,
            "infinity_points": infinity_points,
            "path_samples": path_samples,
            "path_epsilon": path_epsilon,
            "diversity_pairs": diversity_pairs,
            "closest_shown": closest_shown,
        }
        self.metrics: tuple[Metric, ...] = chosen_metrics(
            metrics, Metric, {name: value for name, value in settings.items() if value is not None}
        )
        perceptual = [metric.name for metric in self.metrics if metric.needs.similarity]
        if perceptual and similarity is None:
            raise ValueError(
                f"evaluator.metrics has {', '.join(perceptual)}, which need evaluator.similarity: an LPIPS network"
            )
        check_promise(protocol, metrics=self.metrics, extractor=extractor)
        self.extractor = extractor
        self.samples = samples
        self.batch_size = batch_size
        self.seed = seed
        self.real_split = real_split
        self.similarity = similarity
        self.protocol = protocol
        self._chunk = max(1, batch_size // FORWARD_IMAGES) * FORWARD_IMAGES
        self._references = References(
            extractor=extractor,
            folder=cache_root(cache_dir) / "statistics",
            chunk=self._chunk,
            with_features=any(metric.needs.real == "features" for metric in self.metrics),
        )

    def evaluate(
        self,
        sample: Sampler,
        real: EvaluationImages,
        *,
        weights: Literal["ema", "raw", "files"],
        device: torch.device | str,
    ) -> Evaluation:
        """Generate ``samples`` images and score them against ``real``.

        Args:
            sample: makes the images of given indices, on any device; the caller puts its networks in
                evaluation mode. Classes and path lengths need a ``GeneratorSampler``.
            real: the real images; its split must be ``real_split``.
            weights: which weights ``sample`` uses, or "files" if it draws nothing; written into the protocol.
            device: where the extractor runs.

        Returns:
            The same value on every rank.

        Raises:
            NonFiniteSamples: if a generated pixel is NaN or infinite.
            ValueError: for another split than ``real_split``, unknown ``weights``, or more samples than fit in memory.
        """
        if weights not in ("ema", "raw", "files"):
            raise ValueError(f"weights must be 'ema', 'raw' or 'files', got {weights!r}")
        if real.split != self.real_split:
            raise ValueError(f"evaluator.real_split is {self.real_split!r}, but the images are from {real.split!r}")
        needs = [metric.needs for metric in self.metrics]
        keep_features = any(need.features for need in needs)
        keep_logits = self.extractor.knows_classes or any(need.logits for need in needs)
        kept = keep_features * self.extractor.feature_dim + keep_logits * self.extractor.n_classes
        check_memory(self.samples, floats=kept)
        device = torch.device(device)
        world = World.current(device)
        with torch.no_grad(), undisturbed_rng(device), full_float32(device):
            if self.similarity is not None:
                self.similarity.to(device)
            generated = extract_features(
                self._generate(sample, world),
                extractor=self.extractor.to(device),
                total=self.samples,
                device=device,
                world=world,
                keep_features=keep_features,
                keep_logits=keep_logits,
                keep_images=max(need.images for need in needs),
            )
            compared = any(need.real is not None for need in needs)
            told = sample if isinstance(sample, GeneratorSampler) else None
            evidence = Evidence(
                generated=generated,
                reference=self._references.get(real, device, world) if compared else None,
                real=real,
                extractor=self.extractor,
                similarity=self.similarity,
                labels=None if told is None else told.labels(torch.arange(self.samples)),
                codes=None if told is None else told.codes(torch.arange(self.samples)),
                drawn={
                    metric.name: metric.draw(sample, similarity=self.similarity, device=device, world=world)
                    for metric in self.metrics
                },
                derived=Derived(self._references.file(real)),
                # Apple's GPUs have no float64
                device=torch.device("cpu") if device.type == "mps" else device,
            )
            drawn_with = {"weights": weights, "seed": None if weights == "files" else self.seed}
            drawn_with |= {} if told is None else told.facts()
            return world.on_first(lambda: self._evaluation(evidence, drawn_with))

    def _evaluation(self, evidence: Evidence, drawn_with: dict[str, Any]) -> Evaluation:
        """Compute, name and document the scores; on rank 0."""
        obstacles = {metric.name: metric.obstacle(evidence) for metric in self.metrics}
        evidence.metrics = [metric for metric in self.metrics if obstacles[metric.name] is None]
        result = Evaluation(class_fractions=_class_fractions(evidence.generated, self.extractor))
        for metric in self.metrics:
            result.notes.extend(metric.notes(evidence))
            facts = self._facts(metric, evidence, drawn_with)
            key = metric.score_key(
                samples=facts["n_generated"],
                split=evidence.real.split,
                extractor=self.similarity.net
                if self.similarity is not None and metric.needs.similarity
                else self.extractor.name,
                standard=self.extractor.standard,
                protocol=self.protocol,
            )
            if (reason := obstacles[metric.name]) is not None:
                result.skipped[key] = reason
                continue
            found = metric.estimate(evidence.cut_to(metric.needs))
            result.scores.append(Score(key, found.mean, found.stderr, metric.higher_is_better, facts))
            result = replace(result, **metric.findings(evidence))
        return result

    def _facts(self, metric: Metric, evidence: Evidence, drawn_with: dict[str, Any]) -> dict[str, Any]:
        """Return all that a score depends on, in plain values."""
        real = evidence.real if metric.needs.real is not None else None
        facts: dict[str, Any] = {
            "metric": metric.name,
            "n_generated": metric.samples(evidence.generated.moments.count),
            "n_real": None if real is None else len(real),
            "split": None if real is None else real.split,
            "dataset": evidence.real.name,
            "dataset_fingerprint": None if real is None else real.fingerprint,
        }
        network = self.similarity if metric.needs.similarity else None
        facts |= self.extractor.facts() if network is None else network.facts()
        facts |= drawn_with
        if self.protocol is not None:
            facts["protocol"] = self.protocol
        return facts | metric.facts()

    def real_parts(self, sets: Sequence[EvaluationImages], *, device: torch.device | str) -> dict[str, RealParts]:
        """Score random parts of the real images as if they were generated; see ``compare_parts``.

        Under ``torch.distributed`` every rank must call it.

        Args:
            sets: the images of ``real_split``, and perhaps others of the same kind.
            device: where extractors run.
        """
        device = torch.device(device)
        with torch.no_grad(), undisturbed_rng(device), full_float32(device):
            return compare_parts(
                sets, metrics=self.metrics, samples=self.samples, references=self._references, device=device
            )

    def distance_between(
        self, first: EvaluationImages, second: EvaluationImages, *, device: torch.device | str
    ) -> float:
        """Return the Frechet distance between two sets of real images, which tells the scale of a score.

        It depends on the number of images: it does not bound a score of another number.

        Under ``torch.distributed`` every rank must call it.

        Args:
            first: real images of any split.
            second: likewise.
            device: where the extractor runs.
        """
        device = torch.device(device)
        world = World.current(device)
        self.extractor.to(device)
        with torch.no_grad(), undisturbed_rng(device), full_float32(device):
            moments = [self._references.get(s, device, world).moments for s in (first, second)]
            return world.on_first(lambda: frechet_distance(*moments))

    def _generate(self, sample: Sampler, world: World) -> Iterator[Tensor]:
        for indices in torch.arange(self.samples)[world.rank :: world.size].split(self._chunk):
            if len(indices):
                images = sample(indices)
                if len(images) != len(indices):
                    raise ValueError(f"sample made {len(images)} images for {len(indices)} indices")
                yield images


def _class_fractions(generated: FeatureSet, extractor: FeatureExtractor) -> list[float] | None:
    if not extractor.knows_classes or generated.logits is None:
        return None
    counts = generated.logits.argmax(1).bincount(minlength=extractor.n_classes)
    return (counts.double() / len(generated.logits)).tolist()

"""The evaluator: one pass over generated images, every score, each with its protocol."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import torch
from torch import Tensor

from gan_lightning.config.errors import did_you_mean
from gan_lightning.core.cache import cache_root
from gan_lightning.core.determinism import full_float32, undisturbed_rng
from gan_lightning.data.images import EvaluationImages
from gan_lightning.metrics.base import GeneratorSampler, SampleEvaluator, Sampler
from gan_lightning.metrics.collection import check_memory, collect
from gan_lightning.metrics.estimates import Evidence
from gan_lightning.metrics.extractor import FORWARD_IMAGES, FeatureExtractor
from gan_lightning.metrics.frechet import frechet_distance
from gan_lightning.metrics.lpips import LPIPS
from gan_lightning.metrics.perceptual import path_distances
from gan_lightning.metrics.presets import check_promise
from gan_lightning.metrics.reference import References
from gan_lightning.metrics.scores import METRICS, Evaluation
from gan_lightning.metrics.scoring import Scoring
from gan_lightning.metrics.settings import Settings
from gan_lightning.metrics.statistics import Derived
from gan_lightning.metrics.world import World


class Evaluator(SampleEvaluator):
    """Scores a generator against real images.

    It is no module, so that the extractor is in no checkpoint. Under ``torch.distributed`` every rank calls it;
    the work is shared and all ranks get the same answer. Neither the number of processes nor the batch size
    enters the result. It leaves no trace in any global random state and ignores surrounding autocast and TF32.

    Args:
        extractor: the network whose features are compared.
        samples: number of generated images.
        batch_size: images that are generated or read at once, on each process; rounded to a multiple of
            ``FORWARD_IMAGES``, so that networks always run on that many.
        seed: of the generated samples; whoever makes the sampler reads it here, and it is in the protocol.
        metrics: which of ``METRICS``; the first is what "best" means.
        real_split: part of the real data to compare with; it is in the names of the scores.
        cache_dir: folder for statistics of real images; by default the package's cache.
        score_splits: number of parts of the classifier score.
        kernel_estimator: "subsets" as the KID is published, or "exact" over all pairs (less variance).
        kernel_subsets: number of subsets.
        kernel_subset_size: samples per subset.
        precision_neighbours: k of precision and recall.
        density_neighbours: k of density and coverage.
        infinity_points: number of set sizes that "frechet_infinity" is extrapolated from.
        similarity: the LPIPS network of "path_length" and "lpips_diversity".
        path_samples: number of steps in latent space that the path length is taken of.
        path_epsilon: length of a step.
        diversity_pairs: number of pairs of generated images that are compared.
        closest_shown: number of suspected copies that "authenticity" tells of.
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
        metrics: Sequence[str] = ("frechet", "score", "kernel"),
        real_split: str = "train",
        cache_dir: str | None = None,
        score_splits: int = 10,
        kernel_estimator: Literal["subsets", "exact"] = "subsets",
        kernel_subsets: int = 100,
        kernel_subset_size: int = 1000,
        precision_neighbours: int = 3,
        density_neighbours: int = 5,
        infinity_points: int = 15,
        similarity: LPIPS | None = None,
        path_samples: int = 10000,
        path_epsilon: float = 1e-4,
        diversity_pairs: int = 500,
        closest_shown: int = 16,
        protocol: str | None = None,
    ) -> None:
        for name, value in (("samples", samples), ("batch_size", batch_size)):
            if value < 1:
                raise ValueError(f"evaluator.{name} must be at least 1, got {value}")
        unknown = [m for m in metrics if m not in METRICS]
        if unknown or not metrics:
            hint = did_you_mean(unknown[0], METRICS) if unknown else ""
            raise ValueError(
                f"evaluator.metrics must be some of {', '.join(sorted(METRICS))}, got {list(metrics)}{hint}"
            )
        perceptual = [metric for metric in metrics if METRICS[metric].perceptual]
        if perceptual and similarity is None:
            raise ValueError(
                f"evaluator.metrics has {', '.join(perceptual)}, which need evaluator.similarity: an LPIPS network"
            )
        self.extractor = extractor
        self.samples = samples
        self.batch_size = batch_size
        self.seed = seed
        self.metrics = tuple(dict.fromkeys(metrics))
        self.real_split = real_split
        self.settings = Settings(
            score_splits=score_splits,
            kernel_estimator=kernel_estimator,
            kernel_subsets=kernel_subsets,
            kernel_subset_size=kernel_subset_size,
            precision_neighbours=precision_neighbours,
            density_neighbours=density_neighbours,
            infinity_points=infinity_points,
            path_samples=path_samples,
            path_epsilon=path_epsilon,
            diversity_pairs=diversity_pairs,
            closest_shown=closest_shown,
        )
        check_promise(protocol, metrics=self.metrics, extractor=extractor, settings=self.settings)
        self.similarity = similarity
        self.scoring = Scoring(
            metrics=self.metrics,
            settings=self.settings,
            extractor=extractor,
            similarity=similarity,
            protocol=protocol,
        )
        self._chunk = max(1, batch_size // FORWARD_IMAGES) * FORWARD_IMAGES
        self.references = References(
            extractor=extractor,
            folder=cache_root(cache_dir) / "statistics",
            chunk=self._chunk,
            with_features=any(METRICS[m].real and m not in ("frechet", "frechet_infinity") for m in self.metrics),
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
            raise ValueError(f"evaluator.real_split is {self.real_split!r}, but the images are of {real.split!r}")
        keep_features = self._any("features")
        keep_logits = "score" in self.metrics or self.extractor.knows_classes
        kept = keep_features * self.extractor.feature_dim + keep_logits * self.extractor.n_classes
        check_memory(self.samples, floats=kept)
        device = torch.device(device)
        world = World.current(device)
        with torch.no_grad(), undisturbed_rng(device), full_float32(device):
            if self.similarity is not None:
                self.similarity.to(device)
            generated = collect(
                self._generate(sample, world),
                extractor=self.extractor.to(device),
                total=self.samples,
                device=device,
                world=world,
                keep_features=keep_features,
                keep_logits=keep_logits,
                keep_images=2 * self.settings.diversity_pairs if "lpips_diversity" in self.metrics else 0,
            )
            evidence = Evidence(
                generated=generated,
                reference=self.references.get(real, device, world) if self._any("real") else None,
                real=real,
                labels=sample.labels(torch.arange(self.samples)) if isinstance(sample, GeneratorSampler) else None,
                path=self._path(sample, device, world),
                codes=sample.codes(torch.arange(self.samples)) if isinstance(sample, GeneratorSampler) else None,
                derived=Derived(self.references.file(real)),
            )
            seed = None if weights == "files" else self.seed
            return world.on_first(
                lambda: self.scoring.evaluate(evidence, weights=weights, seed=seed, device=device),
            )

    def distance_between(
        self, first: EvaluationImages, second: EvaluationImages, *, device: torch.device | str
    ) -> float:
        """The Frechet distance between two sets of real images: the score that a perfect generator would get.

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
            moments = [self.references.get(s, device, world).moments for s in (first, second)]
            return world.on_first(lambda: frechet_distance(*moments))

    def _any(self, need: Literal["features", "real"]) -> bool:
        return any(METRICS[m].features if need == "features" else METRICS[m].real for m in self.metrics)

    def _generate(self, sample: Sampler, world: World) -> Iterator[Tensor]:
        for indices in torch.arange(self.samples)[world.rank :: world.size].split(self._chunk):
            if len(indices):
                images = sample(indices)
                if len(images) != len(indices):
                    raise ValueError(f"sample made {len(images)} images of {len(indices)} indices")
                yield images

    def _path(self, sample: Sampler, device: torch.device, world: World) -> Tensor | None:
        if "path_length" not in self.metrics or self.similarity is None or not isinstance(sample, GeneratorSampler):
            return None
        return path_distances(
            sample,
            self.similarity,
            total=self.settings.path_samples,
            epsilon=self.settings.path_epsilon,
            device=device,
            world=world,
        )

"""Scores taken of perceptual distances between generated images: diversity and path length."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from gan_lightning.core.pixels import NonFiniteSamples
from gan_lightning.metrics.base import GeneratorSampler, Sampler
from gan_lightning.metrics.extractor import FORWARD_IMAGES
from gan_lightning.metrics.lpips import LPIPS
from gan_lightning.metrics.metric import Estimate, Evidence, Metric, Needs, at_least
from gan_lightning.metrics.world import World


def mean_estimate(values: Tensor) -> Estimate:
    """Return the mean of independent values ``(N,)``, with its standard error."""
    found = values.double()
    std = found.std(correction=0).item()
    return Estimate(found.mean().item(), std, std / len(found) ** 0.5)


def lpips_diversity(images: Tensor, similarity: LPIPS, *, device: torch.device) -> Estimate:
    """Return the mean LPIPS distance between disjoint pairs of samples: 0 if all look the same.

    Args:
        images: uint8 ``(2 P, C, H, W)``; images 2i and 2i + 1 are a pair, and one image more is left out.
        similarity: the distance, on ``device``.
        device: where to compute.
    """
    paired = images[: len(images) // 2 * 2]
    first, second = paired[0::2], paired[1::2]
    found = [
        similarity(a.to(device).float() / 127.5 - 1, b.to(device).float() / 127.5 - 1).cpu()
        for a, b in zip(first.split(FORWARD_IMAGES), second.split(FORWARD_IMAGES), strict=True)
    ]
    return mean_estimate(torch.cat(found))


def path_length(distances: Tensor, *, epsilon: float) -> Estimate:
    """Return the perceptual path length.

    ``E [ d(G(z), G(z + epsilon (z' - z))) / epsilon^2 ]`` (Karras 2019, arXiv:1812.04948, section 4.1, between the
    ends of the path), without the lowest and the highest percent, as torch-fidelity computes it of float32 images
    (``ppl_sample_similarity_dtype="float32"``). Its default takes uint8 images, whose rounding enters the distances:
    the two are not comparable.

    Args:
        distances: ``(N,)``, the perceptual distances d.
        epsilon: length of a step.
    """
    values = distances.double().numpy() / epsilon**2
    low, high = np.percentile(values, 1, method="lower"), np.percentile(values, 99, method="higher")
    return mean_estimate(torch.from_numpy(values[(low <= values) & (values <= high)]))


def path_distances(
    sample: GeneratorSampler,
    similarity: LPIPS,
    *,
    total: int,
    epsilon: float,
    device: torch.device,
    world: World,
) -> Tensor | None:
    """Return the perceptual distances along ``total`` steps in latent space, shared by the ranks.

    Args:
        sample: makes the two ends of a step.
        similarity: the distance, on ``device``.
        total: number of steps.
        epsilon: their length.
        device: where to compute.
        world: the ranks; all must call this.

    Returns:
        float32 ``(total,)`` on rank 0; None elsewhere, or if the samples are not made of latents.

    Raises:
        NonFiniteSamples: on every rank, if any rank met NaN or infinite pixels.
    """
    found, broken, without = [torch.empty(0)], 0, False
    for indices in torch.arange(total)[world.rank :: world.size].split(FORWARD_IMAGES):
        ends = sample.path(indices, epsilon=epsilon)
        if ends is None:
            without = True
            break
        broken += sum(int((~end.isfinite()).sum()) for end in ends)
        if broken:
            break
        found.append(similarity(*(end.to(device) for end in ends)).cpu())
    if int(world.sum(torch.tensor([int(without)]))):
        return None
    broken = int(world.sum(torch.tensor([broken])))
    if broken:
        raise NonFiniteSamples(f"{broken} pixel values along the path are NaN or infinite")
    rows = world.gather_interleaved(torch.cat(found)[:, None], total)
    return None if rows is None else rows[:, 0]


class LPIPSDiversity(Metric):
    """The mean LPIPS distance between pairs of generated images; see ``lpips_diversity``.

    Args:
        diversity_pairs: number of pairs, or as many as there are.

    Raises:
        ValueError: for less than one.
    """

    name = key = "lpips_diversity"
    higher_is_better = True
    least_generated = 2

    def __init__(self, *, diversity_pairs: int = 500) -> None:
        self.diversity_pairs = at_least(1, "diversity_pairs", diversity_pairs)
        self.needs = Needs(similarity=True, images=2 * diversity_pairs)

    def estimate(self, evidence: Evidence) -> Estimate:
        """Compare the first images with one another."""
        assert evidence.generated.images is not None
        assert evidence.similarity is not None
        return lpips_diversity(evidence.generated.images, evidence.similarity, device=evidence.device)

    def facts(self) -> dict[str, Any]:
        """Return which images are pairs."""
        return {"pairs": "samples 2i and 2i + 1"}

    def samples(self, generated: int) -> int:
        """Return the number of images in pairs."""
        return min(2 * self.diversity_pairs, generated // 2 * 2)


class PathLength(Metric):
    """The perceptual path length; see ``path_length``.

    Args:
        path_samples: number of steps in latent space.
        path_epsilon: length of a step.

    Raises:
        ValueError: for a number out of range.
    """

    name = "path_length"
    key = "ppl"
    higher_is_better = False
    needs = Needs(similarity=True)

    def __init__(self, *, path_samples: int = 10000, path_epsilon: float = 1e-4) -> None:
        if not 0 < path_epsilon < 1:
            raise ValueError(f"evaluator.path_epsilon must lie in (0, 1), got {path_epsilon}")
        self.path_samples = at_least(1, "path_samples", path_samples)
        self.path_epsilon = path_epsilon

    def draw(self, sample: Sampler, *, similarity: LPIPS | None, device: torch.device, world: World) -> Tensor | None:
        """Take the steps."""
        if similarity is None or not isinstance(sample, GeneratorSampler):
            return None
        return path_distances(
            sample, similarity, total=self.path_samples, epsilon=self.path_epsilon, device=device, world=world
        )

    def obstacle(self, evidence: Evidence) -> str | None:
        """Return why not, such as samples that are not made of latents."""
        if (reason := super().obstacle(evidence)) is None and evidence.drawn[self.name] is None:
            return "needs a generator whose samples are made of latents alone"
        return reason

    def estimate(self, evidence: Evidence) -> Estimate:
        """Average over the steps."""
        distances = evidence.drawn[self.name]
        assert distances is not None
        return path_length(distances, epsilon=self.path_epsilon)

    def facts(self) -> dict[str, Any]:
        """Return what the steps are."""
        return {"epsilon": self.path_epsilon, "interpolation": "lerp from t = 0", "discarded_percent": [1, 99]}

    def samples(self, generated: int) -> int:
        """Return the number of steps."""
        return self.path_samples

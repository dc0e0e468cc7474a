"""Randomness as a function of (seed, rank, images seen), and of (seed, index) for samples.

A training step that seeds itself needs no generator state in a checkpoint, and nothing that happens between
two steps (an evaluation, a sample grid, a restart) can change what it draws.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

_MASK = (1 << 64) - 1


def mix(*values: int) -> int:
    """Hash integers to 64 bits with the finaliser of SplitMix64 (Steele 2014), so that near inputs are unrelated."""
    state = 0
    for value in values:
        state = (state + 0x9E3779B97F4A7C15 + (value & _MASK)) & _MASK
        state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & _MASK
        state ^= state >> 31
    return state


def seed_step(seed: int, rank: int, images_seen: int, device: torch.device, *, slot: int = 0) -> None:
    """Seed the global generators of the CPU and of ``device`` for one training step of one process.

    ``slot`` tells steps at the same ``images_seen`` from one another.

    ``torch.manual_seed`` would do, but where an accelerator is not in use it formats a stack trace for every kind
    of accelerator at every call, which costs more than a small network's step.
    """
    value = mix(seed, rank, images_seen, slot) if slot else mix(seed, rank, images_seen)
    torch.default_generator.manual_seed(value)
    if device.type == "cuda":
        torch.cuda.default_generators[device.index or 0].manual_seed(value)
    elif device.type != "cpu":
        torch.manual_seed(value)


def generator_for(*values: int) -> torch.Generator:
    """Return a CPU generator of its own, seeded by ``values``; the global one is not touched."""
    return torch.Generator().manual_seed(mix(*values))


def sample_generators(seed: int, indices: Sequence[int]) -> list[np.random.Generator]:
    """Return one counter-based generator per sample, keyed by (seed, index): the same on every machine and rank.

    Philox has a key of 128 bits, so no two samples share a stream; torch's CPU generator keeps 32 bits of a
    seed, with which two of 50,000 samples would now and then be the same image.
    """
    return [
        np.random.Generator(np.random.Philox(key=np.array([seed & _MASK, index], dtype=np.uint64))) for index in indices
    ]

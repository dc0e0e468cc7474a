"""Our training step against a bare PyTorch loop: same networks, loss, optimizers, average and data.

Both run in one process in alternating blocks, and CPU time is compared, since machines are noisy. Run with
``make bench``; the figures are printed and stored with pytest-benchmark's.
"""

from __future__ import annotations

import copy
import statistics
import time
from collections.abc import Callable, Iterator

import pytest
import torch
import torch.nn.functional as F
from lightning import Trainer
from torch import Tensor

from gan_lightning.data import Batch
from gan_lightning.loggers import JSONLLogger
from gan_lightning.models import DCGAN, AdversarialModule, UpdateRule
from gan_lightning.networks import (
    DCGANDiscriminator,
    DCGANGenerator,
    PointDiscriminator,
    PointGenerator,
)
from tests.parts import parts_with

DECAY = 0.999


class BareLoop:
    """What a person would write without a framework."""

    def __init__(self, module: AdversarialModule) -> None:
        self.generator, self.discriminator = copy.deepcopy(module.generator), copy.deepcopy(module.discriminator)
        self.average = copy.deepcopy(self.generator).requires_grad_(False)
        self.d_optimizer = torch.optim.Adam(self.discriminator.parameters(), lr=2e-4, betas=(0.5, 0.999))
        self.g_optimizer = torch.optim.Adam(self.generator.parameters(), lr=2e-4, betas=(0.5, 0.999))
        self.averaged = [p.detach() for p in self.average.parameters()]
        self.sources = [p.detach() for p in self.generator.parameters()]
        self.buffers, self.source_buffers = list(self.average.buffers()), list(self.generator.buffers())

    def step(self, real: Tensor) -> None:
        latents = torch.randn(len(real), self.generator.latent_dim)
        with torch.no_grad():
            fake = self.generator(latents)
        self.d_optimizer.zero_grad()
        loss = F.softplus(-self.discriminator(real)).mean() + F.softplus(self.discriminator(fake)).mean()
        loss.backward()
        self.d_optimizer.step()

        self.discriminator.requires_grad_(False)
        latents = torch.randn(len(real), self.generator.latent_dim)
        self.g_optimizer.zero_grad()
        F.softplus(-self.discriminator(self.generator(latents))).mean().backward()
        self.g_optimizer.step()
        self.discriminator.requires_grad_(True)
        with torch.no_grad():
            torch._foreach_lerp_(self.averaged, self.sources, 1 - DECAY)
            if self.buffers:
                torch._foreach_copy_(self.buffers, self.source_buffers)


def points() -> tuple[AdversarialModule, list[Batch]]:
    module = DCGAN(
        **parts_with(
            generator=PointGenerator(latent_dim=2, widths=(128, 128)),
            discriminator=PointDiscriminator(widths=(128, 128)),
            updates=UpdateRule(ema_rampup=None),
        )
    )
    return module, [Batch(torch.randn(100, 2)) for _ in range(16)]


def dcgan64() -> tuple[AdversarialModule, list[Batch]]:
    module = DCGAN(
        **parts_with(
            generator=DCGANGenerator(), discriminator=DCGANDiscriminator(), updates=UpdateRule(ema_rampup=None)
        )
    )
    return module, [Batch(torch.rand(16, 3, 64, 64) * 2 - 1) for _ in range(4)]


def interleaved(module: AdversarialModule, batches: list[Batch], *, blocks: int, steps: int, run_dir: str) -> dict:
    """Alternate blocks of ours and of the bare loop; return medians of the CPU seconds per step."""
    bare = BareLoop(module)
    ours_s: list[float] = []
    bare_s: list[float] = []

    def stream() -> Iterator[Batch]:
        for block in range(blocks + 1):
            start = time.process_time()
            for index in range(steps):
                yield batches[index % len(batches)]
            middle = time.process_time()
            for index in range(steps):
                bare.step(batches[index % len(batches)].images)
            end = time.process_time()
            if block:  # the first is a warm-up
                ours_s.append((middle - start) / steps)
                bare_s.append((end - middle) / steps)

    class Loader:
        def __iter__(self) -> Iterator[Batch]:
            return stream()

    trainer = Trainer(
        accelerator="cpu",
        max_epochs=1,
        logger=JSONLLogger(output_dir=run_dir),
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        log_every_n_steps=50,
    )
    trainer.fit(module, Loader())
    ratios = [a / b for a, b in zip(ours_s, bare_s, strict=True)]
    added = [a - b for a, b in zip(ours_s, bare_s, strict=True)]
    return {
        "ours_ms": 1e3 * statistics.median(ours_s),
        "bare_ms": 1e3 * statistics.median(bare_s),
        "ratio": statistics.median(ratios),
        "added_ms": 1e3 * statistics.median(added),
    }


@pytest.mark.parametrize(
    ("build", "blocks", "steps"),
    [pytest.param(points, 20, 100, id="points"), pytest.param(dcgan64, 12, 4, id="dcgan64")],
)
def test_step_cost(
    benchmark, capsys, tmp_path, build: Callable[[], tuple[AdversarialModule, list[Batch]]], blocks: int, steps: int
):
    torch.manual_seed(0)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        module, batches = build()
        figures = benchmark.pedantic(
            lambda: interleaved(module, batches, blocks=blocks, steps=steps, run_dir=str(tmp_path)), rounds=1
        )
    finally:
        torch.set_num_threads(threads)
    benchmark.extra_info.update(figures)
    with capsys.disabled():
        print(
            f"\n{build.__name__}: ours {figures['ours_ms']:.3f} ms, bare {figures['bare_ms']:.3f} ms CPU per step; "
            f"ratio {figures['ratio']:.3f}, added {figures['added_ms']:.3f} ms"
        )
    assert module.steps["discriminator"] == (blocks + 1) * steps

"""Micro-batches on two processes: one exchange of gradients an update, which makes them what one each would."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
import torch
from lightning import Callback
from torch.distributed.algorithms.ddp_comm_hooks.default_hooks import allreduce_hook

from gan_lightning.models import UpdateRule, players
from gan_lightning.regularizers import R1
from tests.contract.pair import RANKS, together, trainer_arguments
from tests.models.toys import points, sgd, train

PARTS, STEPS = 4, 3


class Exchanges(Callback):
    """Notes how many gradients each of DDP's exchanges holds."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []

    def on_train_start(self, trainer, pl_module):
        def exchange(state, bucket):
            self.sizes.append(bucket.buffer().numel())
            return allreduce_hook(None, bucket)

        trainer.strategy.model.register_comm_hook(None, exchange)


def gradients(exchanges: Exchanges) -> list[torch.Tensor]:
    """Train, and return the gradient of every update."""
    model = points(
        updates=UpdateRule(accumulate=PARTS),
        regularizers={"r1": R1(weight=1.0, interval=2)},
        discriminator_optimizer=sgd,
        generator_optimizer=sgd,
    )
    found: list[torch.Tensor] = []
    before_step = model.on_before_optimizer_step

    def note(optimizer: torch.optim.Optimizer) -> None:
        before_step(optimizer)
        parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
        found.append(torch.cat([parameter.grad.flatten() for parameter in parameters]))

    model.on_before_optimizer_step = note  # type: ignore[method-assign]
    train(model, RANKS * STEPS, callbacks=[exchanges], **trainer_arguments())
    return found


def work(rank: int, folder: Path) -> None:
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        for name in ("once", "always"):
            exchanges = Exchanges()
            found[name] = {"gradients": gradients(exchanges), "exchanges": exchanges.sizes}
            patch.setattr(players, "local_gradients", lambda strategy: contextlib.nullcontext())
    torch.save(found, folder / f"{rank}.pt")


def test_processes_exchange_gradients_once_an_update(tmp_path):
    together(work, tmp_path)
    first, second = (torch.load(tmp_path / f"{rank}.pt") for rank in range(RANKS))
    for found in (first, second):
        all_parameters = sum(gradient.numel() for gradient in found["once"]["gradients"][:2])
        assert found["once"]["exchanges"] == [all_parameters] * 2 * STEPS  # DDP sends the frozen player's zeros too
        assert found["always"]["exchanges"] == [all_parameters] * 2 * STEPS * PARTS
    for way in ("once", "always"):
        for mine, other in zip(first[way]["gradients"], second[way]["gradients"], strict=True):
            assert torch.equal(mine, other)
    for once, always in zip(first["once"]["gradients"], first["always"]["gradients"], strict=True):
        assert always.norm() > 0
        assert (once - always).norm() <= 1e-5 * always.norm()

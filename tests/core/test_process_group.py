"""Layers and losses that look at a batch, on two processes and on one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from gan_lightning.core import process_group as ranks
from gan_lightning.losses import RelativisticAverage
from gan_lightning.networks import MinibatchDiscrimination, MinibatchStdDev
from gan_lightning.networks.batch_norm import SyncedBatchNorm, synchronize_batch_norm
from gan_lightning.regularizers import TopK
from tests.contract.pair import RANKS, together

ROWS = 8


def values(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(5)) * 3 + 2


def batch_norm(kind: type[nn.Module], **arguments: Any) -> nn.Module:
    torch.manual_seed(0)
    net = nn.Sequential(kind(3, **arguments), nn.Tanh())
    if arguments.get("affine", True):
        nn.init.normal_(net[0].weight)
        nn.init.normal_(net[0].bias)
    if ranks.world_size() > 1:
        synchronize_batch_norm(net)
    return net


def discrimination() -> nn.Module:
    torch.manual_seed(0)
    return MinibatchDiscrimination(in_features=3, out_features=2, kernel_dim=2)


def relativistic(logits: torch.Tensor) -> torch.Tensor:
    return RelativisticAverage(kind="least_squares").discriminator(logits[:, 0], logits[:, 1])


def half_of_best(x: torch.Tensor) -> torch.Tensor:
    return TopK(gamma=0.5, images_per_epoch=1).generator_values(x[:, 0].square(), x[:, 0], 5)


CASES: dict[str, tuple[Callable[[], Callable[[torch.Tensor], torch.Tensor]], tuple[int, ...]]] = {
    "batch_norm_2d": (lambda: batch_norm(nn.BatchNorm2d), (ROWS, 3, 2, 2)),
    "batch_norm_1d": (lambda: batch_norm(nn.BatchNorm1d, momentum=None), (ROWS, 3)),
    "batch_norm_plain": (lambda: batch_norm(nn.BatchNorm2d, affine=False, eps=0.1), (ROWS, 3, 2, 2)),
    "batch_norm_untracked": (lambda: batch_norm(nn.BatchNorm2d, track_running_stats=False), (ROWS, 3, 2, 2)),
    "discrimination": (discrimination, (ROWS, 3)),
    "deviation": (lambda: MinibatchStdDev(group_size=4), (ROWS, 3, 2, 2)),
    "relativistic": (lambda: relativistic, (ROWS, 2)),
    "top_k": (
        lambda: lambda x: TopK(gamma=0.5, images_per_epoch=1).generator_values(x[:, 0].square(), x[:, 0], 5),
        (ROWS, 1),
    ),
}


def objective_of(outputs: torch.Tensor) -> torch.Tensor:
    """A mean over samples, which data-parallel training averages over ranks."""
    return outputs.mean() if outputs.ndim == 1 else outputs.square().mean()


def derivatives(case: str) -> dict[str, torch.Tensor]:
    """Two passes, first and second derivatives and buffers, each as the global batch has them."""
    make, shape = CASES[case]
    layer = make()
    samples = ranks.own_share(values(*shape)).clone().requires_grad_()
    layer(samples.detach() * 2)
    outputs = layer(samples)
    objective = objective_of(outputs)
    (gradient,) = torch.autograd.grad(objective, samples, create_graph=True)
    gradient = gradient / ranks.world_size()
    (second,) = torch.autograd.grad(gradient.square().sum(), samples)
    found = {
        "mean": ranks.mean_over_ranks(objective.detach()),
        "gradient": ranks.gathered(gradient.detach()),
        "second": ranks.gathered(second),
    }
    if isinstance(layer, nn.Module):
        parameters = dict(layer.named_parameters())
        if parameters:
            gradients = torch.autograd.grad(objective_of(layer(samples.detach())), list(parameters.values()))
            found |= {name: ranks.mean_over_ranks(g) for name, g in zip(parameters, gradients, strict=True)}
        found |= {name: buffer.clone() for name, buffer in layer.named_buffers()}
    return found


def work(rank: int, folder: Path) -> None:
    torch.save({case: derivatives(case) for case in CASES}, folder / f"{rank}.pt")


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ranks")
    together(work, folder)
    return [torch.load(folder / f"{rank}.pt") for rank in range(RANKS)]


@pytest.mark.parametrize("case", CASES)
def test_two_processes_compute_what_one_does(pair, case):
    alone = derivatives(case)
    for found in pair:
        assert found[case].keys() == alone.keys()
        for name, expected in alone.items():
            torch.testing.assert_close(found[case][name], expected, rtol=1e-4, atol=1e-6, msg=name)


def test_a_process_alone_gets_back_what_it_gave():
    x = torch.randn(3, 2)
    for function in (
        ranks.sum_over_ranks,
        ranks.mean_over_ranks,
        ranks.gathered,
        ranks.own_share,
        ranks.from_first_rank,
    ):
        assert function(x) is x or torch.equal(function(x), x)


def test_synchronizing_keeps_parameters_buffers_and_mode():
    net = nn.Sequential(
        nn.Conv2d(1, 2, 1), nn.ModuleDict({"norm": nn.BatchNorm2d(2, eps=0.5, momentum=0.3)})["norm"]
    ).eval()
    before = dict(net.state_dict(keep_vars=True))
    synchronize_batch_norm(net)
    assert isinstance(net[1], SyncedBatchNorm)
    assert (net[1].eps, net[1].momentum, net[1].training) == (0.5, 0.3, False)
    after = net.state_dict(keep_vars=True)
    assert before.keys() == after.keys()
    assert all(before[name] is after[name] for name in before)

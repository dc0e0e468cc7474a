"""Networks filled from integers, so that published implementations and ours can be compared without shared weights.

A parameter of N values takes ``u_n = ((31 n^2 + 17 n + N) mod 65521) / 65521 - 1 / 2``, scaled by its number of axes:
the rule knows shapes only, so that no names have to be mapped. All in float64.
"""

from unittest import mock

import pytest
import torch
from torch import nn

from gan_lightning.networks import spectral
from gan_lightning.networks.conditional import ConditionalBatchNorm2d
from gan_lightning.networks.spectral import SpectralNorm


def without_values(build, **arguments):
    """Build a network on the meta device, where its start costs nothing."""
    with torch.device("meta"), mock.patch.object(spectral, "INITIAL_ITERATIONS", 1):
        return build(**arguments)


@torch.no_grad()
def filled(build, **arguments):
    """Build a network with filled parameters, exact spectral norms, and batch norm's statistics at 0 and 1."""
    network = without_values(build, **arguments).to_empty(device="cpu").double()
    for parameter in network.parameters():
        size = parameter.numel()
        n = torch.arange(size)
        u = ((31 * n * n + 17 * n + size) % 65521).double() / 65521 - 0.5
        if parameter.ndim >= 2:
            parameter.copy_((u * (12 * len(parameter) / size) ** 0.5).view_as(parameter))
        elif parameter.ndim == 1:
            parameter.copy_(0.1 * u)
        else:
            parameter.fill_(0.5)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.reset_running_stats()
            if module.affine:
                module.weight.add_(1)
        elif isinstance(module, ConditionalBatchNorm2d):  # the reference's embeddings hold what is added to 1
            module.scale.add_(1)
    for module in network.modules():
        if nn.utils.parametrize.is_parametrized(module, "weight"):
            original, (norm,) = module.parametrizations.weight.original, module.parametrizations.weight
            assert isinstance(norm, SpectralNorm)
            set_singular_vectors(norm, original.flatten(1))
    return network


def set_singular_vectors(norm, matrix):
    """Set u and v of the largest singular value, from the eigenvectors of the smaller of W W^T and W^T W."""
    tall = matrix.shape[0] > matrix.shape[1]
    gram = matrix.T @ matrix if tall else matrix @ matrix.T
    leading = torch.linalg.eigh(gram).eigenvectors[:, -1]
    other = nn.functional.normalize((matrix if tall else matrix.T) @ leading, dim=0)
    norm.u.copy_(other if tall else leading)
    norm.v.copy_(leading if tall else other)


def latents(*shape):
    """``sin(1 + k)``, k counting the values."""
    return torch.sin(1 + torch.arange(torch.Size(shape).numel(), dtype=torch.float64)).view(shape)


def image(*shape):
    """``sin(0.01 k)``, k counting the values."""
    return torch.sin(0.01 * torch.arange(torch.Size(shape).numel(), dtype=torch.float64)).view(shape)


def assert_summary(outputs, mean, std, first, last):
    """Compare with a reference's mean and standard deviation (of the population), and its first and last values.

    The references print 8 and 7 decimals; float64 leaves nothing else to differ.
    """
    values = outputs.detach().flatten()
    assert [values.mean().item(), values.std(correction=0).item()] == pytest.approx([mean, std], rel=0, abs=1e-8)
    assert [*values[: len(first)].tolist(), values[-1].item()] == pytest.approx([*first, last], rel=0, abs=1e-7)

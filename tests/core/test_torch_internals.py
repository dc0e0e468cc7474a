"""What is private in torch exists and does what the package relies on."""

import copy
import pickle

import pytest
import torch
from torch import nn

from gan_lightning.core.torch_internals import (
    AnyBatchNorm,
    AnyConvolution,
    AnyTransposedConvolution,
    BatchNormOfAnyShape,
    MovedAlong,
    clamp_all,
    copy_all,
    lerp_all,
    scaler_like,
    tracing_errors,
    version,
)
from gan_lightning.networks.saved_shape import adopt_saved_shapes


def test_base_classes_are_those_of_all_layers():
    norms = [nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm, nn.LazyBatchNorm2d]
    assert all(issubclass(norm, AnyBatchNorm) for norm in norms)
    assert not issubclass(nn.InstanceNorm2d, AnyBatchNorm)
    convolutions = [nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d]
    assert all(issubclass(convolution, AnyConvolution) for convolution in convolutions)
    transposed = [convolution for convolution in convolutions if issubclass(convolution, AnyTransposedConvolution)]
    assert transposed == convolutions[3:]
    assert not issubclass(nn.Linear, AnyConvolution)


@pytest.mark.parametrize("axes", [2, 3, 4, 5])
def test_batch_norm_of_any_shape_is_torchs(axes):
    x = torch.randn(4, 3, *[2] * (axes - 2))
    theirs = {2: nn.BatchNorm1d, 3: nn.BatchNorm1d, 4: nn.BatchNorm2d, 5: nn.BatchNorm3d}[axes](3)
    ours = BatchNormOfAnyShape(3)
    assert torch.equal(ours(x), theirs(x))
    assert torch.equal(ours.running_var, theirs.running_var)


def test_a_version_rises_with_every_write():
    tensor = torch.zeros(3)
    seen = [version(tensor)]
    for write in (lambda: tensor.fill_(1), lambda: tensor[0].add_(1), lambda: tensor.copy_(torch.ones(3))):
        write()
        seen.append(version(tensor))
    assert seen == sorted(set(seen))
    tensor + 1
    assert version(tensor) == seen[-1]


def test_all_tensors_are_changed_in_place_at_once():
    tensors, targets = [torch.zeros(2), torch.ones(3)], [torch.full((2,), 4.0), torch.full((3,), 5.0)]
    first = tensors[0]
    lerp_all(tensors, targets, 0.25)
    assert [tensor.tolist() for tensor in tensors] == [[1.0, 1.0], [2.0, 2.0, 2.0]]
    copy_all(tensors, [torch.tensor([3.0, -3.0]), torch.tensor([0.5, -0.5, 9.0])])
    clamp_all(tensors, 1.0)
    assert [tensor.tolist() for tensor in tensors] == [[1.0, -1.0], [0.5, -0.5, 1.0]]
    assert tensors[0] is first


def test_a_scaler_has_the_settings_of_its_model_and_a_scale_of_its_own():
    first = torch.amp.GradScaler("cpu", init_scale=8.0, growth_factor=3.0, backoff_factor=0.25, growth_interval=7)
    second = scaler_like(first)
    assert type(second) is type(first)
    assert second.state_dict() == first.state_dict()
    assert second.scale(torch.ones(())) == 8.0
    first.scale(torch.ones(()))
    first.update(2.0)
    assert (first.get_scale(), second.get_scale()) == (2.0, 8.0)


class Untraceable(nn.Module):
    def forward(self, x):
        return x if x.sum() > 0 else -x  # a branch on data


def test_what_cannot_be_traced_is_caught():
    with pytest.raises(tracing_errors()):
        torch.export.export(Untraceable(), (torch.ones(2),), strict=True)


class Pool(nn.Module):
    """Has a buffer whose size is known once it is used."""

    def __init__(self):
        super().__init__()
        self.register_buffer("pool", torch.empty(0))
        adopt_saved_shapes(self, ("pool",))


@pytest.mark.parametrize("copied", [lambda m: m, copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_a_buffer_takes_the_shape_that_was_saved(copied):
    saved = Pool()
    saved.pool = torch.arange(6, dtype=torch.float64).view(2, 3)
    fresh = copied(nn.Sequential(Pool(), Pool()))
    fresh.load_state_dict({"0.pool": saved.pool, "1.pool": torch.empty(0)})
    assert torch.equal(fresh[0].pool, saved.pool)
    assert fresh[1].pool.shape == (0,)
    assert Pool().pool.shape == (0,)


def test_what_is_no_submodule_is_moved_along():
    class Holder(MovedAlong):
        def __init__(self):
            super().__init__()
            self.held = (torch.nn.Linear(1, 1),)

        @property
        def network(self):
            return self.held[0]

    outer = torch.nn.Sequential(Holder()).double()
    assert outer[0].network.weight.dtype == torch.float64
    assert not list(outer.parameters())

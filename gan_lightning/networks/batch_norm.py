"""Batch norm over the batch of all processes."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gan_lightning.core.process_group import gathered, world_size
from gan_lightning.core.torch_internals import AnyBatchNorm, BatchNormOfAnyShape


class SyncedBatchNorm(BatchNormOfAnyShape):
    """Batch norm whose statistics in training are those of the global batch.

    ``y = gamma (x - mean) / sqrt(var + eps) + beta`` (Ioffe 2015, arXiv 1502.03167, algorithm 1), mean and var over
    the samples and positions of all processes, which must hold equally many. Torch's own synchronized layer runs on
    GPUs only and cannot be differentiated twice, as a gradient penalty must.

    Attributes:
        local: takes the statistics of this process alone, as sampling must, in which the others have no part.
    """

    local = False

    def forward(self, input: Tensor) -> Tensor:
        """Map ``(N, C, ...)`` to maps of the same shape and dtype."""
        if not self.training or self.local or world_size() == 1:
            return super().forward(input)
        exact = input if input.dtype == torch.float64 else input.float()
        axes = [axis for axis in range(input.ndim) if axis != 1]
        local_var, local_mean = torch.var_mean(exact, dim=axes, correction=0)
        means, variances = gathered(torch.stack([local_mean, local_var])[None]).unbind(1)
        mean = means.mean(dim=0)
        # The spread within the ranks and that between them: no difference of large squares.
        var = variances.mean(dim=0) + (means - mean).square().mean(dim=0)
        self._follow(mean.detach(), var.detach(), count=world_size() * exact[:, 0].numel())
        scale = (var + self.eps).rsqrt()
        shift = -mean * scale
        if self.weight is not None:
            scale, shift = scale * self.weight, shift * self.weight + self.bias
        shape = [1, -1, *[1] * (input.ndim - 2)]
        return torch.addcmul(shift.view(shape), exact, scale.view(shape)).to(input.dtype)

    def _follow(self, mean: Tensor, var: Tensor, count: int) -> None:
        """Move the running statistics; their variance is the unbiased one."""
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        with torch.no_grad():
            self.num_batches_tracked += 1
            step = 1 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
            self.running_mean.lerp_(mean.to(self.running_mean.dtype), step)
            self.running_var.lerp_((var * count / max(count - 1, 1)).to(self.running_var.dtype), step)


def synchronize_batch_norm(module: nn.Module) -> None:
    """Replace torch's batch norm layers below ``module``; parameters, buffers and their names stay."""
    for parent in list(module.modules()):
        for name, child in parent.named_children():
            if isinstance(child, AnyBatchNorm) and type(child) in (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d):
                setattr(parent, name, _synchronized(child))


def _synchronized(layer: AnyBatchNorm) -> SyncedBatchNorm:
    synced = SyncedBatchNorm(layer.num_features, layer.eps, layer.momentum, layer.affine, layer.track_running_stats)
    for name, tensor in (*layer.named_parameters(recurse=False), *layer.named_buffers(recurse=False)):
        setattr(synced, name, tensor)
    return synced.train(layer.training)

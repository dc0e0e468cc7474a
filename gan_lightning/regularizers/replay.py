"""Replay: the discriminator keeps learning from generated samples of the past."""

from __future__ import annotations

import torch
from torch import Tensor

from gan_lightning.core.process_group import from_first_rank, gathered, own_share
from gan_lightning.networks.saved_shape import adopt_saved_shapes
from gan_lightning.regularizers.stabilizer import Stabilizer


class Replay(Stabilizer):
    """Swaps some generated samples for older ones from a pool.

    While the pool is not full, samples are stored and passed on. Then each sample is, with ``probability``,
    exchanged for one in the pool that it replaces there, and passed on otherwise: Shrivastava et al. 2017
    (arXiv 1612.07828), section 2.3, in the form of CycleGAN (arXiv 1703.10593, section 4; capacity 50,
    probability 0.5). The samples of one batch take different places in the pool.

    A replayed sample was made under another condition, so this is for models whose discriminator judges samples
    alone. All processes keep the same pool, which the global batch goes through.

    Args:
        capacity: samples in the pool.
        probability: probability of a swap, once the pool is full.

    Raises:
        ValueError: if ``capacity`` is below 1 or ``probability`` outside [0, 1].
    """

    pool: Tensor
    stored: Tensor

    def __init__(self, *, capacity: int = 50, probability: float = 0.5) -> None:
        super().__init__()
        if capacity < 1:
            raise ValueError(f"capacity must be at least 1, got {capacity}")
        if not 0 <= probability <= 1:
            raise ValueError(f"probability must be in [0, 1], got {probability}")
        self.capacity = capacity
        self.probability = probability
        self.register_buffer("pool", torch.empty(0))
        self.register_buffer("stored", torch.zeros((), dtype=torch.int64))
        adopt_saved_shapes(self, ("pool",))
        self.register_load_state_dict_post_hook(Replay._after_loading)
        self._stored = 0  # the same number on the host, to spare a synchronization every step

    @torch.no_grad()
    def discriminator_fakes(self, fakes: Tensor) -> Tensor:
        """Replace some of the samples ``(N, ...)`` by past ones, in the same dtype and without a graph."""
        return own_share(self._exchanged(gathered(fakes.detach())))

    def _exchanged(self, fakes: Tensor) -> Tensor:
        if self.pool.numel() == 0:
            self.pool = fakes.new_zeros(self.capacity, *fakes.shape[1:])
        taken = min(self.capacity - self._stored, len(fakes))
        if taken > 0:
            self.pool[self._stored : self._stored + taken] = fakes[:taken].to(self.pool.dtype)
            self._stored += taken
            self.stored.fill_(self._stored)
        # drawn on the host: which samples swap is needed there to know how many
        random = from_first_rank(torch.rand(len(fakes) - taken).to(fakes.device)).cpu()
        swapped = (random < self.probability).nonzero().squeeze(1) + taken
        swapped = swapped[: self.capacity]
        if len(swapped) == 0:
            return fakes
        places = from_first_rank(torch.randperm(self.capacity).to(fakes.device))[: len(swapped)]
        swapped = swapped.to(fakes.device)
        mixed = fakes.clone()
        mixed[swapped] = self.pool[places].to(fakes.dtype)
        self.pool[places] = fakes[swapped].to(self.pool.dtype)
        return mixed

    def _after_loading(self, incompatible_keys: object) -> None:
        self._stored = int(self.stored)
        if self.pool.numel() > 0 and len(self.pool) != self.capacity:
            raise ValueError(f"capacity is {self.capacity}, but the checkpoint holds a pool of {len(self.pool)}")

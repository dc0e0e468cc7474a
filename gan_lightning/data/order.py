"""The order of a training set's images, as a function of (seed, position)."""

from __future__ import annotations

import torch
from torch import Tensor

from gan_lightning.core.seeding import generator_for

_ORDER = 1  # a stream of the seed


class EndlessOrder:
    """One permutation of the set after the other, so that no image is dropped at an epoch's end.

    Args:
        length: number of images.
        seed: seed of the permutations.
        balance: class indices, int64 ``(length,)``: every epoch then shows all classes equally often (to within one
            image), an epoch being as long as before; images of small classes are repeated, evenly. None: every image
            once.

    Raises:
        ValueError: if there are no images.
    """

    def __init__(self, length: int, *, seed: int, balance: Tensor | None = None) -> None:
        if length == 0:
            raise ValueError("images must hold at least one image, got none")
        self.length = length
        self.seed = seed
        self._members = None
        if balance is not None:
            self._members = [(balance == label).nonzero().squeeze(1) for label in balance.unique()]
        self._epoch = -1
        self._order = torch.empty(0, dtype=torch.int64)

    def indices(self, position: int, count: int) -> Tensor:
        """Return the images at stream positions ``position`` to ``position + count``: int64 ``(count,)``."""
        pieces = []
        while count > 0:
            epoch, offset = divmod(position, self.length)
            if epoch != self._epoch:
                self._order, self._epoch = self._permutation(epoch), epoch
            piece = self._order[offset : offset + count]
            pieces.append(piece)
            position += len(piece)
            count -= len(piece)
        return pieces[0] if len(pieces) == 1 else torch.cat(pieces)

    def _permutation(self, epoch: int) -> Tensor:
        random = generator_for(self.seed, _ORDER, epoch)
        if self._members is None:
            return torch.randperm(self.length, generator=random)
        shares = torch.full((len(self._members),), self.length // len(self._members))
        shares[torch.randperm(len(shares), generator=random)[: self.length % len(shares)]] += 1
        rows = torch.cat(
            [
                torch.cat(
                    [members[torch.randperm(len(members), generator=random)] for _ in range(-(-share // len(members)))]
                )[:share]
                for members, share in zip(self._members, shares.tolist(), strict=True)
                if share
            ]
        )
        return rows[torch.randperm(self.length, generator=random)]

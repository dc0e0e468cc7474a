"""Ways through latent space."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

PathKind = Literal["lerp", "slerp"]


def lerp(start: Tensor, end: Tensor, share: float) -> Tensor:
    """Return ``(1 - t) start + t end`` for vectors of the same shape and t in [0, 1]."""
    return (1 - share) * start + share * end


def slerp(start: Tensor, end: Tensor, share: float) -> Tensor:
    r"""Go from one vector to another along a great circle (Shoemake 1985; for latents White 2016, arXiv 1609.04468).

    .. math:: \frac{\sin((1 - t)\theta)}{\sin\theta} a + \frac{\sin(t\theta)}{\sin\theta} b

    with theta the angle between a and b. Normal vectors of many components have nearly the same length, which the
    straight line between two of them leaves. Where the circle is not unique (the vectors are parallel or opposite, or
    one is zero) the way is straight.

    Args:
        start: float ``(..., dim)``.
        end: likewise.
        share: t in [0, 1].
    """
    a, b = start.double(), end.double()
    lengths = a.norm(dim=-1, keepdim=True) * b.norm(dim=-1, keepdim=True)
    cosine = ((a * b).sum(dim=-1, keepdim=True) / lengths.clamp_min(1e-30)).clamp(-1, 1)
    angle = torch.acos(cosine)
    sine = torch.sin(angle)
    straight = (sine < 1e-6) | (lengths == 0)
    safe = torch.where(straight, torch.ones_like(sine), sine)
    along = torch.sin((1 - share) * angle) / safe * a + torch.sin(share * angle) / safe * b
    return torch.where(straight, lerp(a, b, share), along).to(start.dtype)


def between(start: Tensor, end: Tensor, shares: Sequence[float], *, path: PathKind) -> Tensor:
    """Return the vectors at ``shares`` of the way from one ``(dim,)`` to another, ``(len(shares), dim)``."""
    step = slerp if path == "slerp" else lerp
    return torch.stack([step(start, end, share) for share in shares])


def segments(keys: Tensor, shares: Sequence[float], *, path: PathKind, loop: bool) -> Tensor:
    """Walk from key to key.

    Args:
        keys: float ``(K, dim)``, K >= 2.
        shares: where to stop on the way to the next key.
        path: straight or along great circles.
        loop: whether the way ends where it began.

    Returns:
        float ``(S, len(shares), dim)`` with S = K if ``loop``, else K - 1.
    """
    ends = keys.roll(-1, dims=0) if loop else keys[1:]
    return torch.stack([between(a, b, shares, path=path) for a, b in zip(keys, ends, strict=False)])

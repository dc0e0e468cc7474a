"""A scalar buffer that is read on the host without waiting for the device."""

from __future__ import annotations

import torch
from torch import Tensor

from gan_lightning.core.torch_internals import version


class HostScalar:
    """Remembers the value of a scalar buffer until something else writes to it.

    Reading a tensor on an accelerator waits for all the work queued there. The buffer stays the truth: a loaded
    checkpoint, a broadcast or a direct write raises its version, and the next read fetches the value again.
    """

    def __init__(self) -> None:
        self._buffer: Tensor | None = None
        self._version = -1
        self._value = 0.0

    def read(self, buffer: Tensor) -> float:
        """Return the value of ``buffer``, a scalar."""
        if buffer is not self._buffer or version(buffer) != self._version:
            self._remember(buffer, float(buffer))
        return self._value

    def write(self, buffer: Tensor, value: float) -> None:
        """Set ``buffer`` to ``value``, rounded to the buffer's dtype."""
        buffer.fill_(value)
        self._remember(buffer, float(torch.tensor(value, dtype=buffer.dtype)))

    def _remember(self, buffer: Tensor, value: float) -> None:
        self._buffer, self._version, self._value = buffer, version(buffer), value

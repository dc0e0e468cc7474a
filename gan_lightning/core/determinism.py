"""Keep an evaluation from touching, or being touched by, the training around it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar

import numpy as np
import torch

T = TypeVar("T")


@contextmanager
def full_float32(device: torch.device) -> Iterator[None]:
    """Switch autocast and TF32 off: a score must not depend on the precision that training chose.

    Args:
        device: where the computation runs.
    """
    with ExitStack() as stack:
        for kind in {device.type, "cpu"}:
            stack.enter_context(torch.autocast(kind, enabled=False))
        stack.enter_context(_no_tf32())
        yield


@contextmanager
def _no_tf32() -> Iterator[None]:
    """Set IEEE float32 through both of torch's interfaces, so that neither finds the other's value and complains.

    The older one alone would leave convolutions at TF32 where ``torch.backends.fp32_precision`` allows it.
    """
    cudnn: Any = torch.backends.cudnn
    mkldnn: Any = torch.backends.mkldnn
    operations = [torch.backends.cuda.matmul, cudnn.conv, cudnn.rnn, mkldnn.matmul, mkldnn.conv, mkldnn.rnn]
    former = [operation.fp32_precision for operation in operations]
    matmul, convolution = _older(torch.get_float32_matmul_precision), _older(lambda: cudnn.allow_tf32)
    torch.set_float32_matmul_precision("highest")
    cudnn.allow_tf32 = False
    for operation in operations:
        operation.fp32_precision = "ieee"
    try:
        yield
    finally:
        if matmul is not None:
            torch.set_float32_matmul_precision(matmul)
        if convolution is not None:
            cudnn.allow_tf32 = convolution
        for operation, precision in zip(operations, former, strict=True):
            operation.fp32_precision = precision


def _older(read: Callable[[], T]) -> T | None:
    """Return a value of torch's older interface; None if the newer one was used, since torch then refuses."""
    try:
        return read()
    except RuntimeError:
        return None


@contextmanager
def undisturbed_rng(device: torch.device) -> Iterator[None]:
    """Restore the global random states of torch (CPU and ``device``), numpy and Python on leaving.

    Args:
        device: where the computation runs.
    """
    python_state = random.getstate()
    numpy_state = np.random.get_state()  # noqa: NPY002 - the global state is what is to be kept
    devices = [] if device.type == "cpu" else [device]
    try:
        with torch.random.fork_rng(devices, device_type=device.type if devices else "cuda"):
            yield
    finally:
        random.setstate(python_state)
        np.random.set_state(numpy_state)  # noqa: NPY002

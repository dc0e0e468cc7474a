"""Keep an evaluation from touching, or being touched by, the training around it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import numpy as np
import torch


@contextmanager
def full_float32(device: torch.device) -> Iterator[None]:
    """Switch autocast and TF32 off: a score must not depend on the precision that training chose.

    Args:
        device: where the computation runs.
    """
    matmul_precision = torch.get_float32_matmul_precision()
    cudnn = torch.backends.cudnn
    with ExitStack() as stack:
        for kind in {device.type, "cpu"}:
            stack.enter_context(torch.autocast(kind, enabled=False))
        stack.enter_context(
            cudnn.flags(
                enabled=cudnn.enabled,
                benchmark=cudnn.benchmark,
                deterministic=cudnn.deterministic,
                allow_tf32=False,
            )
        )
        stack.callback(torch.set_float32_matmul_precision, matmul_precision)
        torch.set_float32_matmul_precision("highest")
        yield


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

"""The device of a command."""

from __future__ import annotations

import torch

from gan_lightning.core.errors import InputError


def pick_device(name: str) -> torch.device:
    """Return the device called ``name``; "auto" is the accelerator if there is one.

    Raises:
        InputError: if there is no such device.
    """
    if name == "auto":
        accelerator = torch.accelerator.current_accelerator(check_available=True)
        return accelerator if accelerator is not None else torch.device("cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise InputError(f"device = {name!r} cannot be used here: {str(error).splitlines()[0]}") from error
    return device

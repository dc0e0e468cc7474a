"""Scores of a trained run by ``gan-evaluate``: values, standard errors and protocols."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from tests.record import commands
from tests.record.cases import Case
from tests.record.differences import Leaves

LEFT_OUT = {"checkpoint", "generated", "real", "closest"}
"""What says where files lie, and long lists of neighbors."""


def evaluate(case: Case, checkpoint: str, folder: Path) -> Leaves:
    """Return every number and word of what the case's evaluations wrote, by where it stands."""
    if not case.evaluations:
        return {}
    commands.python(_write_inputs, cwd=folder)
    leaves: Leaves = {}
    for name, words in case.evaluations.items():
        given = [word.replace("CHECKPOINT", checkpoint) for word in words]
        commands.run("gan-evaluate", *given, f"out={name}.json", cwd=folder)
        content = json.loads((folder / f"{name}.json").read_text())
        content["scores"] = {score.pop("key"): score for score in content["scores"]}
        leaves |= flatten({key: value for key, value in content.items() if key not in LEFT_OUT}, name)
    return leaves


def flatten(value: Any, name: str) -> Leaves:
    """Return the leaves of nested dictionaries and lists; numbers become floats."""
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        return {key: leaf for inner, item in items for key, leaf in flatten(item, f"{name}/{inner}").items()}
    return {name: float(value) if isinstance(value, int | float) and not isinstance(value, bool) else value}


def _write_inputs() -> None:
    """Write images that are nearly digits, with their labels, and weights of a network for LPIPS that knows nothing."""
    import torch
    from sklearn.datasets import load_digits
    from torchvision.models import squeezenet1_1

    import gan_lightning  # noqa: F401  (before torchvision)

    digits = load_digits()
    small = np.asarray(digits.images[:256] * 15, dtype=np.uint8)
    rows, columns = np.ogrid[0:16, 0:16]
    shade = (rows * 5 + columns * 3) % 17
    images = np.kron(small, np.ones((1, 2, 2), dtype=np.uint8)) // 2 * 2 + shade.astype(np.uint8)
    np.savez("digits.npz", images[..., None], np.asarray(digits.target[:256], dtype=np.int64))
    torch.manual_seed(0)
    torch.save(squeezenet1_1(weights=None).state_dict(), "squeeze.pth")

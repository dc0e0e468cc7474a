"""A generator as a ``torch.export`` program."""

from __future__ import annotations

import io
from pathlib import Path

import torch

from gan_lightning.core.atomic import whole_file
from gan_lightning.core.checkpoint import RECORD
from gan_lightning.core.strict_json import dumps
from gan_lightning.core.torch_internals import tracing_errors
from gan_lightning.export.generator_file import generator_record
from gan_lightning.export.network import batch_dimension, exportable
from gan_lightning.models.adversarial import AdversarialModule
from gan_lightning.models.sampling import Weights


def save_program(model: AdversarialModule, path: Path, *, weights: Weights, tolerance: float = 1e-3) -> float:
    """Write a program that ``torch.export.load`` reads, and whose ``module()`` takes any number of rows.

    The configuration is in the file's extra file ``gan_lightning``.

    Args:
        model: which has a configuration.
        path: the file, ``.pt2``.
        weights: averaged or raw generator.
        tolerance: largest difference to the model, pixel by pixel, of an example.

    Returns:
        That difference.

    Raises:
        ValueError: if the generator cannot be traced, or the program differs from it.
        OSError: if the file cannot be written.
    """
    parts = exportable(model, weights)
    arguments = tuple(parts.inputs.values())
    try:
        program = torch.export.export(parts.network, arguments, dynamic_shapes=batch_dimension(parts.inputs))
    except tracing_errors() as error:
        raise ValueError(f"{type(parts.network.generator).__name__} cannot be traced: {error}") from error
    with whole_file(path) as temporary:
        buffer = io.BytesIO()  # torch's own writing to a file ends with a RuntimeError where the disk is full
        torch.export.save(program, buffer, extra_files={RECORD: dumps(generator_record(model, weights))})
        temporary.write_bytes(buffer.getbuffer())
        loaded = torch.export.load(temporary).module()
        with torch.no_grad():
            return parts.check(loaded(*arguments), tolerance=tolerance, what="the program")

"""A generator as an ONNX file."""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path

import torch

from gan_lightning.core.atomic import whole_file
from gan_lightning.core.checkpoint import RECORD
from gan_lightning.core.strict_json import dumps
from gan_lightning.export.generator_file import generator_record
from gan_lightning.export.network import batch_dimension, exportable
from gan_lightning.models.adversarial import AdversarialModule
from gan_lightning.models.sampling import Weights

PACKAGES = ("onnx", "onnxscript", "onnxruntime")


def save_onnx(model: AdversarialModule, path: Path, *, weights: Weights, tolerance: float = 1e-3) -> float:
    """Write an ONNX model with a first dimension of any length, and run it with onnxruntime.

    Inputs are ``latents``, ``labels`` (int64) or ``codes``, and ``noise_0``, ``noise_1``, ..., N(0, 1), of a generator
    with noise inputs; the output is ``images``. The configuration is in the file's metadata, under ``gan_lightning``.

    Args:
        model: which has a configuration.
        path: the file, ``.onnx``.
        weights: averaged or raw generator.
        tolerance: largest difference to the model, pixel by pixel, of an example.

    Returns:
        That difference.

    Raises:
        ValueError: if a package is missing, the generator cannot be converted, or the result differs from it.
        OSError: if the file cannot be written.
    """
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise ValueError(
            f"out = {path}: writing .onnx needs the packages {', '.join(missing)} (pip install 'gan-lightning[onnx]')"
        )
    import onnxruntime

    parts = exportable(model, weights)
    arguments = tuple(parts.inputs.values())
    with warnings.catch_warnings(), quiet("torch.onnx", "onnxscript", "onnx_ir"), whole_file(path) as temporary:
        warnings.simplefilter("ignore")
        try:
            converted = torch.onnx.export(
                parts.network,
                arguments,
                dynamo=True,
                input_names=list(parts.inputs),
                output_names=["images"],
                dynamic_shapes=batch_dimension(parts.inputs),
                verbose=False,
            )
        except (torch.onnx.errors.OnnxExporterError, RuntimeError) as error:
            raise ValueError(
                f"{type(parts.network.generator).__name__} cannot be converted to ONNX: {str(error).splitlines()[0]}"
            ) from error
        assert converted is not None
        converted.model.metadata_props[RECORD] = dumps(generator_record(model, weights))
        converted.save(temporary)
        session = onnxruntime.InferenceSession(temporary, providers=["CPUExecutionProvider"])
        feed = {name: tensor.numpy() for name, tensor in parts.inputs.items()}
        (images,) = session.run(None, feed)
        return parts.check(torch.from_numpy(images), tolerance=tolerance, what="the ONNX model")


@contextlib.contextmanager
def quiet(*names: str) -> Iterator[None]:
    """Hear nothing but errors from these loggers for a while."""
    loggers = [logging.getLogger(name) for name in names]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)

"""A generator as one safetensors file, its configuration in the header, and back."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import xxhash
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from gan_lightning.core.atomic import write_atomic
from gan_lightning.core.checkpoint import RECORD, CheckpointError
from gan_lightning.core.side_files import parse_json
from gan_lightning.core.strict_json import dumps
from gan_lightning.core.version import __version__
from gan_lightning.models.adversarial import AdversarialModule
from gan_lightning.models.loading import build_for
from gan_lightning.models.sampling import Sampling, Weights
from gan_lightning.networks.base import Generator

FORMAT = 2
"""Written; files of format 1 have no digest, so that damage to their numbers goes unnoticed."""

_DIGEST = "xxh3_128"
"""Key of the digest of record and tensors, in the header beside the record."""


def generator_record(model: AdversarialModule, weights: Weights) -> dict[str, Any]:
    """Describe a model's generator as plain data: format, configuration of the model, which weights, images seen.

    Raises:
        ValueError: if a part of the model was built by hand, or its generator takes no latent vectors.
    """
    if model.generator.latent_dim == 0:
        raise ValueError(f"{type(model).__name__} translates images: only generators of latent vectors are exported")
    node, by_hand = model.description()
    if model.run_config is not None:
        node, by_hand = model.run_config["model"], []
    if by_hand:
        raise ValueError(f"{', '.join(by_hand)}: built by hand, so no file could describe how to rebuild this model")
    return {
        "format": FORMAT,
        "version": __version__,
        "model": node,
        "weights": weights,
        "images_seen": model.images_seen,
        "class_names": None if model.class_names is None else list(model.class_names),
    }


def generator_state(model: AdversarialModule, weights: Weights) -> dict[str, Tensor]:
    """Return what sampling needs: the generator's tensors, and the model's own, such as the classes' frequencies."""
    network = model.network(weights)
    with model.as_sampled(network):
        state = {f"generator.{name}": value for name, value in network.state_dict().items()}
        state |= dict(model.named_buffers(recurse=False))
        return {name: value.detach().cpu().clone().contiguous() for name, value in state.items()}


def save_generator(model: AdversarialModule, path: str | os.PathLike[str], *, weights: Weights | None = None) -> None:
    """Write the generator of ``model`` for ``load_generator``, whole or not at all.

    Args:
        model: built by ``gan-train``, ``load_model`` or ``create_model``, or of parts that ``config.build`` made.
        path: the file, ``.safetensors``.
        weights: averaged or raw generator; None: averaged where there is one.

    Raises:
        ValueError: if a part of the model was built by hand, or it has no such weights.
        OSError: if the file cannot be written.
    """
    chosen = weights or model.default_weights
    record, state = dumps(generator_record(model, chosen)), generator_state(model, chosen)
    write_atomic(Path(path), save(state, metadata={RECORD: record, _DIGEST: _digest(record, state)}))


def _digest(record: str, state: Mapping[str, Tensor]) -> str:
    """Return the hexadecimal digest of a record and of tensors on the CPU with their names, types and shapes."""
    hashed = xxhash.xxh3_128(record.encode())
    for name, tensor in sorted(state.items()):
        hashed.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        hashed.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return hashed.hexdigest()


def load_generator(path: str | os.PathLike[str], *, trust: bool = False) -> TrainedGenerator:
    """Read a generator that ``gan-sample mode=export`` or ``save_generator`` wrote, on the CPU, in evaluation mode.

    Args:
        path: the ``.safetensors`` file.
        trust: build whatever its configuration names, also outside the packages known to be harmless.

    Raises:
        CheckpointError: if the file cannot be used.
        ConfigError: if its configuration names something that is refused.
    """
    record, state = read_generator(Path(path))
    generator = TrainedGenerator(build_for(state, record["model"], path, trust=trust))
    try:
        generator.load(state)
    except RuntimeError as error:
        raise CheckpointError(f"{path}: its weights do not fit the generator it describes: {error}") from error
    names = record.get("class_names")
    generator.class_names = None if names is None else tuple(map(str, names))
    return generator.eval()


def read_generator(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Return the record and the tensors of a file.

    Raises:
        CheckpointError: if there is none, it is damaged, or of another program or a newer format.
    """
    if not path.is_file():
        raise CheckpointError(f"there is no generator at {path}")
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise CheckpointError(f"{path} is damaged or not a safetensors file: {error}") from error
    text = header.get(RECORD)
    if text is None:
        raise CheckpointError(f"{path} is a file of another program: it has no '{RECORD}' record")
    try:
        record = parse_json(text)
    except ValueError as error:
        raise CheckpointError(f"{path} is damaged: in its record, {error}") from error
    if not isinstance(record, dict) or not isinstance(record.get("model", {}), dict):
        raise CheckpointError(f"{path} is damaged: its record describes no model")
    if record.get("format") not in (1, FORMAT):
        raise CheckpointError(
            f"{path} has generator format {record.get('format')}, this version of gan-lightning reads formats 1 and "
            f"{FORMAT}"
        )
    if record["format"] == FORMAT and header.get(_DIGEST) != _digest(text, state):
        raise CheckpointError(f"{path} is damaged: its content does not match its digest")
    return record, state


class TrainedGenerator(Sampling, nn.Module):
    """A trained generator without the rest of its model: it samples as the model does, sample by sample the same.

    Args:
        model: a model whose other networks are thrown away.

    Attributes:
        generator: the network, latents ``(N, latent_dim)`` and their condition to samples ``(N, *sample_shape)``.
        prior: distribution of the latents.
        classes: number of classes a label may be one of, or None.
    """

    generator: Generator

    def __init__(self, model: AdversarialModule) -> None:
        super().__init__()
        self.generator = model.generator
        self.generator_ema = None
        self.prior = model.prior
        self.classes = model.classes
        self.statistics = model.statistics
        for name, _ in list(model.named_children()):
            setattr(model, name, None)
        self._model = (model,)  # in a tuple, so that it is not a submodule

    def load(self, state: dict[str, Tensor]) -> None:
        """Take over the tensors of ``generator_state``.

        Raises:
            RuntimeError: if they are not those of this generator.
        """
        (model,) = self._model
        own = dict(model.named_buffers(recurse=False))
        prefix = "generator."
        self.generator.load_state_dict({n.removeprefix(prefix): v for n, v in state.items() if n.startswith(prefix)})
        others = {name: value for name, value in state.items() if not name.startswith(prefix)}
        if others.keys() != own.keys() or any(own[name].shape != value.shape for name, value in others.items()):
            raise RuntimeError(f"expected the tensors {sorted(own)}, got {sorted(others)}")
        for name, value in others.items():
            own[name].copy_(value)

    def forward(self, latents: Tensor, condition: Tensor | None = None) -> Tensor:
        """Map latents float ``(N, latent_dim)``, and their condition if the model has one, to samples."""
        return self.generate(latents, condition)

    def generate(
        self,
        latents: Tensor,
        condition: Tensor | None,
        *,
        generator: Generator | None = None,
        noise: tuple[Tensor, ...] = (),
        truncation: float | None = None,
        truncation_cutoff: int | None = None,
    ) -> Tensor:
        """Run the generator as its model does."""
        network = generator or self.generator
        return self._model[0].generate(
            latents,
            condition,
            generator=network,
            noise=noise,
            truncation=truncation,
            truncation_cutoff=truncation_cutoff,
        )

    def sample_condition(self, indices: Any, *, seed: int, labels: Tensor | None) -> Tensor | None:
        """Return the condition of samples as its model does."""
        return self._model[0].sample_condition(indices, seed=seed, labels=labels)

    def sample_labels(self, indices: Any, *, seed: int) -> Tensor | None:
        """Return the classes of samples; see the model's ``sample_labels``."""
        return self._model[0].sample_labels(indices, seed=seed)

    def traversals(self, condition: Tensor, *, steps: int, extent: float) -> list[Tensor]:
        """Vary the codes as its model does."""
        return self._model[0].traversals(condition, steps=steps, extent=extent)

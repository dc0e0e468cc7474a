"""Features of any network that a config names."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor, nn

from gan_lightning.metrics.extractor import FeatureExtractor, Features, weights_hash
from gan_lightning.metrics.resize import Resize, check_resize, in_words, normalized, resized
from gan_lightning.metrics.weights_file import MissingWeights, load_tensors


class ModuleExtractor(FeatureExtractor):
    """A network of your own as a feature extractor: scores carry its ``name`` and, in their protocol, its hash.

    Args:
        module: takes float ``(N, channels, resolution, resolution)``.
        name: suffix of the scores' names.
        resolution: height and width that it takes.
        weights_path: file with its weights, safetensors or a ``state_dict`` saved by torch; None: it has them already.
        layer: dotted name of the part whose output is the features; None: the module's output is. Maps
            ``(N, D, H, W)`` are averaged over their places, token sequences and other shapes are refused.
        logits: whether the module's output are class logits, which the classifier score is taken of; needs ``layer``.
        knows_classes: whether these classes are the data's, so that counting them makes sense.
        channels: 1 or 3.
        mean: subtracted from each channel, in units of 255; one value stands for all channels.
        std: divides each channel, likewise.
        resize: how images reach ``resolution``; see ``resized``.

    Raises:
        MissingWeights: if there is no file at ``weights_path``.
        ValueError: if weights, layer or output do not fit.
    """

    def __init__(
        self,
        *,
        module: nn.Module,
        name: str,
        resolution: int,
        weights_path: str | None = None,
        layer: str | None = None,
        logits: bool = False,
        knows_classes: bool = False,
        channels: int = 3,
        mean: Sequence[float] = (0.5,),
        std: Sequence[float] = (0.5,),
        resize: Resize = "clean",
    ) -> None:
        super().__init__()
        check_resize(resize)
        if not name.isidentifier():
            raise ValueError(f"extractor.name must be letters, digits and underscores, got {name!r}")
        if channels not in (1, 3) or resolution < 1:
            raise ValueError(
                f"extractor.channels must be 1 or 3 and extractor.resolution at least 1, got {channels}, {resolution}"
            )
        for key, values in (("mean", mean), ("std", std)):
            if len(values) not in (1, channels):
                raise ValueError(f"extractor.{key} must have 1 or {channels} values, got {list(values)}")
        if (logits or knows_classes) and layer is None:
            raise ValueError("extractor.logits needs extractor.layer: without it the module's output are the features")
        if knows_classes and not logits:
            raise ValueError("extractor.knows_classes needs extractor.logits=true")
        if weights_path is not None:
            load_weights(module, weights_path)
        self.module = module
        self.name = name
        self.channels = channels
        self.resolution = resolution
        self.knows_classes = knows_classes
        self.logits = logits
        self.mean, self.std = tuple(mean), tuple(std)
        self.resize: Resize = resize
        self.preprocessing = f"{in_words(resize, resolution)}, minus {list(mean)}, over {list(std)}"
        if layer is not None:
            self.preprocessing += f", features of layer {layer}"
        self.requires_grad_(False)
        self.eval()
        self._seen: list[Tensor] = []
        if layer is not None:
            named = dict(module.named_modules())
            if layer not in named:
                raise ValueError(f"extractor.layer = {layer!r}: the module has {', '.join(filter(None, named))}")
            named[layer].register_forward_hook(self._remember)
        self.layer = layer
        pool, found = self(torch.zeros(1, channels, resolution, resolution, dtype=torch.uint8))
        self.feature_dim, self.n_classes = pool.shape[1], found.shape[1]

    @cached_property
    def weights_hash(self) -> str:
        """Sha256 over the weights and what the module says of its parts, since equal weights may act in other ways."""
        return hashlib.sha256(f"{weights_hash(self)} {self.module!r}".encode()).hexdigest()

    def _remember(self, module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        self._seen.append(output)

    def extract(self, images: Tensor) -> Features:
        """Return features and logits of uint8 ``(N, channels, H, W)``.

        Raises:
            ValueError: if features or logits are not vectors.
        """
        self._seen.clear()
        output = self.module(normalized(resized(images, self.resolution, self.resize), self.mean, self.std))
        features = output if self.layer is None else self._seen[-1]
        self._seen.clear()
        if features.ndim == 4:
            features = features.mean(dim=(2, 3))
        shapes = [tuple(part.shape[1:]) for part in (features, output if self.logits else features)]
        if any(len(shape) != 1 for shape in shapes):
            raise ValueError(f"extractor.module must give vectors (N, D) as features and logits, got {shapes}")
        return Features(features, output if self.logits else features[:, :0])


def load_weights(module: nn.Module, weights_path: str) -> None:
    """Load a ``state_dict`` from a file without running anything that it holds.

    Raises:
        MissingWeights: if there is no such file.
        ValueError: if it holds something else, or other weights.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    path = Path(os.path.expanduser(weights_path))
    if not path.is_file():
        raise MissingWeights(f"extractor.weights_path: there is no file {path}")
    try:
        state = load_file(path) if path.suffix == ".safetensors" else load_tensors(path, "a state_dict")
        module.load_state_dict(state)
    except (SafetensorError, RuntimeError, TypeError, AttributeError) as error:
        raise ValueError(f"extractor.weights_path = {path}: its weights do not fit the module: {error}") from error

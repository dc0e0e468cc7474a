"""Random weights in the formats of the published files, so that what reads those can be tested without them."""

from pathlib import Path
from unittest import mock

import torch

VGG16_SHAPES = {
    "features": (3, 64, 64, "", 128, 128, "", 256, 256, 256, "", 512, 512, 512, "", 512, 512, 512),
    "classifier": ((4096, 25088), (4096, 4096), (1000, 4096)),
}


def inception_weights():
    """Torch-fidelity's format, scaled so that different images keep different features."""
    from torch_fidelity import feature_extractor_inceptionv3 as theirs

    network = theirs.FeatureExtractorInceptionV3
    with mock.patch.object(network, "load_state_dict"), mock.patch.object(theirs, "load_state_dict_from_url"):
        state = network("inception-v3-compat", ["2048"]).state_dict()
    generator = torch.Generator().manual_seed(0)
    for name, value in state.items():
        if value.ndim == 4:
            value.normal_(std=(2 / value[0].numel()) ** 0.5, generator=generator)
        elif name == "fc.weight":
            value.normal_(std=0.2, generator=generator)
    return state


def vgg16_weights():
    """torchvision's format in a small file: the large matrices are windows that slide over a few random numbers."""
    generator = torch.Generator().manual_seed(0)
    state, index, channels = {}, 0, 3
    for width in VGG16_SHAPES["features"][1:]:
        if width == "":
            index += 1
            continue
        scale = (2 / (9 * channels)) ** 0.5
        state[f"features.{index}.weight"] = scale * torch.randn(width, channels, 3, 3, generator=generator)
        state[f"features.{index}.bias"] = torch.zeros(width)
        index, channels = index + 2, width
    for index, (rows, columns) in zip((0, 3, 6), VGG16_SHAPES["classifier"], strict=True):
        numbers = (2 / columns) ** 0.5 * torch.randn(rows + columns, generator=generator)
        state[f"classifier.{index}.weight"] = numbers.as_strided((rows, columns), (1, 1))
        state[f"classifier.{index}.bias"] = torch.zeros(rows)
    return state


def clip_archive(path: Path):
    """OpenAI's format, a TorchScript archive, of a tower with two narrow layers on images of 32x32."""
    from torch_fidelity.feature_extractor_clip import CLIPVisual

    torch.manual_seed(0)
    net = CLIPVisual(embed_dim=24, image_resolution=32, vision_layers=2, vision_width=64, vision_patch_size=8)
    net.text_projection = torch.nn.Parameter(torch.randn(8, 24))
    net.forward = lambda images: net.visual(images)
    traced = torch.jit.trace_module(net, {"forward": torch.zeros(1, 3, 32, 32)}, check_trace=False)
    traced.save(str(path))


DINOV2_CODE = '''
"""Stands in for Meta's repository: a network of their interface, and their way to its weights."""
import torch

dependencies = ["torch"]


def dinov2_vits14(*, pretrained=True, **kwargs):
    net = torch.nn.Sequential(torch.nn.Conv2d(3, 12, 14, stride=14), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
    url = "https://dl.fbaipublicfiles.com/dinov2/dinov2_vits14/dinov2_vits14_pretrain.pth"
    net.load_state_dict(torch.hub.load_state_dict_from_url(url, map_location="cpu"))
    return net
'''


def dinov2_hub(folder: Path):
    """Lay out the folder ``hub`` of a cache as torch.hub does."""
    (folder / "facebookresearch_dinov2_main").mkdir(parents=True)
    (folder / "facebookresearch_dinov2_main" / "hubconf.py").write_text(DINOV2_CODE)
    (folder / "checkpoints").mkdir()
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Conv2d(3, 12, 14, stride=14))
    torch.save(net.state_dict(), folder / "checkpoints" / "dinov2_vits14_pretrain.pth")


def pictures(n, seed, channels=3):
    """Blobs of varying brightness and contrast, uint8."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(n, channels, 5, 5, generator=generator) * torch.rand(n, 1, 1, 1, generator=generator) * 90
    coarse = noise + 40 + 40 * seed + 60 * torch.rand(n, channels, 1, 1, generator=generator)
    return torch.nn.functional.interpolate(coarse, size=(20, 20), mode="bicubic").clamp(0, 255).to(torch.uint8)


def without_initial_weights(monkeypatch):
    """Spare VGG16 the drawing of 138 million numbers that are replaced at once."""
    for name in ("kaiming_uniform_", "kaiming_normal_", "uniform_", "normal_"):
        monkeypatch.setattr(torch.nn.init, name, lambda tensor, *args, **options: tensor)

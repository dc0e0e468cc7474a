"""Where the weights of published networks are, so that they can be fetched beforehand."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class KnownWeights:
    """A published file of weights.

    Attributes:
        title: title of the network, for messages.
        url: where it is published.
        sha256: its sha256, or the first digits of it.
    """

    title: str
    url: str
    sha256: str

    @property
    def file_name(self) -> str:
        """Name of the file in the cache folder."""
        return self.url.rsplit("/", 1)[-1]


_FIDELITY = "https://github.com/toshas/torch-fidelity/releases/download/v0.2.0"
_TORCHVISION = "https://download.pytorch.org/models"
_CLIP = "https://openaipublic.azureedge.net/clip/models"
_TIMM = "https://github.com/huggingface/pytorch-image-models/releases/download/v0.1-weights"
_DINOV2 = "https://dl.fbaipublicfiles.com/dinov2"

INCEPTION = KnownWeights("Inception-v3", f"{_FIDELITY}/weights-inception-2015-12-05-6726825d.pth", "6726825d")
"""The network that FID, KID and IS are defined on, in torch-fidelity's format."""

BACKBONES = {
    "vgg": KnownWeights("VGG16", f"{_TORCHVISION}/vgg16-397923af.pth", "397923af"),
    "alex": KnownWeights("AlexNet", f"{_TORCHVISION}/alexnet-owt-7be5be79.pth", "7be5be79"),
    "squeeze": KnownWeights("SqueezeNet 1.1", f"{_TORCHVISION}/squeezenet1_1-b8a52dc0.pth", "b8a52dc0"),
}
"""The ImageNet networks beneath LPIPS, in torchvision's format."""

CLIP = {
    name: KnownWeights(f"CLIP {file}", f"{_CLIP}/{digest}/{file}.pt", digest)
    for name, file, digest in (
        ("vit-b-32", "ViT-B-32", "40d365715913c9da98579312b702a82c18be219cc2a73407c4526f58eba950af"),
        ("vit-b-16", "ViT-B-16", "5806e77cd80f8b59890b7e101eabd078d9fb84e6937f9e85e4ecb61988df416f"),
        ("vit-l-14", "ViT-L-14", "b8cca3fd41ae0c99ba7e8951adf17d267cdb84cd88be6f7c2e0eca1737a03836"),
    )
}
"""The image towers of CLIP, as OpenAI's TorchScript archives."""

EFFICIENTNET_LITE0 = KnownWeights("EfficientNet-Lite0", f"{_TIMM}/tf_efficientnet_lite0-0aa007d2.pth", "0aa007d2")
"""The ImageNet network that Projected GAN looks at images with, in timm's format."""

DINOV2 = {
    f"vit-{size}-14": KnownWeights(
        f"DINOv2 ViT-{size.upper()}/14", f"{_DINOV2}/dinov2_vit{size}14/dinov2_vit{size}14_pretrain.pth", ""
    )
    for size in ("s", "b", "l", "g")
}
"""DINOv2 without registers; Meta publishes no checksums."""

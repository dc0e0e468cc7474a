"""LPIPS and what is taken of it, against torch-fidelity on random weights in the formats of the published files."""

import urllib.error
import urllib.request
from unittest import mock

import numpy as np
import pytest
import torch

from gan_lightning.metrics import LPIPS, MissingWeights
from gan_lightning.metrics import lpips as module
from gan_lightning.metrics.base import GeneratorSampler
from gan_lightning.metrics.perceptual import lpips_diversity, path_distances, path_length
from gan_lightning.metrics.weights_file import hub_files
from gan_lightning.metrics.world import World

from .random_weights import pictures, vgg16_weights, without_initial_weights


@pytest.fixture(autouse=True)
def _small_passes(monkeypatch):
    monkeypatch.setattr(module, "FORWARD_IMAGES", 4)


@pytest.fixture(scope="module")
def squeeze(tmp_path_factory):
    from torchvision.models import squeezenet1_1

    path = tmp_path_factory.mktemp("weights") / "squeeze.pth"
    torch.manual_seed(0)
    torch.save(squeezenet1_1(weights=None).state_dict(), path)
    return str(path)


def test_distance_is_that_of_torchmetrics_and_of_the_file(squeeze):
    from torchmetrics.functional.image.lpips import _LPIPS

    theirs = _LPIPS(pretrained=True, net="squeeze", pnet_rand=True, resize=32)
    features = {f"features.{name}": value for name, value in _features(theirs).items()}
    stored = torch.load(squeeze, weights_only=True)
    for name, value in features.items():
        value.copy_(stored[name])
    lpips = LPIPS(net="squeeze", weights_path=squeeze, resize=32)
    first, second = (pictures(5, seed=s).float() / 127.5 - 1 for s in (1, 2))
    torch.testing.assert_close(lpips(first, second), theirs(first, second).flatten(), rtol=1e-5, atol=1e-7)
    assert lpips(first, first).tolist() == [0] * 5
    # an image's distance does not depend on the others, to the bit
    assert torch.equal(
        torch.cat([lpips(a, b) for a, b in zip(first.split(2), second.split(2), strict=True)]), lpips(first, second)
    )
    gray = first[:, :1]
    assert torch.equal(lpips(gray, second[:, :1]), lpips(gray.repeat(1, 3, 1, 1), second[:, :1].repeat(1, 3, 1, 1)))


def _features(network):
    """Parameters of the backbone by their names in torchvision."""
    found = {}
    for name, value in network.net.named_parameters():
        _, _, index, *rest = name.split(".")
        found[".".join([index, *rest])] = value
    return found


def test_larger_images_are_averaged_down(squeeze):
    lpips = LPIPS(net="squeeze", weights_path=squeeze)
    generator = torch.Generator().manual_seed(0)
    first, second = (torch.rand(2, 3, 192, 192, generator=generator) * 2 - 1 for _ in range(2))
    # each pixel is the mean of 3x3, of which other ways of downsizing see the middle one
    means = [side.view(2, 3, 64, 3, 64, 3).mean(dim=(3, 5)) for side in (first, second)]
    middles = [side[:, :, 1::3, 1::3] for side in (first, second)]
    found = lpips(first, second)
    torch.testing.assert_close(found, lpips(*means), rtol=1e-4, atol=1e-6)
    assert not torch.allclose(found, lpips(*middles), rtol=0.1)


def test_path_length_is_a_mean_without_the_lowest_and_the_highest_percent():
    distances = torch.arange(401.0)  # percentiles 1 and 99 are 4 and 396
    distances[397:] = 1e6
    distances = distances[torch.randperm(401, generator=torch.Generator().manual_seed(0))]
    estimate = path_length(distances, epsilon=0.5)
    std = 4 * ((393**2 - 1) / 12) ** 0.5  # of 393 consecutive integers
    assert estimate.mean == pytest.approx(4 * 200)
    assert estimate.std == pytest.approx(std)
    assert estimate.stderr == pytest.approx(std / 393**0.5)


def test_weights_are_identified(squeeze, tmp_path):
    changed = torch.load(squeeze, weights_only=True)
    changed["features.0.bias"] += 1
    torch.save(changed, tmp_path / "changed.pth")
    hashes = [LPIPS(net="squeeze", weights_path=path).weights_hash for path in (squeeze, str(tmp_path / "changed.pth"))]
    assert hashes[0] != hashes[1]


def test_missing_or_wrong_weights_are_named(squeeze, tmp_path, monkeypatch):
    monkeypatch.setattr(urllib.request, "urlopen", mock.Mock(side_effect=urllib.error.URLError("no network")))
    with pytest.raises(MissingWeights, match=r"vgg16-397923af\.pth"):
        LPIPS(cache_dir=str(tmp_path))
    with pytest.raises(ValueError, match="does not hold the weights of AlexNet"):
        LPIPS(net="alex", weights_path=squeeze)
    with pytest.raises(ValueError, match=r"similarity\.net must be one of vgg, alex, squeeze"):
        LPIPS(net="resnet")
    with pytest.raises(ValueError, match=r"similarity\.resize"):
        LPIPS(net="squeeze", weights_path=squeeze, resize=0)


class Latents(GeneratorSampler):
    """A generator of torch-fidelity's kind, walked along the latents that torch-fidelity draws."""

    def __init__(self, network, total):
        from torch_fidelity.utils import sample_random

        random = np.random.RandomState(2020)
        self.network = network
        self.start, self.end = (sample_random(random, (total, 6), "normal") for _ in range(2))

    def __call__(self, indices):
        raise AssertionError("only the path is asked for")

    def path(self, indices, *, epsilon):
        start, end = self.start[indices], self.end[indices]
        return tuple(self.network(z) / 127.5 - 1 for z in (start, start + (end - start) * epsilon))


class Network(torch.nn.Module):
    """Latents to RGB images in [0, 255], as torch-fidelity wants them."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.linear = torch.nn.Linear(6, 3 * 8 * 8)

    def forward(self, z):
        return (self.linear(z).tanh() + 1).mul(127.5).view(-1, 3, 8, 8)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_path_length_agrees_with_torch_fidelity(tmp_path, monkeypatch):
    from torch_fidelity import GenerativeModelModuleWrapper, calculate_metrics
    from torchmetrics.functional.image import lpips as theirs

    total, epsilon = 12, 1e-2
    percentile = np.percentile  # numpy renamed an argument that torch-fidelity uses
    monkeypatch.setattr(
        np,
        "percentile",
        lambda a, q, interpolation=None, **k: percentile(
            a, q, **({"method": interpolation} | k) if interpolation else k
        ),
    )
    network = Network()
    without_initial_weights(monkeypatch)
    torch.save(vgg16_weights(), tmp_path / "vgg16.pth")
    heads = f"{theirs.__file__.rsplit('/', 1)[0]}/lpips_models/vgg.pth"
    torch.save(torch.load(heads, map_location="cpu", weights_only=True), tmp_path / "heads.pth")
    files = {"vgg16-397923af.pth": tmp_path / "vgg16.pth", "weights-vgg16-lpips.pth": tmp_path / "heads.pth"}
    with hub_files(files):
        expected = calculate_metrics(
            input1=GenerativeModelModuleWrapper(network, 6, "normal", 0),
            input1_model_num_samples=total,
            batch_size=4,
            cuda=False,
            ppl=True,
            ppl_epsilon=epsilon,
            ppl_sample_similarity_dtype="float32",
            ppl_sample_similarity_resize=32,
            verbose=False,
        )
    lpips = LPIPS(weights_path=str(tmp_path / "vgg16.pth"), resize=32)
    device = torch.device("cpu")
    with torch.no_grad():
        distances = path_distances(
            Latents(network, total), lpips, total=total, epsilon=epsilon, device=device, world=World.current(device)
        )
    estimate = path_length(distances, epsilon=epsilon)
    assert estimate.mean == pytest.approx(expected["perceptual_path_length_mean"], rel=1e-4)
    assert estimate.std == pytest.approx(expected["perceptual_path_length_std"], rel=1e-4)
    assert estimate.mean > 1e-3


@pytest.mark.parametrize("count", [5, 65, 64])
def test_diversity_leaves_out_an_image_without_a_partner(count):
    def distance(first, second):
        return (first - second).abs().mean(dim=(1, 2, 3))

    images = pictures(count, seed=3)
    pairs = [
        (a.double() / 127.5 - b.double() / 127.5).abs().mean().item()
        for a, b in zip(images[0 : count - 1 : 2], images[1::2], strict=True)
    ]
    assert len(pairs) == count // 2
    found = lpips_diversity(images, distance, device=torch.device("cpu"))
    assert found.mean == pytest.approx(np.mean(pairs), rel=1e-5)

"""The networks of torch-fidelity, with random weights in the formats of the published files."""

import urllib.error
import urllib.request
from unittest import mock

import pytest
import torch

from gan_lightning.metrics import CLIPExtractor, DINOv2Extractor, MissingWeights, VGG16Extractor
from gan_lightning.metrics import extractor as module

from .random_weights import clip_archive, dinov2_hub, pictures, vgg16_weights, without_initial_weights


@pytest.fixture(autouse=True)
def _small_passes(monkeypatch):
    monkeypatch.setattr(module, "FORWARD_IMAGES", 2)


@pytest.fixture
def no_network(monkeypatch):
    monkeypatch.setattr(urllib.request, "urlopen", mock.Mock(side_effect=urllib.error.URLError("no network")))
    monkeypatch.setattr(torch.hub, "urlopen", mock.Mock(side_effect=urllib.error.URLError("no network")))


def test_clip_has_the_features_of_torch_fidelity(tmp_path):
    from torch_fidelity.feature_extractor_clip import FeatureExtractorCLIP

    clip_archive(tmp_path / "clip.pt")
    extractor = CLIPExtractor(weights_path=str(tmp_path / "clip.pt"))
    theirs = FeatureExtractorCLIP("clip-vit-b-32", ["clip"], feature_extractor_weights_path=str(tmp_path / "clip.pt"))
    images = pictures(2, seed=1)
    torch.testing.assert_close(extractor(images).pool, theirs(images)[0], rtol=1e-5, atol=1e-6)
    assert (extractor.name, extractor.feature_dim, extractor.n_classes, extractor.side) == ("clip_vitb32", 24, 0, 32)
    clean = CLIPExtractor(weights_path=str(tmp_path / "clip.pt"), resize="clean")
    assert clean.weights_hash == extractor.weights_hash
    assert not torch.allclose(clean(images).pool, extractor(images).pool, rtol=1e-3)


def test_dinov2_is_found_in_the_cache_folder_without_a_network(tmp_path, no_network):
    dinov2_hub(tmp_path / "hub")
    former = torch.hub.get_dir()
    extractor = DINOv2Extractor(variant="vit-s-14", cache_dir=str(tmp_path))
    assert torch.hub.get_dir() == former
    assert (extractor.name, extractor.feature_dim) == ("dinov2_vits14", 12)
    images = pictures(3, seed=1)
    assert extractor(images).pool.shape == (3, 12)
    assert extractor(images).logits.shape == (3, 0)
    assert not torch.allclose(extractor(images).pool[0], extractor(images).pool[1], rtol=1e-3)


@pytest.mark.slow
def test_vgg16_has_the_features_of_torch_fidelity(tmp_path, monkeypatch):
    from torch_fidelity.feature_extractor_vgg16 import FeatureExtractorVGG16

    without_initial_weights(monkeypatch)
    torch.save(vgg16_weights(), tmp_path / "vgg16.pth")
    extractor = VGG16Extractor(weights_path=str(tmp_path / "vgg16.pth"))
    theirs = FeatureExtractorVGG16("vgg16", ["fc2_relu"], feature_extractor_weights_path=str(tmp_path / "vgg16.pth"))
    images = pictures(2, seed=1)
    found = extractor(images).pool
    torch.testing.assert_close(found, theirs(images)[0], rtol=1e-4, atol=1e-5)
    assert found.shape == (2, 4096)
    assert found.std() > 0.01


@pytest.mark.parametrize("extractor", [VGG16Extractor, CLIPExtractor, DINOv2Extractor])
def test_missing_weights_are_named_with_where_they_belong(extractor, tmp_path, no_network):
    with pytest.raises(MissingWeights) as caught:
        extractor(cache_dir=str(tmp_path))
    message = str(caught.value)
    assert "gan-prefetch" in message
    assert str(tmp_path) in message
    assert "https://" in message


@pytest.mark.parametrize("extractor", [VGG16Extractor, CLIPExtractor])
def test_a_file_of_something_else_is_refused(extractor, tmp_path):
    torch.save(torch.nn.Linear(2, 2).state_dict(), tmp_path / "file.pt")
    with pytest.raises(ValueError, match="does not hold"):
        extractor(weights_path=str(tmp_path / "file.pt"))
    (tmp_path / "file.pt").write_text("hello")
    with pytest.raises(ValueError, match="does not hold"):
        extractor(weights_path=str(tmp_path / "file.pt"))


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match=r"extractor\.variant must be one of vit-b-32.*'huge'"):
        CLIPExtractor(variant="huge")
    with pytest.raises(ValueError, match=r"extractor\.variant must be one of vit-s-14.*'huge'"):
        DINOv2Extractor(variant="huge")
    with pytest.raises(ValueError, match=r"extractor\.resize"):
        VGG16Extractor(resize="huge")

import urllib.error
import urllib.request
from unittest import mock

import pytest
import torch

from gan_lightning.metrics import InceptionExtractor, MissingWeights
from gan_lightning.metrics import extractor as module

from .random_weights import inception_weights, pictures


@pytest.fixture(autouse=True)
def _small_passes(monkeypatch):
    monkeypatch.setattr(module, "FORWARD_IMAGES", 2)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "inception.pth"
    torch.save(inception_weights(), path)
    return str(path)


@pytest.fixture(scope="module")
def extractor(weights):
    return InceptionExtractor(weights_path=weights)


def test_features_are_those_of_torch_fidelity_and_the_same_to_the_bit_in_any_batch(weights, extractor):
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    theirs = FeatureExtractorInceptionV3(
        "inception-v3-compat", ["2048", "logits_unbiased"], feature_extractor_weights_path=weights
    )
    images = pictures(2, seed=1)
    found = extractor(images)
    for mine, their in zip(found, theirs(images), strict=True):
        torch.testing.assert_close(mine, their, rtol=1e-5, atol=1e-6)
    assert found.pool.std() > 1e-3
    assert torch.equal(extractor(images[1:]).pool, found.pool[1:])


def test_gray_images_are_repeated_to_rgb(extractor):
    gray = pictures(1, seed=1, channels=1)
    assert torch.equal(extractor(gray).pool, extractor(gray.repeat(1, 3, 1, 1)).pool)


def test_resizing_is_part_of_the_protocol(weights, extractor):
    other = InceptionExtractor(weights_path=weights, resize="clean")
    assert extractor.preprocessing != other.preprocessing
    image = pictures(1, seed=1)
    assert not torch.allclose(extractor(image).pool, other(image).pool, rtol=1e-3)
    assert extractor.weights_hash == other.weights_hash
    with pytest.raises(ValueError, match="resize"):
        InceptionExtractor(weights_path=weights, resize="bilinear")


def test_weights_in_the_cache_folder_are_found(weights, extractor, tmp_path, monkeypatch):
    from torch_fidelity.feature_extractor_inceptionv3 import URL_INCEPTION_V3

    target = tmp_path / URL_INCEPTION_V3.rsplit("/", 1)[-1]
    target.symlink_to(weights)
    monkeypatch.setattr(urllib.request, "urlopen", mock.Mock(side_effect=AssertionError("no download needed")))
    monkeypatch.setenv("GAN_LIGHTNING_CACHE", str(tmp_path))
    assert InceptionExtractor().weights_hash == extractor.weights_hash


def test_missing_weights_fail_when_the_extractor_is_built(tmp_path, monkeypatch):
    from torch_fidelity.feature_extractor_inceptionv3 import URL_INCEPTION_V3

    failure = urllib.error.URLError("no network")
    monkeypatch.setattr(urllib.request, "urlopen", mock.Mock(side_effect=failure))
    with pytest.raises(MissingWeights) as caught:
        InceptionExtractor(cache_dir=str(tmp_path))
    message = str(caught.value)
    assert URL_INCEPTION_V3 in message
    assert str(tmp_path / "weights-inception-2015-12-05-6726825d.pth") in message
    assert "weights_path" in message
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(MissingWeights, match="weights_path: no file"):
        InceptionExtractor(weights_path=str(tmp_path / "none.pth"))


def test_a_corrupt_download_is_not_kept(tmp_path, monkeypatch):
    import io

    monkeypatch.setattr(urllib.request, "urlopen", lambda *args, **kwargs: io.BytesIO(b"an error page"))
    with pytest.raises(MissingWeights, match="sha256"):
        InceptionExtractor(cache_dir=str(tmp_path))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", ["pickle", "other network", "text"])
def test_a_file_with_something_else_is_refused_and_not_executed(tmp_path, content):
    path = tmp_path / "weights.pth"
    if content == "pickle":
        torch.save({"a": mock.sentinel.something}, path)
    elif content == "other network":
        torch.save(torch.nn.Linear(2, 2).state_dict(), path)
    else:
        path.write_text("hello")
    with pytest.raises(ValueError, match="does not hold"):
        InceptionExtractor(weights_path=str(path))

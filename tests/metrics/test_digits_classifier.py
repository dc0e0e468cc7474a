import pytest
import torch

from gan_lightning.data.digits import load_digits
from gan_lightning.metrics.digits_classifier import WEIGHTS, DigitsExtractor
from gan_lightning.metrics.train_digits import main


@pytest.fixture(scope="module")
def extractor():
    return DigitsExtractor()


@pytest.fixture(scope="module")
def held_out():
    return load_digits(split="heldout", resolution=16)


def accuracy(extractor, images, labels):
    return (extractor(images).logits.argmax(1) == labels).double().mean().item()


def test_shipped_weights_recognize_the_held_out_images(extractor, held_out):
    assert accuracy(extractor, *held_out) >= 0.98
    assert WEIGHTS.stat().st_size <= 400_000


@pytest.mark.parametrize("resolution", [8, 28, 32])
def test_other_resolutions_are_resized(extractor, resolution):
    assert accuracy(extractor, *load_digits(split="heldout", resolution=resolution)) >= 0.95


def test_rgb_copies_of_gray_images_give_the_same_features(extractor, held_out):
    gray = held_out.images[:32]
    torch.testing.assert_close(extractor(gray.expand(-1, 3, -1, -1)).pool, extractor(gray).pool)


def test_features_do_not_depend_on_how_images_are_batched(extractor, held_out):
    images = held_out.images[:60]
    whole = extractor(images)
    parts = torch.cat([extractor(part).pool for part in images.split(7)])
    assert (whole.pool - parts).abs().max() <= 1e-6
    assert whole.pool.shape == (60, 64)
    assert whole.pool.dtype == whole.logits.dtype == torch.float32


def test_autocast_and_train_mode_change_nothing(extractor, held_out):
    images = held_out.images[:8]
    expected = extractor(images)
    extractor.train()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        got = extractor(images)
    assert not extractor.training
    assert torch.equal(got.pool, expected.pool)
    assert torch.equal(got.logits, expected.logits)


def test_weights_hash_follows_the_weights(extractor):
    before = DigitsExtractor()
    before.net.head.bias[0] += 1
    assert before.weights_hash != extractor.weights_hash
    assert DigitsExtractor().weights_hash == extractor.weights_hash


def test_hash_does_not_depend_on_whether_images_were_seen(extractor, held_out):
    used = DigitsExtractor()
    used(held_out.images[:2])
    assert used.weights_hash == DigitsExtractor().weights_hash


def test_training_twice_writes_identical_files(tmp_path):
    for name in ("a", "b"):
        torch.rand(1)  # the global generator must not matter
        main([str(tmp_path / name), "--steps", "3"])
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_missing_weights_are_named(tmp_path):
    with pytest.raises(ValueError, match="weights_path"):
        DigitsExtractor(weights_path=str(tmp_path / "none.safetensors"))


def test_float_images_are_refused(extractor):
    with pytest.raises(ValueError, match="uint8"):
        extractor(torch.zeros(1, 1, 16, 16))

import pytest
import torch

from gan_lightning.data.images import TensorImages


def make(n=10):
    return torch.arange(n * 4, dtype=torch.uint8).view(n, 1, 2, 2)


@pytest.mark.parametrize("world_size", [1, 2, 3, 16])
@pytest.mark.parametrize("batch_size", [1, 3, 100])
def test_ranks_get_disjoint_shards_that_cover_everything_once(world_size, batch_size):
    images = TensorImages(images=make(), name="toy", split="train")
    for rank in range(world_size):
        batches = list(images.batches(batch_size, rank=rank, world_size=world_size))
        assert all(1 <= len(b) <= batch_size for b in batches)
        got = torch.cat(batches) if batches else make(0)
        assert torch.equal(got, make()[rank::world_size])


def test_fingerprint_follows_content_and_shape():
    base = TensorImages(images=make(), name="toy", split="train").fingerprint
    changed = make()
    changed[3, 0, 1, 1] += 1
    assert TensorImages(images=make(), name="other", split="held").fingerprint == base
    assert TensorImages(images=changed, name="toy", split="train").fingerprint != base
    assert TensorImages(images=make().view(10, 4, 1, 1), name="toy", split="train").fingerprint != base


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="uint8"):
        TensorImages(images=make().float(), name="toy", split="train")
    with pytest.raises(ValueError, match="labels"):
        TensorImages(images=make(), name="toy", split="train", labels=torch.zeros(3, dtype=torch.long))
    images = TensorImages(images=make(), name="toy", split="train")
    with pytest.raises(ValueError, match="rank"):
        next(images.batches(2, rank=2, world_size=2))
    with pytest.raises(ValueError, match="batch_size"):
        next(images.batches(0))

import pytest
import torch

from gan_lightning.data import Batch, as_batch

IMAGES = torch.arange(6.0).view(6, 1, 1, 1).expand(6, 3, 4, 4)
LABELS = torch.arange(6)
SOURCE = -IMAGES


@pytest.mark.parametrize(
    ("value", "labels", "source"),
    [
        (Batch(IMAGES, LABELS, SOURCE), LABELS, SOURCE),
        (IMAGES, None, None),
        ((IMAGES,), None, None),
        ([IMAGES], None, None),
        ((IMAGES, LABELS), LABELS, None),
        ([IMAGES, LABELS], LABELS, None),
        ([IMAGES, LABELS.int()], LABELS, None),
        ({"images": IMAGES}, None, None),
        ({"images": IMAGES, "labels": LABELS.int()}, LABELS, None),
        ({"images": IMAGES, "labels": None, "source": SOURCE}, None, SOURCE),
    ],
)
def test_the_documented_forms_become_a_batch(value, labels, source):
    batch = as_batch(value)
    assert batch.images is IMAGES
    for ours, given in ((batch.labels, labels), (batch.source, source)):
        assert (ours is None) == (given is None)
        assert given is None or torch.equal(ours, given)
    assert batch.labels is None or batch.labels.dtype == torch.int64


@pytest.mark.parametrize(
    "value",
    [
        None,
        "images",
        (),
        (IMAGES, LABELS, SOURCE),
        (IMAGES, LABELS.float()),
        (IMAGES, torch.eye(6).long()),
        (IMAGES, ["a", "b"]),
        ("a", LABELS),
        {"labels": LABELS},
        {"images": IMAGES, "mask": IMAGES},
        {"images": [1.0, 2.0]},
        {"images": IMAGES, "labels": LABELS.float()},
    ],
)
def test_anything_else_is_refused(value):
    with pytest.raises(ValueError, match=f"a batch must be .*got {type(value).__name__}"):
        as_batch(value)


def test_chunks_keep_the_order_and_all_fields():
    parts = Batch(IMAGES, LABELS, SOURCE).chunk(3)
    assert [len(part) for part in parts] == [2, 2, 2]
    for field in range(3):
        joined = torch.cat([part.tensors()[field] for part in parts])
        assert torch.equal(joined, (IMAGES, LABELS, SOURCE)[field])
    assert [part.tensors()[1:] for part in Batch(IMAGES).chunk(2)] == [(None, None)] * 2


def test_one_chunk_is_the_batch_itself():
    batch = Batch(IMAGES)
    assert batch.chunk(1) == [batch]


@pytest.mark.parametrize("parts", [4, 5, 12])
def test_unequal_chunks_are_refused(parts):
    with pytest.raises(ValueError, match=f"a batch of 6 does not divide into {parts} micro-batches"):
        Batch(IMAGES).chunk(parts)


def test_to_moves_every_tensor():
    moved = Batch(IMAGES, LABELS, SOURCE).to("meta", non_blocking=True)
    assert [t.device.type for t in moved.tensors()] == ["meta"] * 3
    assert Batch(IMAGES).to("meta").tensors()[1:] == (None, None)

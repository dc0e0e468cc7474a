import pytest
import torch

from gan_lightning.data import Batch, as_batch
from gan_lightning.data.batch import TOLERANCE, check_batch

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


SHAPE = (3, 4, 4)
NOISE = torch.rand(6, *SHAPE, generator=torch.Generator().manual_seed(0)) * 2 - 1
NOISE[0, 0, 0, :2] = torch.tensor([-1.0, 1.0])


def test_a_good_first_batch_passes_without_a_word(caplog):
    check_batch(Batch(NOISE, LABELS, NOISE[:, :1]), shape=SHAPE, classes=6)
    check_batch(Batch(NOISE * (1 + TOLERANCE / 2), LABELS), shape=SHAPE)
    check_batch(Batch(9 * NOISE[:, :2, 0, 0]), shape=(2,))  # points have no range
    check_batch(Batch(NOISE.double()), shape=SHAPE, dtype=torch.float64)
    assert not caplog.records


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        (Batch((127 * (NOISE + 1)).byte()), "images must be torch.float32, got torch.uint8; .*to_unit_range maps"),
        (Batch(NOISE.double()), "images must be torch.float32, got torch.float64$"),
        (Batch(NOISE[:0]), "images has no samples"),
        (Batch(NOISE.where(NOISE < 0.9, float("nan"))), "images has values that are not finite"),
        (Batch(NOISE.where(NOISE < 0.9, float("inf"))), "images has values that are not finite"),
        (Batch(127 * (NOISE + 1)), r"images must lie in \[-1, 1\], got 0 to 254"),
        (Batch(NOISE * (1 + 3 * TOLERANCE)), r"images must lie in \[-1, 1\]"),
        (Batch(NOISE.permute(0, 2, 3, 1)), r"must have shape \(3, 4, 4\), .*got \(4, 4, 3\)"),
        (Batch(NOISE, LABELS[:5]), "it has 6 images, but 5 labels"),
        (Batch(NOISE, LABELS + 1), r"labels must lie in 0\.\.5, got 1 to 6"),
        (Batch(NOISE, LABELS - 1), r"labels must lie in 0\.\.5, got -1 to 4"),
        (Batch(NOISE, LABELS, NOISE + 1), r"source must lie in \[-1, 1\]"),
        (Batch(NOISE, LABELS, NOISE[:3]), "source must have one sample for each"),
    ],
)
def test_a_bad_first_batch_is_refused_in_one_sentence(batch, message):
    with pytest.raises(ValueError, match=f"^the first batch: .*{message}") as caught:
        check_batch(batch, shape=SHAPE, classes=6)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("first", [True, False])
def test_pixels_between_0_and_1_are_warned_of_once(caplog, first):
    check_batch(Batch((NOISE + 1) / 2), shape=SHAPE, first=first)
    assert ("the first batch: images lies in [0, 1]; if pixels" in caplog.text) is first


def test_the_numbers_of_a_later_batch_are_not_waited_for():
    batch = Batch(torch.empty(6, *SHAPE, device="meta"), torch.empty(6, dtype=torch.int64, device="meta"))
    check_batch(batch, shape=SHAPE, classes=6, first=False)  # to read a number of this device raises
    with pytest.raises(ValueError, match="a later batch: its samples must have shape"):
        check_batch(batch, shape=(1, 4, 4), first=False)

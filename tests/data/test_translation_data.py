"""Pairs and unpaired domains from files, from other data sets, and from the embedded photographs."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from PIL import Image

from gan_lightning.data import (
    DataError,
    DerivedPairsDataModule,
    DigitsDataModule,
    DomainsDataModule,
    FolderDataModule,
    Loading,
    PhotosDataModule,
    TranslationFolderDataModule,
)
from gan_lightning.data.derived import edges, grey
from gan_lightning.data.photos import load_photo, patches, stretches
from tests.data.pictures import encoded, noise, write, write_zip


def pairs(count, *, size=(20, 20), folders=("trainA", "trainB")):
    """B is A turned into its negative, so that partners can be recognized."""
    contents = {}
    for number in range(count):
        image = noise(number, size)
        negative = Image.fromarray(255 - np.asarray(image))
        contents |= {f"{folders[0]}/{number}.png": encoded(image), f"{folders[1]}/{number}.png": encoded(negative)}
    return contents


def side_by_side(count, *, size=(20, 20)):
    contents = {}
    for number in range(count):
        image = np.asarray(noise(number, size))
        contents[f"train/{number}.png"] = encoded(Image.fromarray(np.concatenate([image, 255 - image], axis=1)))
    return contents


def module(path, tmp_path, **options):
    given = {"paired": True, "resolution": 16, "batch_size": 4, "fit": "stretch", "filter": "box", **options}
    return TranslationFolderDataModule(path=str(path), loading=Loading(cache_dir=str(tmp_path / "cache")), **given)


def batches(data, count):
    return list(itertools.islice(iter(data.train_dataloader()), count))


@pytest.mark.parametrize("make", [pairs, side_by_side])
@pytest.mark.parametrize("direction", ["AtoB", "BtoA"])
def test_partners_stay_together_through_resize_window_and_flip(tmp_path, make, direction):
    write(tmp_path / "set", make(6))
    data = module(tmp_path / "set", tmp_path, crop_from=20, flip=True, direction=direction)
    seen = batches(data, 6)
    for batch in seen:
        assert batch.images.shape == batch.source.shape == (4, 3, 16, 16)
        torch.testing.assert_close(batch.source, -batch.images)
    assert len({batch.images.sum().item() for batch in seen}) == 6  # windows and flips differ
    first = np.asarray(noise(0, (20, 20))).astype(int)
    source = data.domain(direction[0], "train")
    expected = first if direction == "AtoB" else 255 - first
    assert np.array_equal(np.asarray(source.open(0)), expected)


def test_evaluation_sees_whole_images_in_order_and_no_flip(tmp_path):
    write(tmp_path / "set", pairs(3) | pairs(2, folders=("testA", "testB")))
    data = module(tmp_path / "set", tmp_path, resolution=20, crop_from=24, flip=True)
    assert data.heldout_split == "test"
    assert data.images_per_epoch == 3
    real = data.evaluation_images("test")
    assert len(real) == 2
    assert real.paired
    expected = np.stack([np.asarray(noise(number, (20, 20))).transpose(2, 0, 1) for number in (0, 1)])
    assert np.array_equal(real.sources.take([0, 1]), expected)
    assert np.array_equal(torch.cat(list(real.batches(1))), 255 - expected)
    assert np.array_equal(real.reversed.take([1]), expected[1:])


def test_a_zip_archive_and_streaming_give_the_same_batches_as_a_folder_in_memory(tmp_path):
    contents = pairs(6)
    write(tmp_path / "set", contents)
    write_zip(tmp_path / "set.zip", contents)
    options = {"paired": True, "resolution": 16, "batch_size": 4, "crop_from": 20, "flip": True}
    found = []
    for path, fraction in (("set", 0.5), ("set.zip", 0.5), ("set", 0.0)):
        loading = Loading(cache_dir=str(tmp_path / "cache"), memory_fraction=fraction, workers=0)
        data = TranslationFolderDataModule(path=str(tmp_path / path), loading=loading, **options)
        assert data.images_per_epoch == 6
        found.append(batches(data, 3))
    for other in found[1:]:
        for mine, theirs in zip(found[0], other, strict=True):
            assert torch.equal(mine.images, theirs.images)
            assert torch.equal(mine.source, theirs.source)


def test_unpaired_domains_are_shuffled_apart_and_may_differ_in_number(tmp_path):
    contents = pairs(8, size=(16, 16))
    del contents["trainB/7.png"]
    write(tmp_path / "set", contents)
    data = module(tmp_path / "set", tmp_path, paired=False)
    assert data.images_per_epoch == 8
    partners = set()
    for batch in batches(data, 30):
        for source, target in zip(batch.source, batch.images, strict=True):
            partners.add((round(source.sum().item(), 2), round(target.sum().item(), 2)))
    assert len(partners) > 30  # of 56: no source keeps to one target
    assert not data.evaluation_images("train").paired


def test_gray_sources_and_color_targets(tmp_path):
    write(tmp_path / "set", pairs(4))
    batch = batches(module(tmp_path / "set", tmp_path, source_channels=1), 1)[0]
    assert batch.source.shape[1] == 1
    assert batch.images.shape[1] == 3


def test_every_damaged_image_is_named_before_training_those_held_out_too(tmp_path):
    contents = pairs(3) | pairs(2, folders=("testA", "testB"))
    write(tmp_path / "set", contents | {"testB/1.png": b"", "testA/0.png": b"no image", "trainB/2.png": b"neither"})
    for paired in (True, False):
        with pytest.raises(DataError) as caught:
            module(tmp_path / "set", tmp_path, paired=paired).images_per_epoch  # noqa: B018
        for complaint in ("testA/0.png: not an image", "testB/1.png: empty file", "trainB/2.png: not an image"):
            assert str(caught.value).count(complaint) == 1
        assert ("data.on_bad=skip" in str(caught.value)) == (not paired)
    write(tmp_path / "odd", side_by_side(2) | {"train/odd.png": encoded(noise(9, (31, 20)))})
    with pytest.raises(DataError) as caught:
        module(tmp_path / "odd", tmp_path).images_per_epoch  # noqa: B018
    assert str(caught.value).count("odd.png: 31x20: the width must be even") == 1
    unpaired = module(tmp_path / "set", tmp_path, paired=False, on_bad="skip")
    assert unpaired.images_per_epoch == 3
    assert len(unpaired.evaluation_images("test").sources) == 1
    assert unpaired.evaluation_set("heldout").split == "test"
    assert unpaired.evaluation_set("train").split == "train"
    with pytest.raises(DataError, match="no split 'heldout'"):
        module(write(tmp_path / "all", pairs(2)), tmp_path).evaluation_set("heldout")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"direction": "BA"}, "data.direction"),
        ({"layout": "ab"}, "data.layout"),
        ({"on_bad": "skip"}, "data.on_bad"),
        ({"heldout_fraction": 1.0}, "data.heldout_fraction"),
        ({"source_channels": 2}, "data.source_channels"),
        ({"crop_from": 8}, "data.crop_from"),
    ],
)
def test_bad_arguments_are_refused(tmp_path, options, message):
    write(tmp_path / "set", pairs(1))
    with pytest.raises(ValueError, match=message):
        module(tmp_path / "set", tmp_path, **options)


# Pairs made on the fly. -----------------------------------------------------------------------------------


def test_gray_is_the_luma():
    images = torch.rand(2, 3, 4, 4) * 2 - 1
    expected = 0.299 * images[:, 0] + 0.587 * images[:, 1] + 0.114 * images[:, 2]
    torch.testing.assert_close(grey(images)[:, 0], expected)
    assert torch.equal(grey(images[:, :1]), images[:, :1])


def test_edges_are_white_on_flat_ground_and_dark_along_a_step():
    images = torch.zeros(1, 1, 8, 8)
    assert torch.equal(edges(images), torch.ones(1, 1, 8, 8))
    images[..., 4:] = 0.2
    drawn = edges(images)[0, 0]
    torch.testing.assert_close(drawn[:, 3:5], torch.full((8, 2), 1 - 2 * 4 * 0.1))  # half the step a pixel, gain 4
    assert (drawn[:, [0, 1, 2, 5, 6, 7]] == 1).all()
    images[..., 4:] = 1
    assert edges(images)[0, 0, 0, 3] == -1


@pytest.mark.parametrize("kind", ["grey", "edges"])
def test_pairs_of_any_data_set(kind):
    images = DigitsDataModule(resolution=16, batch_size=8)
    data = DerivedPairsDataModule(images=images, derive=kind, resolution=16, channels=1, batch_size=8)
    assert data.images_per_epoch == 1442
    derive = {"grey": grey, "edges": edges}[kind]
    for mine, plain in zip(batches(data, 2), itertools.islice(images.train_dataloader(), 2), strict=False):
        assert torch.equal(mine.images, plain.images)
        torch.testing.assert_close(mine.source, derive(plain.images))
    real = data.evaluation_images("heldout")
    assert len(real.sources) == len(real) == 355
    drawn = derive(real.take([5, 7]).float() / 127.5 - 1)
    assert ((drawn + 1) * 127.5 - real.sources.take([5, 7])).abs().max() <= 0.5 + 1e-3
    assert torch.equal(torch.cat(list(real.sources.batches(100)))[[5, 7]], real.sources.take([5, 7]))


def test_what_does_not_fit_inside_is_named():
    images = DigitsDataModule(resolution=16, batch_size=8)
    with pytest.raises(ValueError, match=r"data\.images\.resolution must be 32"):
        DerivedPairsDataModule(images=images, resolution=32, channels=1, batch_size=8)
    with pytest.raises(ValueError, match=r"data\.derive"):
        DerivedPairsDataModule(images=images, derive="sketch", resolution=16, channels=1, batch_size=8)
    with pytest.raises(ValueError, match=r"data\.target\.channels must be 3"):
        DomainsDataModule(source=images, target=images, resolution=16, source_channels=1, batch_size=8)


@pytest.mark.parametrize("folders", [("trainA", "trainB"), ("trainA", "trainA")], ids=["two", "one"])
def test_domains_of_the_same_images_are_said(tmp_path, caplog, folders):
    path = write(tmp_path / "set", pairs(2))
    loading = Loading(cache_dir=str(tmp_path / "cache"), workers=0)
    source, target = (
        FolderDataModule(path=str(path / folder), resolution=16, batch_size=1, loading=loading) for folder in folders
    )
    DomainsDataModule(source=source, target=target, resolution=16, batch_size=1).endless_loader()
    assert ("both domains have the same images" in caplog.text) is (folders[0] == folders[1])


# The embedded photographs. --------------------------------------------------------------------------------


def test_patches_are_those_of_the_photograph_and_no_pixel_is_in_both_splits():
    photo = load_photo("china", 2)
    assert photo.shape == (3, 213, 320)
    marked = torch.arange(320, dtype=torch.int32).expand(3, 213, 320)
    strips = [0, 1, 3, 4, 6, 7], [2, 5]
    columns = [set(patches(marked, side=32, stride=8, strips=some).unique().tolist()) for some in strips]
    assert columns[0].isdisjoint(columns[1])
    assert columns[1] == {*range(80, 120), *range(200, 240)}
    assert stretches(320, strips[0]) == [(0, 80), (120, 200), (240, 320)]
    found = patches(photo, side=32, stride=4, strips=strips[1])
    assert torch.equal(found[0], photo[:, :32, 80:112])
    assert torch.equal(found[1], photo[:, :32, 84:116])
    data = PhotosDataModule(photos=["china"], stride=16, heldout_strips=[7, 0])
    held, trained = (data.load(split).images for split in ("heldout", "train"))
    assert torch.equal(held[0], photo[:, :32, :32])
    assert (len(held), len(trained)) == (2 * 12, 12 * 14)


def test_the_photographs_are_two_classes_of_a_plain_data_set():
    data = PhotosDataModule(classes=2, stride=16, batch_size=4)
    assert data.label_counts().tolist() == [144, 144]
    batch = batches(data, 1)[0]
    assert batch.images.shape == (4, 3, 32, 32)
    assert set(batch.labels.tolist()) <= {0, 1}
    with pytest.raises(ValueError, match=r"data\.resolution must be at most 40"):
        PhotosDataModule(resolution=64)
    full, some = PhotosDataModule(stride=16).load("train").images, PhotosDataModule(stride=16, least_contrast=12)
    kept = some.load("train").images
    assert 0 < len(kept) < len(full)
    luma = (kept.double() * torch.tensor([0.299, 0.587, 0.114]).view(3, 1, 1)).sum(1)
    assert luma.flatten(1).std(1, correction=0).min() >= 12
    assert some.dataset == "photos china+flower (contrast 12)"
    with pytest.raises(ValueError, match=r"data\.least_contrast"):
        PhotosDataModule(least_contrast=-1)
    with pytest.raises(ValueError, match=r"data\.photos"):
        PhotosDataModule(photos=["rose"])
    for strips in ([], [8], [1, 1], list(range(8))):
        with pytest.raises(ValueError, match=r"data\.heldout_strips must be some of 0 to 7, each once"):
            PhotosDataModule(heldout_strips=strips)

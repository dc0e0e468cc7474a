"""Tiny files of the formats of the published data sets, in the place of the real ones."""

import gzip
import hashlib
import os
import pickle
import struct
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
import torch
from torchvision import datasets

from gan_lightning.data import (
    CelebADataModule,
    CIFAR10DataModule,
    CIFAR100DataModule,
    FashionMNISTDataModule,
    Loading,
    LSUNDataModule,
    MNISTDataModule,
    STL10DataModule,
)
from gan_lightning.data.errors import DataError
from tests.data.pictures import encoded, noise, write

RANDOM = np.random.default_rng(0)


def idx(array):
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


def mnist_files(root, folder="MNIST", train=30, test=10):
    """Write IDX files; return the images of both splits."""
    images = {"train": RANDOM.integers(0, 256, (train, 28, 28), dtype=np.uint8)}
    images["t10k"] = RANDOM.integers(0, 256, (test, 28, 28), dtype=np.uint8)
    files = {}
    for part, pixels in images.items():
        files[f"{folder}/raw/{part}-images-idx3-ubyte"] = idx(pixels)
        files[f"{folder}/raw/{part}-labels-idx1-ubyte"] = idx((np.arange(len(pixels)) % 10).astype(np.uint8))
    write(root, files)
    return images["train"], images["t10k"]


def cifar_files(root, monkeypatch, kind, labels, classes):
    """Write pickles and make their checksums the expected ones; return the images of both splits."""
    batches = {name: RANDOM.integers(0, 256, (6, 3072), dtype=np.uint8) for name, _ in kind.train_list + kind.test_list}
    files = {name: pickle.dumps({"data": pixels, labels: [*range(5), 0]}) for name, pixels in batches.items()}
    files[kind.meta["filename"]] = pickle.dumps({kind.meta["key"]: classes})
    write(root / kind.base_folder, files)
    md5 = {name: hashlib.md5(content).hexdigest() for name, content in files.items()}
    for attribute in ("train_list", "test_list"):
        monkeypatch.setattr(kind, attribute, [[name, md5[name]] for name, _ in getattr(kind, attribute)])
    monkeypatch.setattr(kind, "meta", {**kind.meta, "md5": md5[kind.meta["filename"]]})
    pixels = [np.concatenate([batches[n] for n, _ in part]) for part in (kind.train_list, kind.test_list)]
    return [part.reshape(-1, 3, 32, 32) for part in pixels]


def stl10_files(root, monkeypatch):
    """Write the binary files and make their checksums the expected ones; return the images by split."""
    kind = datasets.STL10
    pixels = {
        name: RANDOM.integers(0, 256, (n, 3, 96, 96), dtype=np.uint8)
        for name, n in (("train", 4), ("unlabeled", 7), ("test", 3))
    }
    files = {f"{name}_X.bin": images.transpose(0, 1, 3, 2).tobytes() for name, images in pixels.items()}
    files |= {"train_y.bin": bytes([1, 2, 10, 1]), "test_y.bin": bytes([3, 4, 5])}
    files["class_names.txt"] = "\n".join("abcdefghij").encode()
    write(root / kind.base_folder, files)
    for attribute in ("train_list", "test_list"):
        sums = [[name, hashlib.md5(files[name]).hexdigest()] for name, _ in getattr(kind, attribute)]
        monkeypatch.setattr(kind, attribute, sums)
    return pixels


def celeba_files(root):
    """Write 3 training, 1 validation and 2 test images."""
    images = {f"celeba/img_align_celeba/{i:06d}.jpg": encoded(noise(i, (178, 218)), "jpg") for i in range(1, 7)}
    partition = "".join(f"{i:06d}.jpg {part}\n" for i, part in zip(range(1, 7), (0, 0, 0, 1, 2, 2), strict=True))
    write(root, images | {"celeba/list_eval_partition.txt": partition.encode()})


def lsun_files(root, category):
    """Write databases of 3 training and 2 validation pictures; return all of them by name."""
    lmdb = pytest.importorskip("lmdb")
    pictures = {f"{i:040x}": noise(i, (20, 16)) for i in range(5)}
    for split, names in (("train", list(pictures)[:3]), ("val", list(pictures)[3:])):
        with (
            lmdb.open(str(root / f"{category}_{split}_lmdb"), map_size=2**20) as database,
            database.begin(write=True) as transaction,
        ):
            for name in names:
                transaction.put(name.encode(), encoded(pictures[name]))
    return pictures


@pytest.fixture
def loading(tmp_path):
    return Loading(cache_dir=str(tmp_path / "cache"), workers=0)


def decoded(data, split):
    return data.looked(split).pixels.numpy()


@pytest.mark.parametrize(("kind", "folder"), [(MNISTDataModule, "MNIST"), (FashionMNISTDataModule, "FashionMNIST")])
def test_mnist_and_fashion_mnist(tmp_path, loading, kind, folder):
    train, test = mnist_files(tmp_path, folder)
    data = kind(root=str(tmp_path), resolution=28, channels=1, classes=10, loading=loading)
    assert np.array_equal(decoded(data, "train")[:, 0], train)
    assert np.array_equal(decoded(data, "test")[:, 0], test)
    assert data.heldout_split == "test"
    assert data.images_per_epoch == 30
    assert data.looked("train").labels.tolist() == [i % 10 for i in range(30)]
    assert (
        next(iter(data.looked("train").report.classes)) == {"MNIST": "0 - zero", "FashionMNIST": "T-shirt/top"}[folder]
    )
    larger = kind(root=str(tmp_path), resolution=32, channels=3, loading=loading)
    assert decoded(larger, "train").shape == (30, 3, 32, 32)


def test_a_warm_start_reads_no_original_files(tmp_path, loading, monkeypatch):
    mnist_files(tmp_path)
    arguments = {"root": str(tmp_path), "resolution": 28, "channels": 1, "classes": 10, "loading": loading}
    expected = decoded(MNISTDataModule(**arguments), "train").copy()
    monkeypatch.setattr(MNISTDataModule, "arrays", None)
    data = MNISTDataModule(**arguments)
    assert np.array_equal(decoded(data, "train"), expected)
    assert data.label_counts().tolist() == [3] * 10


def test_other_files_at_the_same_place_are_noticed(tmp_path, loading):
    arguments = {"root": str(tmp_path), "resolution": 28, "channels": 1, "loading": loading}
    mnist_files(tmp_path)
    _ = MNISTDataModule(**arguments).images_per_epoch
    train, _ = mnist_files(tmp_path, train=31)
    assert np.array_equal(decoded(MNISTDataModule(**arguments), "train")[:, 0], train)


@pytest.mark.parametrize(
    ("module", "kind", "labels", "count"),
    [(CIFAR10DataModule, datasets.CIFAR10, "labels", 10), (CIFAR100DataModule, datasets.CIFAR100, "fine_labels", 100)],
)
def test_cifar(tmp_path, loading, monkeypatch, module, kind, labels, count):
    train, test = cifar_files(tmp_path, monkeypatch, kind, labels, [f"class{i}" for i in range(count)])
    data = module(root=str(tmp_path), resolution=32, classes=count, loading=loading)
    assert np.array_equal(decoded(data, "train"), train)
    assert np.array_equal(decoded(data, "test"), test)
    assert data.looked("test").labels.tolist() == [0, 1, 2, 3, 4, 0]
    some = module(root=str(tmp_path), resolution=32, classes=2, only_classes=[4, "class0"], loading=loading)
    assert some.looked("test").labels.tolist() == [1, 0, 1]


def test_a_damaged_file_is_no_data_set(tmp_path, loading, monkeypatch):
    cifar_files(tmp_path, monkeypatch, datasets.CIFAR10, "labels", list("abcdefghij"))
    (tmp_path / "cifar-10-batches-py" / "data_batch_3").write_bytes(b"cut off")
    data = CIFAR10DataModule(root=str(tmp_path), resolution=32, download=False, loading=loading)
    with pytest.raises(DataError, match="corrupted"):
        _ = data.images_per_epoch


@pytest.mark.parametrize("classes", [None, 10])
def test_stl10(tmp_path, loading, monkeypatch, classes):
    pixels = stl10_files(tmp_path, monkeypatch)
    data = STL10DataModule(root=str(tmp_path), resolution=96, classes=classes, loading=loading)
    assert np.array_equal(decoded(data, "train"), pixels["train" if classes else "unlabeled"])
    assert np.array_equal(decoded(data, "test"), pixels["test"])
    labels = data.looked("train").labels
    assert labels is None if classes is None else labels.tolist() == [0, 1, 9, 0]


def test_celeba_follows_the_official_partition(tmp_path, loading):
    celeba_files(tmp_path)
    data = CelebADataModule(root=str(tmp_path), resolution=178, loading=loading)
    assert [len(data.looked(split)) for split in ("train", "val", "test")] == [3, 1, 2]
    middle = np.asarray(data.looked("test").source.open(0))[20:198]
    assert np.array_equal(decoded(data, "test")[0], middle.transpose(2, 0, 1))
    (tmp_path / "celeba/img_align_celeba/000002.jpg").unlink()
    with pytest.raises(DataError, match=r"1 train images .* missing"):
        CelebADataModule(root=str(tmp_path), resolution=64, loading=loading).looked("train")


def test_lsun_reads_its_databases(tmp_path, loading):
    pictures = lsun_files(tmp_path, "tower")
    for fraction in (0.5, 0.0):
        streamed = Loading(cache_dir=str(tmp_path / "cache"), workers=1, memory_fraction=fraction)
        data = LSUNDataModule(root=str(tmp_path), category="tower", resolution=16, batch_size=3, loading=streamed)
        shown = next(iter(data.train_dataloader())).images
        expected = [np.asarray(pictures[name])[:, 2:18].transpose(2, 0, 1) for name in list(pictures)[:3]]
        assert {i.tobytes() for i in expected} == {((i + 1) * 127.5).round().byte().numpy().tobytes() for i in shown}
        assert len(data.evaluation_images("val")) == 2


def test_without_a_network_the_message_says_what_to_fetch_and_where_to_put_it(tmp_path, loading, monkeypatch):
    def refuse(*args, **kwargs):
        raise URLError("no route to host")

    monkeypatch.setattr("urllib.request.urlopen", refuse)
    monkeypatch.setattr("torchvision.datasets.celeba.download_file_from_google_drive", refuse)
    places = {
        MNISTDataModule: ("train-images-idx3-ubyte.gz", "MNIST/raw"),
        CIFAR10DataModule: (datasets.CIFAR10.url, ""),
        CIFAR100DataModule: (datasets.CIFAR100.url, ""),
        STL10DataModule: (datasets.STL10.url, ""),
        CelebADataModule: ("img_align_celeba.zip", "celeba"),
    }
    for kind, (url, folder) in places.items():
        with pytest.raises(DataError) as caught:
            _ = kind(root=str(tmp_path / "root"), resolution=32, loading=loading).images_per_epoch
        message = str(caught.value)
        assert "no route to host" in message
        assert url in message
        assert f"put it into {tmp_path / 'root' / folder}" in message
        assert "MD5 " in message


def test_lsun_says_what_to_fetch_and_where_to_put_it(tmp_path, loading):
    pytest.importorskip("lmdb")

    def message(split="train"):
        with pytest.raises(DataError) as caught:
            LSUNDataModule(root=str(tmp_path), category="tower", resolution=32, loading=loading).looked(split)
        return str(caught.value)

    for split in ("train", "val"):
        assert f"fetch http://dl.yf.io/lsun/scenes/tower_{split}_lmdb.zip\n    and unpack it in {tmp_path}" in message(
            split
        )
        assert "data.root=FOLDER looks elsewhere" in message(split)
    (tmp_path / "tower_train_lmdb.zip").touch()
    assert f"unpack {tmp_path / 'tower_train_lmdb.zip'} there" in message()
    write(tmp_path / "tower_train_lmdb", {"data.mdb": b"cut off"})
    assert "tower_train_lmdb is not an LMDB database" in message()
    with pytest.raises(DataError, match="LSUN has the splits train and val, not 'test'"):
        LSUNDataModule(root=str(tmp_path), category="tower", resolution=32, loading=loading).evaluation_images("test")


def test_packed_files_are_unpacked_and_tested_by_checksum(tmp_path, loading, monkeypatch):
    train, _ = mnist_files(tmp_path / "made")
    raw = tmp_path / "root" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    resources = []
    for file, _md5 in datasets.MNIST.resources:
        content = gzip.compress((tmp_path / "made" / "MNIST" / "raw" / file.removesuffix(".gz")).read_bytes())
        (raw / file).write_bytes(content)
        resources.append((file, hashlib.md5(content).hexdigest()))
    monkeypatch.setattr(datasets.MNIST, "resources", resources)
    arguments = {"root": str(tmp_path / "root"), "resolution": 28, "channels": 1, "loading": loading}
    assert np.array_equal(decoded(MNISTDataModule(**arguments), "train")[:, 0], train)


def test_the_default_root_is_in_the_cache(tmp_path, loading):
    assert MNISTDataModule(resolution=28, loading=loading).root == tmp_path / "cache" / "data"


@pytest.mark.parametrize(
    ("make", "key"),
    [
        (lambda: MNISTDataModule(resolution=28, classes=9), r"data\.classes must be 10 or null for MNIST"),
        (lambda: CelebADataModule(resolution=64, classes=40), r"data\.classes must be null for CelebA"),
        (lambda: LSUNDataModule(resolution=64, category="cat"), r"data\.category"),
        (lambda: CIFAR10DataModule(resolution=0), r"data\.resolution"),
        (lambda: CIFAR10DataModule(resolution=32, channels=2), r"data\.channels"),
    ],
)
def test_bad_arguments_are_named(make, key):
    with pytest.raises(ValueError, match=key):
        make()


def test_an_unknown_split_is_named(tmp_path, loading):
    with pytest.raises(DataError, match="MNIST has the splits train, test, not 'val'"):
        MNISTDataModule(root=str(tmp_path), resolution=28, loading=loading).evaluation_images("val")


REAL = os.environ.get("GAN_LIGHTNING_TEST_MNIST")


@pytest.mark.skipif(REAL is None, reason="GAN_LIGHTNING_TEST_MNIST names no folder with the real test files")
def test_the_real_test_split_of_mnist(tmp_path, loading):
    mnist_files(tmp_path)
    for file in ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"):
        (tmp_path / "MNIST/raw" / file).write_bytes(gzip.decompress((Path(REAL) / f"{file}.gz").read_bytes()))
    data = MNISTDataModule(root=str(tmp_path), resolution=28, channels=1, classes=10, loading=loading)
    counts = data.looked("test").labels.bincount()
    assert counts.tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    images = data.evaluation_images("test")
    mean = torch.cat(list(images.batches(1000))).double().mean() / 255
    assert float(mean) == pytest.approx(0.13251, abs=1e-4)

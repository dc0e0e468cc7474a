"""One update of a small model on every data set of conf/data, on files of the test's own making."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision import datasets

from gan_lightning.testing import Variant
from tests.conftest import CONF
from tests.contract.variants import fit
from tests.data.pictures import classes, encoded, noise, write, write_zip
from tests.data.test_torchvision_sets import celeba_files, cifar_files, lsun_files, mnist_files, stl10_files

CONFIGS = sorted(path.stem for path in (CONF / "data").glob("*.yaml"))
BATCH = 8
PETS = {"cat": 9, "dog": 7}

WIDTH = ["model.generator.width=4", "model.discriminator.width=4"]
POINTS = [
    *(f"model/{network}=points_pacgan" for network in ("generator", "discriminator")),
    *(f"model.{network}.widths=[8]" for network in ("generator", "discriminator")),
]
PAIRED = [*WIDTH, "model.discriminator.layers=1"]
UNPAIRED = [
    *(f"model.{network}{way}.width=4" for network in ("generator", "discriminator") for way in ("", "_back")),
    *(f"model.generator{way}.blocks=1" for way in ("", "_back")),
    *(f"model.discriminator{way}.layers=1" for way in ("", "_back")),
]

LABEL_FREE = [
    *("arrays", "celeba", "cifar10", "cifar100", "digits", "fashion_mnist", "folder", "folder:zip", "folder:stream"),
    *("huggingface", "huggingface_stream", "idx", "lsun", "mnist", "photos", "stl10"),
]
# data to number of classes
LABELED = {
    "arrays": 3,
    "cifar10": 10,
    "cifar100": 100,
    "digits": 10,
    "fashion_mnist": 10,
    "folder": 2,
    "folder:zip": 2,
    "folder:stream": 2,
    "huggingface": 3,
    "huggingface_stream": 3,
    "idx": 10,
    "mnist": 10,
    "photos": 2,
    "stl10": 10,
}
POINT_SETS = ["grid", "grid_wgan_gp", "ring", "ring_wgan_gp"]
PAIRS = ["derived", "pairs", "photo_colours", "photo_edges"]
DOMAINS = ["domains", "photo_domains", "unpaired"]


def option(data: str) -> str:
    return data.partition(":")[0]


@pytest.fixture(autouse=True)
def _inside_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # pictures go to the present folder where no other is named


def files(data: str, root: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Write what a data set is read from; return what names it."""
    name, _, form = data.partition(":")
    if name in ("mnist", "fashion_mnist"):
        mnist_files(root, {"mnist": "MNIST", "fashion_mnist": "FashionMNIST"}[name])
    elif name in ("cifar10", "cifar100"):
        kind, labels, count = {
            "cifar10": (datasets.CIFAR10, "labels", 10),
            "cifar100": (datasets.CIFAR100, "fine_labels", 100),
        }[name]
        cifar_files(root, monkeypatch, kind, labels, [f"class{i}" for i in range(count)])
    elif name == "stl10":
        stl10_files(root, monkeypatch)
    elif name == "celeba":
        celeba_files(root)
    elif name == "lsun":
        lsun_files(root, "bedroom")
        return [f"data.root={root}"]
    elif name == "idx":
        mnist_files(root)
        return [f"data.path={root / 'MNIST' / 'raw'}"]
    elif name == "arrays":
        pixels = np.random.default_rng(0).integers(0, 256, (9, 20, 20, 3), dtype=np.uint8)
        np.savez(root / "pets.npz", pixels, np.arange(9) % 3)
        return [f"data.path={root / 'pets.npz'}"]
    elif name == "folder":
        pictures = classes(PETS, size=(20, 14))
        path = write_zip(root / "pets.zip", pictures) if form == "zip" else write(root / "pets", pictures)
        return [f"data.path={path}", *(["data.loading.memory_fraction=0"] if form == "stream" else [])]
    elif name in ("huggingface", "huggingface_stream"):
        library = pytest.importorskip("datasets")
        from tests.data.test_huggingface import rows

        if name == "huggingface":
            library.DatasetDict({"train": rows(9)}).save_to_disk(root / "pets")
            return [f"data.path={root / 'pets'}"]
        # or the library waits for PyArrow's threads for 5 seconds at the end of every epoch
        monkeypatch.setattr(library.config, "SLEEP_TIME_ON_THREADS_SHUTDOWN", 0.1)
        (root / "pets").mkdir()
        rows(9).to_parquet(root / "pets" / "train-0.parquet")
        return [f"data.path={root / 'pets'}", "data.images=9", "data.shuffle_buffer=4"]
    elif name == "pairs":
        pictures = {f"{part}/{side}/{i}.png" for part in ("train", "test") for side in "AB" for i in range(8)}
    elif name == "unpaired":
        pictures = {f"{part}{side}/{i}.png" for part in ("train", "test") for side in "AB" for i in range(8)}
    if name in ("pairs", "unpaired"):
        content = {path: encoded(noise(seed, (20, 20))) for seed, path in enumerate(sorted(pictures))}
        return [f"data.path={write(root / name, content)}", "data.crop_from=18"]
    if name == "derived":
        return ["data@data.images=digits", "data.channels=1"]
    if name == "domains":
        return ["data@data.source=digits", "data@data.target=digits", "data.channels=1", "data.source_channels=1"]
    return [f"paths.data={root}"]


def thin(data: str) -> list[str]:
    """Return what keeps the embedded photographs from being cut into tens of thousands of patches."""
    return {
        "photos": ["data.stride=16"],
        "photo_colours": ["data.images.stride=16"],
        "photo_edges": ["data.images.stride=16"],
        "photo_domains": ["data.source.stride=16"],
    }.get(data, [])


def take_one_step(model: str, data: str, *overrides: str) -> torch.Tensor | None:
    """Update both players once on a batch of 8; return the labels of that batch."""
    module, images = Variant(name=model, overrides=(f"data={option(data)}", *overrides)).build()
    before = [p.detach().clone() for p in module.parameters()]
    seen: list[torch.Tensor | None] = []
    prepare = module.prepare_batch

    def note(batch):
        seen.append(batch.labels)
        assert batch.images.shape == (BATCH, *module.generator.sample_shape)
        assert batch.images.dtype == torch.float32
        return prepare(batch)

    module.prepare_batch = note
    fit(module, images, images=BATCH)
    assert (module.images_seen, module.steps["discriminator"], module.steps["generator"]) == (BATCH, 1, 1)
    assert all(p.isfinite().all() for p in module.parameters())
    for player in ("discriminator", "generator"):
        own = {id(p) for part in module.player_modules(player) for p in part.parameters()}
        pairs = zip(before, module.parameters(), strict=True)
        assert any(not torch.equal(old, new) for old, new in pairs if id(new) in own), player
    return seen[0]


def test_every_config_is_tried():
    tried = {*map(option, LABEL_FREE), *map(option, LABELED), *POINT_SETS, *PAIRS, *DOMAINS}
    assert tried == set(CONFIGS)
    assert set(LABELED) <= set(LABEL_FREE)


@pytest.mark.parametrize("data", LABEL_FREE)
def test_a_label_free_model_takes_a_step(data, tmp_path, monkeypatch):
    take_one_step("dcgan", data, *WIDTH, "data.resolution=16", *files(data, tmp_path, monkeypatch), *thin(data))


@pytest.mark.parametrize("data", LABELED)
def test_a_label_conditional_model_takes_a_step(data, tmp_path, monkeypatch):
    count = LABELED[data]
    given = [*files(data, tmp_path, monkeypatch), *thin(data), f"data.classes={count}"]
    labels = take_one_step("acgan", data, *WIDTH, "data.resolution=16", *given)
    assert labels is not None
    assert labels.dtype == torch.int64
    assert 0 <= labels.min() <= labels.max() < count
    assert labels.unique().numel() > 1


@pytest.mark.parametrize("data", POINT_SETS)
def test_a_model_of_points_takes_a_step(data):
    take_one_step("gan", data, *POINTS)


@pytest.mark.parametrize("data", PAIRS)
def test_a_model_of_pairs_takes_a_step(data, tmp_path, monkeypatch):
    take_one_step("pix2pix", data, *PAIRED, "data.resolution=16", *files(data, tmp_path, monkeypatch), *thin(data))


@pytest.mark.parametrize("data", DOMAINS)
def test_a_model_of_two_domains_takes_a_step(data, tmp_path, monkeypatch):
    take_one_step("cyclegan", data, *UNPAIRED, "data.resolution=16", *files(data, tmp_path, monkeypatch), *thin(data))

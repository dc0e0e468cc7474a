import numpy as np
import pytest
import torch
from PIL import Image

from gan_lightning.core.pixels import NonFiniteSamples, to_uint8
from gan_lightning.sampling import Samples
from gan_lightning.sampling import samples as samples_module


def write(mode, model, out):
    return mode.write(model, out, weights="ema", trust=False)


def expected(model, n, **arguments):
    return to_uint8(model.sample(n, **arguments)).permute(0, 2, 3, 1).numpy()


def test_a_folder_has_a_file_for_each_sample(plain, tmp_path):
    assert write(Samples(n=5, seed=3), plain, tmp_path / "out") == "5 samples (seed 3, ema weights)"
    files = sorted((tmp_path / "out").iterdir())
    assert [file.name for file in files] == [f"{index:06d}.png" for index in range(5)]
    for file, image in zip(files, expected(plain, 5, seed=3), strict=True):
        assert np.array_equal(np.asarray(Image.open(file)), image.squeeze(2))


@pytest.mark.parametrize("batch", [1, 3, 100])
def test_the_same_seed_gives_the_same_files_whatever_the_batch_size(plain, tmp_path, monkeypatch, batch):
    monkeypatch.setattr(samples_module, "_BATCH_VALUES", 64 * batch)
    write(Samples(n=7, seed=1), plain, tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz") as archive:
        assert archive.files == ["arr_0"]
        assert np.array_equal(archive["arr_0"], expected(plain, 7, seed=1))
        shorter = archive["arr_0"][:2]
    write(Samples(n=2, seed=1), plain, tmp_path / "b.npz")
    with np.load(tmp_path / "b.npz") as archive:
        assert np.array_equal(archive["arr_0"], shorter)


def test_an_archive_has_the_labels_that_were_asked_for_or_drawn(labeled, tmp_path):
    write(Samples(labels=[2, 0], n=4), labeled, tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz") as archive:
        assert archive["arr_0"].shape == (4, 8, 8, 3)
        assert archive["arr_1"].tolist() == [2, 2, 0, 0]
        asked = expected(labeled, 4, labels=torch.tensor([2, 2, 0, 0]))
        assert np.array_equal(archive["arr_0"], asked)
    write(Samples(n=30), labeled, tmp_path / "b.npz")
    with np.load(tmp_path / "b.npz") as archive:
        assert archive["arr_1"].tolist() == labeled.sample_condition(range(30), seed=0, labels=None).tolist()
        assert set(archive["arr_1"].tolist()) == {0, 1, 2}


def test_gray_images_can_be_written_as_three_channels(plain, tmp_path):
    write(Samples(n=2, rgb=True), plain, tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz") as archive:
        assert np.array_equal(archive["arr_0"], expected(plain, 2).repeat(3, axis=3))


def test_a_grid_has_a_row_for_each_class(labeled, tmp_path):
    write(Samples(labels="all", n=6), labeled, tmp_path / "grid.png")
    pixels = np.asarray(Image.open(tmp_path / "grid.png"))
    assert pixels.shape == (3 * 66 + 2, 2 * 66 + 2, 3)
    labels = torch.tensor([0, 0, 1, 1, 2, 2])
    for index, image in enumerate(expected(labeled, 6, labels=labels)):
        top, left = 2 + index // 2 * 66, 2 + index % 2 * 66
        assert np.array_equal(pixels[top : top + 64 : 8, left : left + 64 : 8], image)


def test_truncation_reaches_the_samples(plain, tmp_path):
    write(Samples(n=3, truncation=0.2), plain, tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz") as archive:
        assert np.array_equal(archive["arr_0"], expected(plain, 3, truncation=0.2))
        assert not np.array_equal(archive["arr_0"], expected(plain, 3))


@pytest.mark.parametrize("name", ["a.npz", "a.png", "folder"])
def test_samples_that_are_not_finite_leave_nothing(plain, tmp_path, name):
    next(plain.generator_ema.parameters()).data.fill_(float("nan"))
    with pytest.raises(NonFiniteSamples, match="NaN"):
        write(Samples(n=3), plain, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a.npz", "a.png", "folder"])
def test_a_full_disk_leaves_nothing(plain, tmp_path, monkeypatch, name):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write(Samples(n=3), plain, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_picture_of_too_many_is_refused(plain, tmp_path):
    with pytest.raises(ValueError, match=r"n = 5000: a picture shows at most 4096 samples; write a folder"):
        write(Samples(n=5000), plain, tmp_path / "a.png")


def test_a_long_job_says_how_far_it_is(plain, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(samples_module, "_BATCH_VALUES", 64 * 2)
    monkeypatch.setattr("gan_lightning.sampling.progress.SILENT_SECONDS", 0.0)
    monkeypatch.setattr("gan_lightning.sampling.progress.LINE_SECONDS", 0.0)
    write(Samples(n=6), plain, tmp_path / "a.npz")
    lines = capsys.readouterr().err.splitlines()
    assert [line.split("  ")[0] for line in lines] == ["2/6 samples", "4/6 samples"]
    assert lines[0].endswith("s left")

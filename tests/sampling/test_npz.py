import numpy as np
import pytest

from gan_lightning.sampling.samples import write_npz


def parts(array, size):
    return (array[start : start + size] for start in range(0, len(array), size))


def test_numpy_reads_what_was_written_batch_by_batch(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (7, 4, 5, 3), dtype=np.uint8)
    labels = np.arange(7)
    path = tmp_path / "a.npz"
    write_npz(path, parts(images, 3), shape=images.shape, dtype="uint8", labels=labels)
    with np.load(path) as loaded:
        assert loaded.files == ["arr_0", "arr_1"]
        assert loaded["arr_0"].dtype == np.uint8
        assert np.array_equal(loaded["arr_0"], images)
        assert np.array_equal(loaded["arr_1"], labels)
    again = tmp_path / "b.npz"
    write_npz(again, parts(images, 2), shape=images.shape, dtype="uint8", labels=labels)
    assert path.read_bytes() == again.read_bytes()


@pytest.mark.parametrize(("count", "dtype"), [(8, "uint8"), (7, "float32")])
def test_what_was_announced_must_come_and_otherwise_nothing_is_left(tmp_path, count, dtype):
    images = np.zeros((7, 2, 2, 1), dtype=np.uint8)
    with pytest.raises(ValueError, match=r"announced|expected float32"):
        write_npz(tmp_path / "a.npz", parts(images, 3), shape=(count, 2, 2, 1), dtype=dtype, labels=None)
    assert list(tmp_path.iterdir()) == []

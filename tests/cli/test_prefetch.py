"""``gan-prefetch``: what is fetched, where it lies, and that others find it there."""

from __future__ import annotations

import hashlib
import io
import urllib.error
import urllib.request
from unittest import mock

import pytest

from gan_lightning.cli import prefetch
from gan_lightning.data import MNISTDataModule
from gan_lightning.launch.fetchable import FETCHABLE, WeightsFile
from gan_lightning.metrics.known_weights import BACKBONES, CLIP, INCEPTION, KnownWeights
from gan_lightning.metrics.weights_file import find_weights

CONTENT = b"weights"
KNOWN = KnownWeights("Some network", "https://example.org/some.pth", hashlib.sha256(CONTENT).hexdigest())


def call(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    code = 0
    try:
        prefetch.main(argv)
    except SystemExit as ending:
        code = ending.code if isinstance(ending.code, int) else 1
    out, err = capsys.readouterr()
    return code, out, err


@pytest.fixture(autouse=True)
def _own_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("GAN_LIGHTNING_CACHE", str(tmp_path / "cache"))
    monkeypatch.setitem(FETCHABLE, "some", WeightsFile(KNOWN, "of a test"))


def test_weights_are_fetched_once_and_found_without_a_network(capsys, monkeypatch, tmp_path):
    network = mock.Mock(side_effect=lambda *args, **kwargs: io.BytesIO(CONTENT))
    monkeypatch.setattr(urllib.request, "urlopen", network)
    for _ in range(2):
        code, out, _ = call(capsys, "some", "--into", str(tmp_path / "stick"))
        assert (code, out) == (0, f"some: Some network weights, of a test is in {tmp_path / 'stick' / 'some.pth'}\n")
    assert network.call_count == 1
    assert [path.name for path in (tmp_path / "stick").iterdir()] == ["some.pth"]
    monkeypatch.setattr(urllib.request, "urlopen", mock.Mock(side_effect=AssertionError("no network")))
    monkeypatch.setenv("GAN_LIGHTNING_CACHE", str(tmp_path / "stick"))
    assert find_weights(KNOWN, weights_path=None, cache_dir=None).read_bytes() == CONTENT
    code, out, _ = call(capsys, "--list")
    assert code == 0
    listed = {line.split()[0]: line.split()[1] for line in out.splitlines()}
    assert listed["some"] == "here"
    assert listed["inception"] == "-"
    assert set(listed) == set(FETCHABLE)


def test_a_data_set_is_fetched_to_where_training_looks(capsys, monkeypatch, tmp_path):
    def fetch(self):
        (self.root / self.folder).mkdir(parents=True)

    monkeypatch.setattr(MNISTDataModule, "fetch", fetch)
    code, out, err = call(capsys, "mnist")
    assert (code, err) == (0, "")
    assert (tmp_path / "cache" / "data" / MNISTDataModule.folder).is_dir()
    assert str(tmp_path / "cache" / "data") in out
    assert MNISTDataModule(resolution=32).is_present()


def test_what_cannot_be_fetched_is_named_and_the_rest_is_fetched(capsys, monkeypatch, tmp_path):
    def network(url, **options):
        if url != KNOWN.url:
            raise urllib.error.URLError("unreachable")
        return io.BytesIO(CONTENT)

    monkeypatch.setattr(urllib.request, "urlopen", network)
    code, out, err = call(capsys, "inception", "some")
    assert code == 1
    assert INCEPTION.url in err
    assert "unreachable" in err
    assert "some.pth" in out
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["some.pth"]


def test_a_full_disk_leaves_nothing_behind(capsys, monkeypatch, tmp_path):
    class Full(io.BytesIO):
        def read(self, *args):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(urllib.request, "urlopen", lambda *args, **kwargs: Full(CONTENT))
    code, _, err = call(capsys, "some")
    assert code == 1
    assert "No space left on device" in err
    assert list((tmp_path / "cache").iterdir()) == []


@pytest.mark.parametrize(
    ("argv", "message"), [(["incepton"], "incepton: no such name; there are inception, vgg16"), ([], "--list")]
)
def test_wrong_command_lines(capsys, argv, message):
    code, _, err = call(capsys, *argv)
    assert code == 2
    assert message in err


def test_known_addresses_are_those_of_the_libraries():
    import torchvision
    from torch_fidelity.feature_extractor_clip import MODEL_URLS
    from torch_fidelity.feature_extractor_inceptionv3 import URL_INCEPTION_V3

    assert INCEPTION.url == URL_INCEPTION_V3
    assert {f"clip-{name}": known.url for name, known in CLIP.items()}.items() <= MODEL_URLS.items()
    models = torchvision.models
    published = {"vgg": models.VGG16_Weights, "alex": models.AlexNet_Weights, "squeeze": models.SqueezeNet1_1_Weights}
    assert {name: known.url for name, known in BACKBONES.items()} == {
        name: weights.IMAGENET1K_V1.url for name, weights in published.items()
    }
    for known in [INCEPTION, *BACKBONES.values()]:
        assert known.file_name.endswith(f"-{known.sha256}.pth")

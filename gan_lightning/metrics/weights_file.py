"""Find or fetch a file with weights, or say at once what is missing."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

from gan_lightning.core.cache import CACHE_VARIABLE, cache_root
from gan_lightning.metrics.known_weights import KnownWeights

TIMEOUT_SECONDS = 20.0


class MissingWeights(ValueError):
    """The weights of an extractor are neither here nor to be had."""


def find_weights(known: KnownWeights, *, weights_path: str | None, cache_dir: str | None) -> Path:
    """Return a local file: the given one, else the one in the cache folder, else a download into it.

    Args:
        known: which weights; a checksum is tested after a download.
        weights_path: a file of the user, or None.
        cache_dir: the cache folder, or None for the package's.

    Raises:
        MissingWeights: if there is no such file and the download fails; the message says which file to put where.
    """
    if weights_path is not None:
        given = Path(os.path.expanduser(weights_path))
        if not given.is_file():
            raise MissingWeights(f"weights_path: no file {given}; the weights are published at {known.url}")
        return given
    cached = cache_root(cache_dir) / known.file_name
    if not cached.is_file():
        try:
            _download(known.url, cached, known.sha256)
        except (OSError, ValueError) as error:
            raise MissingWeights(
                f"the {known.title} weights are not in {cached} and cannot be downloaded ({error}). On a machine "
                f"with network access, fetch {known.url} (gan-prefetch does) and put the file at {cached}, or give its "
                f"path as weights_path, or point {CACHE_VARIABLE} to the folder that holds it"
            ) from error
    return cached


def _download(url: str, target: Path, sha256: str) -> None:
    """Download to a temporary name, check, rename.

    Raises:
        OSError: if the network or the disk fails.
        ValueError: if the content is not what was expected.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=target.name, suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file, urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as answer:
            shutil.copyfileobj(answer, file)
            file.flush()
            os.fsync(file.fileno())
        with open(temporary, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if not digest.startswith(sha256):
            raise ValueError(f"sha256 of the download is {digest[:16]}..., expected {sha256[:16]}...")
        os.replace(temporary, target)
    finally:
        Path(temporary).unlink(missing_ok=True)


def load_tensors(path: Path, title: str) -> Any:
    """Read a file of plain containers and tensors; libraries that unpickle whatever they are given come after.

    Args:
        path: the file.
        title: title of the network, for the message.

    Raises:
        ValueError: if it holds anything else, or is damaged.
    """
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # there is no telling what an unpickler raises on a damaged file
        raise ValueError(f"{path} does not hold the weights of {title}: {error}") from error


@contextlib.contextmanager
def hub_files(files: Mapping[str, Path]) -> Iterator[None]:
    """Let ``torch.hub`` find files of given names for a while, as if it had downloaded them.

    Args:
        files: name of a download to the file that holds its content.
    """
    former = torch.hub.get_dir()
    with tempfile.TemporaryDirectory() as folder:
        checkpoints = Path(folder) / "checkpoints"
        checkpoints.mkdir()
        for name, path in files.items():
            (checkpoints / name).symlink_to(path.absolute())
        torch.hub.set_dir(folder)
        try:
            yield
        finally:
            torch.hub.set_dir(former)

"""Find or fetch the file with the Inception-v3 weights, or say at once what is missing."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import urllib.request
from pathlib import Path

from gan_lightning.metrics.cache import CACHE_VARIABLE, cache_root

TIMEOUT_SECONDS = 20.0


class MissingWeights(ValueError):
    """The weights of an extractor are neither here nor to be had."""


def find_weights(*, url: str, sha256_prefix: str, weights_path: str | None, cache_dir: str | None) -> Path:
    """Return a local file: the given one, else the one in the cache folder, else a download into it.

    Args:
        url: where the file is published.
        sha256_prefix: first hexadecimal digits of its sha256; checked after a download.
        weights_path: a file of the user, or None.
        cache_dir: the cache folder, or None for the package's.

    Raises:
        MissingWeights: if there is no such file and the download fails; the message says which file to put where.
    """
    if weights_path is not None:
        given = Path(weights_path).expanduser()
        if not given.is_file():
            raise MissingWeights(f"weights_path: no file {given}; the weights are published at {url}")
        return given
    cached = cache_root(cache_dir) / url.rsplit("/", 1)[-1]
    if not cached.is_file():
        try:
            _download(url, cached, sha256_prefix)
        except (OSError, ValueError) as error:
            raise MissingWeights(
                f"the Inception-v3 weights are not in {cached} and cannot be downloaded ({error}). On a machine "
                f"with network access, fetch {url} and put the file at {cached}, or give its path as weights_path, "
                f"or point {CACHE_VARIABLE} to the folder that holds it"
            ) from error
    return cached


def _download(url: str, target: Path, sha256_prefix: str) -> None:
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
        with open(temporary, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if not digest.startswith(sha256_prefix):
            raise ValueError(f"sha256 of the download is {digest[:16]}..., expected {sha256_prefix}...")
        os.replace(temporary, target)
    finally:
        Path(temporary).unlink(missing_ok=True)

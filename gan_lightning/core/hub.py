"""Models on the Hugging Face Hub: addresses, and getting and putting their files."""

from __future__ import annotations

import os
import re
from pathlib import Path
from types import ModuleType

from gan_lightning.core.errors import InputError, missing_library
from gan_lightning.core.shared_model import CONFIG, WEIGHTS

PREFIX = "hf://"

_ADDRESS = re.compile(r"(?:hf://)?([\w.-]+/[\w.-]+)(?:@([\w./-]+))?")


def is_address(given: str | os.PathLike[str]) -> bool:
    """Say whether something is an address on the Hub, and no path."""
    return os.fspath(given).startswith(PREFIX)


def name_of(address: str) -> str:
    """Return the name of a model on the Hub, without its owner.

    Raises:
        InputError: if it is not an address.
    """
    return parsed(address)[0].partition("/")[2]


def parsed(address: str) -> tuple[str, str | None]:
    """Return the repository and the revision of ``hf://USER/NAME@REVISION``.

    Raises:
        InputError: if it is not an address.
    """
    found = _ADDRESS.fullmatch(address)
    if found is None:
        raise InputError(f"{address}: a model on the Hub is {PREFIX}USER/NAME, or {PREFIX}USER/NAME@REVISION")
    return found[1], found[2]


def library() -> ModuleType:
    """Return huggingface_hub.

    Raises:
        InputError: if it is not installed.
    """
    try:
        import huggingface_hub
    except ImportError as error:
        raise InputError(missing_library("the Hub", "huggingface_hub", extra="huggingface", error=error)) from error
    return huggingface_hub


def fetch(
    address: str,
    *,
    token: str | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
    local_files_only: bool = False,
) -> Path:
    """Return the file of weights of a model on the Hub, fetched into huggingface_hub's cache with its record.

    Args:
        address: ``hf://USER/NAME``, ``USER/NAME``, each perhaps with ``@REVISION``.
        token: for private repositories; None: the one that ``hf auth login`` stored, or ``HF_TOKEN``.
        cache_dir: None: huggingface_hub's.
        local_files_only: ask no server.

    Raises:
        InputError: if it is not an address, cannot be reached, or lacks the model.
    """
    repository, revision = parsed(address)
    hub = library()
    try:
        folder = hub.snapshot_download(
            repository,
            revision=revision,
            allow_patterns=[CONFIG, WEIGHTS],
            token=token,
            cache_dir=cache_dir,
            local_files_only=local_files_only,
        )
    except (OSError, ValueError) as error:  # huggingface_hub's own errors are among these
        raise InputError(f"{address}: cannot be fetched: {' '.join(str(error).split())}") from error
    weights = Path(folder) / WEIGHTS
    if not (weights.is_file() and weights.with_name(CONFIG).is_file()):
        raise InputError(f"{address} is not a model of gan-lightning: it lacks {CONFIG} or {WEIGHTS}")
    return weights


def put(folder: Path, repository: str, *, private: bool, message: str, token: str | None) -> str:
    """Upload a folder as a model, whose repository is made where it is missing; return its address.

    Raises:
        InputError: if the Hub refuses, or cannot be reached.
    """
    repository, _ = parsed(repository)
    api = library().HfApi(token=token)
    try:
        url = api.create_repo(repository, private=private, exist_ok=True)
        api.upload_folder(repo_id=repository, folder_path=folder, commit_message=message)
    except (OSError, ValueError) as error:
        raise InputError(f"{repository}: cannot be uploaded: {' '.join(str(error).split())}") from error
    return str(url)

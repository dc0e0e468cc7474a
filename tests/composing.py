"""Make Hydra quick in tests, which compose thousands of configs from the same few hundred files.

Each of these gives what Hydra gives (``test_composing.py``), in a fraction of the time.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import pickle
from collections.abc import Callable, Hashable, Iterator
from pathlib import Path
from typing import Any

from hydra._internal import defaults_list
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.config_repository import IConfigRepository
from hydra._internal.defaults_list import Overrides
from hydra._internal.sources_registry import SourcesRegistry
from hydra.core.default_element import DefaultsTreeNode, InputDefault, ResultDefault
from hydra.core.plugins import Plugins
from hydra.plugins.config_source import ConfigResult, ConfigSource
from omegaconf import DictConfig

_folder: Path | None = None


def be_quick() -> None:
    """Change Hydra, in this process and in its forks."""
    Plugins.instance()  # It loads the modules of these classes anew; imported before, they would be other classes.
    for scheme in ("file", "pkg"):
        _read_once(SourcesRegistry.instance().resolve(scheme))
    defaults_list._create_interpolation_map = _choices_if_needed
    defaults_list._create_defaults_list = _choose_once
    ConfigLoaderImpl._compose_config_from_defaults_list = _merge_once  # type: ignore[method-assign]


@contextlib.contextmanager
def sharing(folder: Path) -> Iterator[None]:
    """Keep chosen files and merged configs in a folder, where other processes find them."""
    global _folder
    folder.mkdir(exist_ok=True)
    former, _folder = _folder, folder
    try:
        yield
    finally:
        _folder = former


def _read_once(kind: type[ConfigSource]) -> None:
    """Keep what is in a config file, which Hydra reads again for every config that it composes."""
    read: Callable[[ConfigSource, str], ConfigResult] = kind.load_config
    been_read: dict[Hashable, bytes] = {}

    def load_config(source: ConfigSource, config_path: str) -> ConfigResult:
        path = Path(source.path, source._normalize_file_name(config_path))
        about = path.stat() if path.is_file() else None  # the files of a package stay as they are
        key = (source.provider, path, about and (about.st_mtime_ns, about.st_size, about.st_ino))
        if key not in been_read:
            been_read[key] = pickle.dumps(read(source, config_path))
        return pickle.loads(been_read[key])  # faster than a deep copy

    kind.load_config = load_config  # type: ignore[method-assign]


_every_choice = defaults_list._create_interpolation_map


def _choices_if_needed(overrides: Any, defaults: list[InputDefault], self_added: bool) -> Any:
    """Make a config of what was chosen so far only for files whose defaults name it, as ``- x: ${y}`` does.

    Hydra makes one for every file of the tree, which takes a fourth of the time.
    """
    if "${" in str([overrides.override_choices, *map(vars, defaults)]):
        return _every_choice(overrides, defaults, self_added)
    return None


_choose = defaults_list._create_defaults_list
_merge = ConfigLoaderImpl._compose_config_from_defaults_list


def _choose_once(
    repo: IConfigRepository, config_name: str | None, overrides: Overrides, *, prepend_hydra: bool, skip_missing: bool
) -> tuple[list[ResultDefault], DefaultsTreeNode]:
    """Keep which files overrides of groups choose, and what Hydra notes of those overrides meanwhile."""

    def work() -> tuple[Any, dict[str, Any]]:
        chosen = _choose(repo, config_name, overrides, prepend_hydra=prepend_hydra, skip_missing=skip_missing)
        return chosen, _but_values(overrides)

    given = ("chosen", config_name, _but_values(overrides), prepend_hydra, skip_missing)
    chosen, noted = _once(repo, given, work)
    vars(overrides).update(noted)
    return chosen


def _but_values(overrides: Overrides) -> dict[str, Any]:
    return {name: value for name, value in vars(overrides).items() if name != "config_overrides"}


def _merge_once(loader: ConfigLoaderImpl, defaults: list[ResultDefault], repo: IConfigRepository) -> DictConfig:
    """Keep what files were merged into; overrides of values come after."""
    return _once(repo, ("merged", [*map(vars, defaults)]), lambda: _merge_onto_first(loader, defaults, repo))


def _merge_onto_first(loader: ConfigLoaderImpl, defaults: list[ResultDefault], repo: IConfigRepository) -> DictConfig:
    """Keep what the first files were merged into, too: Hydra's own and the primary one, a third of a config's files."""
    count = 1 + next((index for index, default in enumerate(defaults) if default.primary), len(defaults))
    if _folder is None or count >= len(defaults):
        return _merge(loader, defaults, repo)
    first, rest = defaults[:count], defaults[count:]
    config = _once(repo, ("first", [*map(vars, first)]), lambda: _merge(loader, first, repo))
    merged, stand_in = ConfigResult(provider="", path="", config=config, header={}), ResultDefault()
    load = loader._load_single_config

    def load_or_take(default: ResultDefault, repo: IConfigRepository) -> ConfigResult:
        return merged if default is stand_in else load(default, repo)

    loader._load_single_config = load_or_take  # type: ignore[method-assign]
    try:
        return _merge(loader, [stand_in, *rest], repo)
    finally:
        del loader._load_single_config


def _once(repo: IConfigRepository, given: Any, work: Callable[[], Any]) -> Any:
    """Keep what comes out of files as they are and of what is given. Most tests change values of a few experiments."""
    if _folder is None:
        return work()
    sources = [(source.provider, source.path, _files(source)) for source in repo.get_sources()]
    path = _folder / hashlib.sha256(pickle.dumps((sources, given))).hexdigest()
    if not path.exists():
        result = pickle.dumps(work())
        beside = path.with_suffix(f".{os.getpid()}")
        beside.write_bytes(result)
        beside.replace(path)
    return pickle.loads(path.read_bytes())


def _files(source: ConfigSource) -> list[tuple[str, int, int]]:
    """Return what distinguishes the files of a folder from others; those of a package stay as they are."""
    if source.scheme() != "file":
        return []
    found = []
    folders = [source.path.removeprefix("file://")]
    for folder in folders:
        with contextlib.suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir():
                    folders.append(entry.path)
                elif entry.name.endswith(".yaml"):
                    about = entry.stat()
                    found.append((entry.path, about.st_mtime_ns, about.st_size))
    return sorted(found)

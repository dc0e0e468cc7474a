"""The folders of this machine in place of those that the configuration of another's checkpoint names."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any


def with_local_paths(node: Any, paths: Mapping[str, Any]) -> Any:
    """Return a stored configuration whose parts write nowhere but into this machine's cache and data folders.

    A stored ``root`` of data sets is read where it is there, but nothing is downloaded into it.

    Args:
        node: plain node of a checkpoint; it is not changed.
        paths: ``paths`` of the local configuration.
    """
    if isinstance(node, list):
        return [with_local_paths(item, paths) for item in node]
    if not isinstance(node, dict):
        return node
    local = {name: with_local_paths(item, paths) for name, item in node.items()}
    if "cache_dir" in local:
        local["cache_dir"] = paths.get("cache")
    if "download_dir" in local:
        local["download_dir"] = None
    if "root" in local:
        stored, here = local["root"], paths.get("data")
        if here is None and isinstance(stored, str) and os.path.isdir(os.path.expanduser(stored)):
            local |= {"download": False} if "download" in local else {}
        else:
            local["root"] = here
    return local

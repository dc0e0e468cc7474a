"""Whether W&B may go online, found out without importing it, prompting or waiting for long."""

from __future__ import annotations

import netrc
import os
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

Mode = Literal["auto", "online", "offline"]
ResolvedMode = Literal["online", "offline", "disabled"]

_DEFAULT_HOST = "https://api.wandb.ai"
_FROM_ENVIRONMENT: dict[str, ResolvedMode] = {
    "online": "online",
    "run": "online",
    "offline": "offline",
    "dryrun": "offline",
    "disabled": "disabled",
}


def has_login(environ: Mapping[str, str]) -> bool:
    """Return whether a key (or an identity token) for the W&B host is in the environment or in a netrc file.

    The host is that of ``WANDB_BASE_URL``; the file is ``NETRC``, else ``~/.netrc``, else ``~/_netrc``.
    """
    if environ.get("WANDB_API_KEY") or environ.get("WANDB_IDENTITY_TOKEN_FILE"):
        return True
    host = urlsplit(environ.get("WANDB_BASE_URL") or _DEFAULT_HOST).netloc
    home = Path(environ.get("HOME") or Path.home())
    candidates = [Path(environ["NETRC"]).expanduser()] if environ.get("NETRC") else [home / ".netrc", home / "_netrc"]
    for path in candidates:
        try:
            entry = netrc.netrc(path).authenticators(host)
        except (OSError, netrc.NetrcParseError):
            continue
        if entry is not None and entry[2]:
            return True
    return False


def server_answers(environ: Mapping[str, str] = os.environ, *, timeout_s: float = 5.0) -> bool:
    """Return whether anything answers at the W&B host, directly or through the proxies of the environment.

    Compute nodes often have a login and no network; ``wandb.init`` would retry for its whole timeout there.
    """
    try:
        with urllib.request.urlopen(environ.get("WANDB_BASE_URL") or _DEFAULT_HOST, timeout=timeout_s):
            return True
    except urllib.error.HTTPError:
        return True  # an error page is an answer
    except OSError:
        return False


def resolve_mode(mode: Mode, environ: Mapping[str, str] = os.environ) -> ResolvedMode:
    """Replace ``auto`` by a mode that never prompts.

    ``auto`` follows ``WANDB_MODE`` where it is set, and otherwise is online exactly when there is a login.

    Raises:
        ValueError: for an unknown mode, or for online without a login, which would prompt.
    """
    if mode not in ("auto", "online", "offline"):
        raise ValueError(f"logger.wandb.mode must be 'auto', 'online' or 'offline', got {mode!r}")
    resolved: ResolvedMode
    if mode == "auto":
        wish = environ.get("WANDB_MODE")
        if wish is not None and wish not in _FROM_ENVIRONMENT:
            raise ValueError(f"WANDB_MODE must be one of {sorted(_FROM_ENVIRONMENT)}, got {wish!r}")
        resolved = _FROM_ENVIRONMENT[wish] if wish is not None else "online" if has_login(environ) else "offline"
    else:
        resolved = mode
    if resolved == "online" and not has_login(environ):
        raise ValueError(
            "logger.wandb.mode is 'online' but there is no login: set WANDB_API_KEY or run `wandb login`, "
            "or choose logger.wandb.mode=offline"
        )
    return resolved

"""What this package takes from W&B's undocumented parts, each use with its reason.

No other module does. A test in ``tests/core/test_wandb_internals.py`` fails when W&B changes one of them.
W&B is imported where it is used, so that this module costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wandb import Settings

CUT_OFF = "ends with an incomplete record"
"""What ``wandb sync`` says of a log that was cut off, after it has uploaded the rows before the cut."""

SYNCED_SUFFIX = ".synced"
"""Of the file that ``wandb sync`` leaves beside a log that it has uploaded whole."""


def dead_process_errors() -> tuple[type[Exception], ...]:
    """Return what any call of W&B raises once its background process is dead.

    Two of them are not in public modules, and no public error covers them.
    """
    from wandb.sdk.mailbox import HandleAbandonedError, MailboxClosedError

    return (ConnectionError, HandleAbandonedError, MailboxClosedError)


def flush_every(settings: Settings, seconds: float) -> None:
    """Let W&B write its rows to the disk so often; by default it keeps up to 15 s of them in memory.

    Settings whose names begin with ``x_`` may change with any release, and older ones do not have this one.
    """
    if "x_transaction_log_flush_interval" in type(settings).model_fields:
        settings.x_transaction_log_flush_interval = seconds

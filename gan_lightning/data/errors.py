"""What is raised when images cannot be used."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator


class DataError(ValueError):
    """Files are missing, damaged or not what the config says; the message names them and says what to do."""


class BadImage(ValueError):
    """An image's file is damaged.

    Attributes:
        reason: what its decoder raised.
    """

    def __init__(self, reason: Exception) -> None:
        super().__init__(f"{reason}" if isinstance(reason, ValueError) else f"{type(reason).__name__}: {reason}")
        self.reason = reason


@contextlib.contextmanager
def decoding() -> Iterator[None]:
    """Read and decode an image's file, and nothing else: Pillow's decoders raise all kinds of things on damaged files.

    Raises:
        BadImage: for whatever was raised but a lack of memory.
    """
    try:
        yield
    except MemoryError:
        raise
    except Exception as error:
        raise BadImage(error) from error

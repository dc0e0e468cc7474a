"""What is raised when images cannot be used."""

from __future__ import annotations


class DataError(ValueError):
    """Files are missing, damaged or not what the config says; the message names them and says what to do."""

"""The error that a user's input deserves, and what it says of a library that is not there."""


class InputError(ValueError):
    """Something the user gave cannot be used: the message says what and why, and no traceback helps."""


def missing_library(purpose: str, library: str, *, extra: str, error: ImportError) -> str:
    """Say that an optional library cannot be imported, why, and which extra of the package installs it."""
    return f"{purpose} needs {library}, which cannot be imported ({error}): pip install 'gan-lightning[{extra}]'"

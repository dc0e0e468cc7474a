"""The error that a user's input deserves."""


class InputError(ValueError):
    """Something the user gave cannot be used: the message says what and why, and no traceback helps."""

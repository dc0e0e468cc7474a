"""The fixture that runs commands, for the tests here that need one."""

from tests.cli.conftest import commands

__all__ = ["commands"]

"""One readable error for everything that is wrong with a config."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable, Sequence

from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

COMPOSITION_ERRORS: tuple[type[Exception], ...] = (HydraException, OmegaConfBaseException, YAMLError)
"""What Hydra raises, directly or from below, while it composes a config."""


class ConfigError(ValueError):
    """All that is wrong with a config, as messages that each name a key, its value and what is allowed.

    Args:
        messages: one per problem.

    Attributes:
        messages: likewise, without repetitions and with control characters written as escapes.
    """

    def __init__(self, messages: Sequence[str]) -> None:
        self.messages = list(dict.fromkeys(map(_printable, messages)))
        count = len(self.messages)
        head = "The config has a problem:" if count == 1 else f"The config has {count} problems:"
        super().__init__("\n".join([head, *(f"  - {_indented(message)}" for message in self.messages)]))

    def __reduce__(self) -> tuple[type[ConfigError], tuple[list[str]]]:
        return type(self), (self.messages,)


def _printable(message: str) -> str:
    """Escape what a terminal would obey, and what cannot be encoded: a config may be untrusted."""
    if message.isprintable():
        return message
    obeyed = ("Cc", "Cf", "Cs")
    return "".join(
        character.encode("unicode_escape").decode()
        if unicodedata.category(character) in obeyed and character not in "\n\t"
        else character
        for character in message
    )


def _indented(message: str) -> str:
    return message.replace("\n", "\n    ")


def did_you_mean(word: object, candidates: Iterable[str]) -> str:
    """Return "; did you mean 'x'?" for the candidate nearest to ``word``, or an empty string."""
    near = difflib.get_close_matches(str(word), list(candidates), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def allowed_keys(word: object, allowed: Sequence[str]) -> str:
    """Return the end of a sentence about an unknown key: the one that was meant, perhaps, and all of them."""
    near = did_you_mean(word, allowed)
    return f"{near or '.'} Allowed: {', '.join(allowed)}" if allowed else ", where nothing is set"


def composition_error(error: Exception, *, root_keys: Sequence[str]) -> ConfigError:
    """Turn what Hydra raised while composing into a message that names key and file.

    Args:
        error: one of ``COMPOSITION_ERRORS``.
        root_keys: the keys that the root schema allows.
    """
    text = str(error)
    cause = error.__cause__
    if cause is not None and str(cause).splitlines()[:1] not in ([], [text.splitlines()[0]]):
        text = f"{text}\n{cause}"
    if (plain := in_plain_words(text)) is not None:
        return ConfigError([plain])
    file = re.search(r"In '([^']+)'", text)
    unknown = re.search(r"(?:Key|Could not override) '([^']+)'", text)
    if unknown is None or "Could not find" in text:
        return ConfigError([_without_noise(text)])
    full_key = re.search(r"full_key: (\S+)", text)
    key = full_key.group(1) if full_key else unknown.group(1)
    where = f" (in the file {file.group(1)}.yaml)" if file else " (on the command line)"
    if file and key == file.group(1).split("/")[0]:
        return ConfigError(
            [
                f"{key}{where}: no such key at the root of the config. The file's first line is probably missing: "
                "'# @package _global_'. Without it Hydra puts the file's content under its group's name"
            ]
        )
    if "/" in key and not file:
        meant = re.search(r"Did you mean to override (\S+)\?", text)
        hint = f"did you mean {meant[1]}=...?" if meant else f"+{key}=... would add it"
        return ConfigError([f"{key}{where}: nothing in the config chooses of this group; {hint}"])
    if "." in key:
        return ConfigError([f"{key}{where}: no such key in the composed config; +{key}=... would add it"])
    return ConfigError([f"{key}{where}: no such key at the root of the config{allowed_keys(key, root_keys)}"])


_TYPES = {"Integer": "an integer", "Float": "a number"}


def in_plain_words(text: str) -> str | None:
    """Say what Hydra means by its commonest complaints about a command line; None for any other.

    Args:
        text: Hydra's.
    """
    if several := re.match(r"Ambiguous value for argument '([^'=]+)=([^']*)'", text):
        key, values = several.groups()
        return f"{key} = {values}: a list is written {key}=[{values}]; --multirun tries the values one by one"
    if "'hydra/sweeper/optuna' is validated against ConfigStore schema" in text:
        return (
            "hydra/sweeper = optuna: the package hydra-optuna-sweeper has a sweeper of the same name, for Optuna 2; "
            "pip uninstall hydra-optuna-sweeper"
        )
    if refused := re.match(r"Error merging override ([^=]+)=(.*)\n(.*)", text):
        key, value, reason = refused.groups()
        if wrong := re.match(r"Value '.*' of type '.*' could not be converted to (\w+)", reason):
            return f"{key} = {value!r}: must be {_TYPES.get(wrong[1], wrong[1])}"
        if re.match(r"Value '.*' is not a valid bool", reason):
            return f"{key} = {value!r}: must be true or false"
        if wrong := re.match(r"Invalid value '.*', expected one of \[(.*)\]", reason):
            return f"{key} = {value!r}: must be one of {wrong[1]}"
    return None


def _without_noise(text: str) -> str:
    """Drop Hydra's lines about search paths, object types and its own documentation."""
    dropped = ("Config search path", "\tprovider=", "    object_type=", "    reference_type=", "See https://")
    return "\n".join(line for line in text.splitlines() if line.strip() and not line.startswith(dropped))

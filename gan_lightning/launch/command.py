"""What the commands share: Hydra around a task, one clear message for a bad config, and the exit codes.

Exit codes: 0 done, 1 failed, 2 bad config or input (nothing was written), 3 diverged, 128 + n stopped by signal n.
A sweep ends with 0 when all its jobs are done, and otherwise with the worst of their codes (``sweep_report``).
"""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from gan_lightning.config import (
    COMPOSITION_ERRORS,
    SCHEMAS,
    ConfigError,
    check_config,
    composition_error,
    conf_dir,
    root_keys,
)
from gan_lightning.core.errors import InputError
from gan_lightning.core.hydra_internals import share_config_store
from gan_lightning.core.terminal import printable
from gan_lightning.core.version import __version__
from gan_lightning.launch.command_line import for_hydra, key_of, typed_path
from gan_lightning.launch.overrides import COMPOSING, override_errors
from gan_lightning.runs.status import BAD_INPUT, MEANINGS

NUMBERS = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "NODE_RANK", "GROUP_RANK", "SLURM_PROCID", "JSM_NAMESPACE_RANK")
"""Variables by which whatever starts several processes tells each its place."""

SPINS = "10000"
"""Rounds of a waiting thread's loop: some tens of microseconds."""

FULL = (errno.ENOSPC, errno.EDQUOT)
"""Errors of a disk on which there is no more room, whose place in the code says nothing."""

_REFUSALS = ("Only one of --", "Unable to configure handler")
"""How Hydra begins plain ValueErrors about what was typed: flags that exclude one another, a log that has no place."""


def launch(
    config_name: str,
    task: Callable[[DictConfig], Any],
    *,
    command_line: Callable[[Sequence[str]], list[str]] = for_hydra,
    job: Callable[[DictConfig], Any] | None = None,
) -> None:
    """Run ``task`` under Hydra with ``conf/<config_name>.yaml``, and end the process with the right code.

    Args:
        config_name: name of the primary config.
        task: what to do with a composed config.
        command_line: makes of what was typed what Hydra reads.
        job: what to do with a config in a sweep, keeping complaints to itself; None: the command has no sweeps, and
            its config is checked here.
    """
    if "--version" in sys.argv[1:]:  # Hydra would print its own
        print(f"gan-lightning {__version__}")
        return
    share_config_store()
    share_the_processor(os.environ)
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra raises instead of printing and exiting with 1
    decorated = hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name=config_name)(guarded(task, job))
    keys = root_keys(SCHEMAS[f"{config_name}_schema"])
    with no_empty_folder_left(sys.argv[1:]):
        try:
            check_present_folder()
            check_numbers(os.environ)
            sys.argv[1:] = command_line(sys.argv[1:])
            decorated()
            flush_output()
        except SystemExit as ending:
            if not ending.code:
                flush_output()
            raise
        except BrokenPipeError:
            flush_output()
            raise
        except (ConfigError, InputError) as error:
            stop(error)
        except COMPOSING as error:
            messages = override_errors(config_name, sys.argv[1:], keys)
            if not (messages or isinstance(error, COMPOSITION_ERRORS)):
                of_hydra = [argument for argument in sys.argv[1:] if key_of(argument).partition(".")[0] == "hydra"]
                if str(error).startswith(_REFUSALS) or (of_hydra and raised_by_hydra(error)):
                    cause = f": {error.__cause__}" if error.__cause__ else ""
                    stop(InputError(f"{' '.join([*of_hydra, ''])}{error or 'Hydra cannot use it'}{cause}"))
                traceback.print_exc()
                raise SystemExit(1) from None
            stop(ConfigError(messages) if messages else composition_error(error, root_keys=keys))
        except KeyboardInterrupt:
            raise SystemExit(130) from None
        except OSError as error:
            complaint = folder_complaint(error, sys.argv[1:]) or length_complaint(error, sys.argv[1:])
            if complaint is None:
                if error.errno in FULL:
                    print(printable(str(error)), file=sys.stderr)
                else:
                    traceback.print_exc()
                raise SystemExit(1) from None
            stop(InputError(complaint))
        except Exception:
            traceback.print_exc()
            raise SystemExit(1) from None


@contextlib.contextmanager
def no_empty_folder_left(argv: Sequence[str]) -> Iterator[None]:
    """Remove the folders that Hydra has made for a command which is refused, where they are empty."""
    typed = [typed_path(argument) for argument in argv if key_of(argument) == "hydra.run.dir"]
    made = [folder for folder in typed if not os.path.lexists(folder)]
    try:
        yield
    except SystemExit as ending:
        for folder in made if ending.code == BAD_INPUT else ():
            with contextlib.suppress(OSError):
                os.rmdir(folder)
        raise


def raised_by_hydra(error: BaseException) -> bool:
    """Say whether it was Hydra's own code that raised an error, or the standard library that it called."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    packages = [frame.f_globals.get("__name__", "").partition(".")[0] for frame in frames]
    while packages and packages[-1] in sys.stdlib_module_names:
        packages.pop()
    return packages[-1:] == ["hydra"]


def folder_complaint(error: OSError, argv: Sequence[str]) -> str | None:
    """Say that a folder of Hydra's cannot be made, if an error is about one that was typed; else None."""
    for argument in argv:
        if key_of(argument) in ("hydra.run.dir", "hydra.sweep.dir") and error.filename is not None:
            folder = os.path.abspath(typed_path(argument))
            if folder.startswith(os.path.abspath(error.filename)):
                return f"{argument.lstrip('+')}: the folder cannot be made: {error.strerror}"
    return None


def length_complaint(error: OSError, argv: Sequence[str]) -> str | None:
    """Say that a key is longer than any that Hydra can look for, if an error is about that; else None."""
    if error.errno == errno.ENAMETOOLONG and raised_by_hydra(error):
        for argument in argv:
            if (key := key_of(argument)) in str(error.filename):
                return f"{key[:50]}...: no key and no group has a name of {len(key)} characters"
    return None


def flush_output() -> None:
    """Flush the output, and end quietly, as other programs do, where its reader, ``head`` for instance, has gone.

    Raises:
        SystemExit: with the code of SIGPIPE.
    """
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left would be written at the exit
        raise SystemExit(128 + signal.SIGPIPE) from None


def check_present_folder() -> None:
    """Refuse to work in a folder that has been removed, which Hydra and relative paths start from.

    Raises:
        InputError: if there is none.
    """
    try:
        os.getcwd()
    except FileNotFoundError as error:
        raise InputError("the folder in which the command was typed has been removed; change to another one") from error


def check_numbers(environment: Mapping[str, str]) -> None:
    """Refuse a variable that must be a number and is not: the libraries would fail while they are imported.

    Args:
        environment: environment of this process.

    Raises:
        InputError: naming the variable.
    """
    for name in NUMBERS:
        try:
            int(environment.get(name, "0"))
        except ValueError as error:
            raise InputError(
                f"the environment has {name}={environment[name]!r}, which must be a whole number; env -u {name} takes "
                "it away"
            ) from error


def share_the_processor(environment: MutableMapping[str, str]) -> None:
    """Let threads that wait for one another give up their processor soon, unless the user has set how they wait.

    Left alone GNU's OpenMP, which PyTorch brings along, spins for milliseconds. Where another program takes a share of
    the processors, the thread that is waited for does not get one meanwhile, and small networks train tens of times
    slower. On an idle machine of two cores so many spins cost nothing measurable.
    PyTorch reads this when it is imported.

    Args:
        environment: environment of this process; it is changed.
    """
    if not {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"} & environment.keys():
        environment["GOMP_SPINCOUNT"] = SPINS


def guarded(
    task: Callable[[DictConfig], Any], job: Callable[[DictConfig], Any] | None = None
) -> Callable[[DictConfig], Any]:
    """Let a complaint end the process unless other jobs of a sweep wait; without ``job``, check the config first."""

    @functools.wraps(task)  # Hydra asks it for its module
    def run(cfg: DictConfig) -> Any:
        if job is not None and is_sweep():
            return job(cfg)
        try:
            if job is None:
                check_config(cfg)
            return task(cfg)
        except (ConfigError, InputError) as error:
            if is_sweep():
                raise
            stop(error)

    return run


@contextlib.contextmanager
def cleaned_up_on_sigterm() -> Iterator[None]:
    """Let SIGTERM unwind the block, as Ctrl-C does, so that no temporary file of half the result is left behind."""

    def unwind(number: int, frame: object) -> None:
        raise SystemExit(MEANINGS["preempted"].exit_code)

    former = signal.signal(signal.SIGTERM, unwind)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, former)


def is_sweep() -> bool:
    """Return whether the present job is one of a sweep."""
    return HydraConfig.initialized() and HydraConfig.get().mode == RunMode.MULTIRUN


def stop(error: Exception) -> None:
    """Print a message, which may quote what others wrote, and end with exit code 2."""
    print(printable(str(error)), file=sys.stderr)
    raise SystemExit(BAD_INPUT)

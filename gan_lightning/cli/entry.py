"""What the commands share: Hydra around a task, one clear message for a bad config, and the exit codes.

Exit codes: 0 done, 1 failed, 2 bad config or input (nothing was written), 3 diverged, 128 + n stopped by signal n.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, flag_override

from gan_lightning.config import COMPOSITION_ERRORS, SCHEMAS, ConfigError, composition_error, conf_dir, root_keys

BAD_INPUT = 2


class InputError(ValueError):
    """Something the user gave cannot be used: the message says what and why, and no traceback helps."""


class ConfigCheck(Callback):
    """Hydra's callback that checks the composed config before Hydra writes anything.

    Args:
        dry: root keys of the nodes to build on the meta device as part of the check.
    """

    def __init__(self, dry: Sequence[str] = ()) -> None:
        self.dry = list(dry)

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Stop with exit code 2 and all complaints; Hydra would turn an exception of a callback into a warning."""
        from gan_lightning.config import check_config, dry_build

        config = config.copy()
        with flag_override(config, ["struct", "readonly"], False):
            config.hydra.runtime.output_dir = os.path.abspath(config.hydra.run.dir)  # Hydra sets it after this call
        HydraConfig.instance().set_config(config)
        with flag_override(config, ["struct", "readonly"], False):
            del config["hydra"]
        try:
            check_config(config)
            dry_build(config, nodes=self.dry)
        except ConfigError as error:
            stop(error)


def launch(config_name: str, task: Callable[[DictConfig], Any], argv: list[str] | None = None) -> None:
    """Run ``task`` under Hydra with ``conf/<config_name>.yaml``, and end the process with the right code.

    Args:
        config_name: of the primary config.
        task: what to do with a composed config.
        argv: replaces ``sys.argv[1:]``.
    """
    if argv is not None:
        sys.argv[1:] = argv
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra raises instead of printing and exiting with 1
    decorated = hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name=config_name)(task)
    try:
        decorated()
    except COMPOSITION_ERRORS as error:
        keys = root_keys(SCHEMAS[f"{config_name}_schema"])
        messages = composition_error(error, root_keys=keys).messages
        stop(ConfigError([*messages, *other_composition_errors(config_name, sys.argv[1:], keys)]))
    except (ConfigError, InputError) as error:
        stop(error)
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except Exception:
        traceback.print_exc()
        raise SystemExit(1) from None


def stop(error: Exception) -> None:
    """Print a message and end with exit code 2."""
    print(error, file=sys.stderr)
    raise SystemExit(BAD_INPUT)


def other_composition_errors(config_name: str, argv: Sequence[str], keys: Sequence[str]) -> list[str]:
    """Try each override alone, since Hydra stops at the first that is wrong."""
    messages = []
    overrides = [argument for argument in argv if "=" in argument and not argument.startswith("-")]
    with hydra.initialize_config_dir(version_base="1.3", config_dir=str(conf_dir())):
        for override in overrides:
            try:
                hydra.compose(config_name, overrides=[override])
            except COMPOSITION_ERRORS as error:
                messages += composition_error(error, root_keys=keys).messages
    return messages

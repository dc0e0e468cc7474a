"""The config's schema, and the checks that come before anything is built; imports neither torch nor Lightning."""

from gan_lightning.config.builder import build, build_all, node_of
from gan_lightning.config.check import check_config, inspect_config
from gan_lightning.config.errors import COMPOSITION_ERRORS, ConfigError, composition_error
from gan_lightning.config.locate import locate
from gan_lightning.config.paths import conf_dir
from gan_lightning.config.resolvers import register_resolvers
from gan_lightning.config.schema import (
    SCHEMAS,
    Budget,
    CompareConfig,
    EvaluateConfig,
    Moment,
    SampleConfig,
    TrainConfig,
    Weights,
    register_schemas,
    resolve_budget,
    root_keys,
)

__all__ = [
    "COMPOSITION_ERRORS",
    "SCHEMAS",
    "Budget",
    "CompareConfig",
    "ConfigError",
    "EvaluateConfig",
    "Moment",
    "SampleConfig",
    "TrainConfig",
    "Weights",
    "build",
    "build_all",
    "check_config",
    "composition_error",
    "conf_dir",
    "inspect_config",
    "locate",
    "node_of",
    "register_resolvers",
    "register_schemas",
    "resolve_budget",
    "root_keys",
]

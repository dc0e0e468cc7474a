"""The configs of losses, regularizers and stabilizers compose, build, and state the constructors' defaults."""

import inspect
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra.utils import get_class, instantiate
from omegaconf import OmegaConf

from gan_lightning.augment import Augmentation
from gan_lightning.losses import AdversarialLoss, Hinge, NonSaturating
from gan_lightning.regularizers import Regularizer, Stabilizer

CONF = Path(__file__).parents[2] / "conf"
BASES = {"loss": AdversarialLoss, "regularizer": Regularizer, "stabilizer": Stabilizer}
FILES = [(group, path.stem) for group in BASES for path in sorted((CONF / "model" / group).glob("*.yaml"))]
FILES.append(("augment", "instance_noise"))


def composed(*overrides):
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose(overrides=list(overrides))


def test_there_are_configs():
    assert len(FILES) >= 22


@pytest.mark.parametrize(("group", "name"), FILES)
def test_config_builds_and_states_every_argument(group, name):
    config = composed(f"+model/{group}@part={name}").part
    built = instantiate(config)
    assert isinstance(built, {**BASES, "augment": Augmentation}[group])
    parameters = inspect.signature(get_class(config._target_)).parameters
    assert set(config) - {"_target_"} == set(parameters)
    # The variants that only differ by their arguments, and values with no sensible default of their own.
    chosen = {
        "relativistic_average_least_squares",
        "relativistic_average_hinge",
        "squares",
        "r1",
        "r2",
        "instance_noise",
    }
    if name not in chosen:
        for key, parameter in parameters.items():
            if parameter.default is not inspect.Parameter.empty:
                assert config[key] == parameter.default, key


def test_regularizers_and_stabilizers_mount_side_by_side():
    config = composed(
        "+model/regularizer@model.regularizers.r1=r1",
        "+model/regularizer@model.regularizers.r2=r2",
        "+model/stabilizer@model.stabilizers.replay=replay",
        "model.regularizers.r2.weight=5",
    )
    assert config.model.regularizers.r1.weight == 1
    assert config.model.regularizers.r2.weight == 5
    assert config.model.stabilizers.replay.capacity == 50


def test_the_loss_inside_label_flipping_can_be_chosen():
    assert type(instantiate(composed("+model/loss=label_flipping")).model.loss.loss) is NonSaturating
    config = composed("+model/loss=label_flipping", "model/loss@model.loss.loss=hinge")
    assert type(instantiate(config.model.loss.loss)) is Hinge


@pytest.mark.parametrize(("group", "name"), FILES)
def test_header_names_the_formula(group, name):
    text = (CONF / "model" / group / f"{name}.yaml").read_text()
    assert text.startswith("# ")
    assert "_target_" in OmegaConf.load(CONF / "model" / group / f"{name}.yaml")

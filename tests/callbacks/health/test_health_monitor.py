import dataclasses
import inspect
import itertools
import json
import re

import pytest
from omegaconf import OmegaConf

from gan_lightning.callbacks.health import KINDS, Monitor, Present, Trouble
from gan_lightning.callbacks.health.monitor import _KIND_OF
from gan_lightning.callbacks.health.trouble import REMEDIES
from gan_lightning.config import build
from gan_lightning.models import DCGAN


def enter(monitor, rows, *, start=0, accuracy=0.6, gradient=1.0):
    begun = []
    for number in range(start + 1, start + rows + 1):
        begun += monitor.row(10 * number, accuracy=accuracy, gradient=gradient, critic_gradient=1.0)
    return begun


@pytest.fixture
def monitor():
    return Monitor(batch=64, budget_images=1000, present=Present())


def test_trouble_begins_once_lasts_and_may_come_back(monitor):
    enter(monitor, 12)
    (begun,) = enter(monitor, 12, start=12, accuracy=0.1)
    assert (begun.kind, begun.first_images_seen) == ("generator_overpowering", 180)  # the median of ten has turned
    assert monitor.kinds == ["generator_overpowering"]
    assert monitor.troubles["generator_overpowering"].last_images_seen == 240
    enter(monitor, 12, start=24)
    assert monitor.kinds == []
    assert monitor.troubles["generator_overpowering"].last_images_seen == 280
    (again,) = enter(monitor, 12, start=36, accuracy=0.1)
    assert (again.first_images_seen, again.last_images_seen) == (180, 420)
    assert list(monitor.troubles) == ["generator_overpowering"]


def test_the_usual_gradient_is_not_that_of_the_first_step(monitor):
    monitor.row(10, accuracy=1.0, gradient=100.0, critic_gradient=1.0)
    assert enter(monitor, 20, start=1, accuracy=1.0, gradient=0.5) == []
    (begun,) = enter(monitor, 20, start=21, accuracy=1.0, gradient=1e-3)
    assert begun.kind == "discriminator_overpowering"


def test_a_gradient_that_vanishes_at_once_is_seen(monitor):
    monitor.row(10, accuracy=0.5, gradient=1.0, critic_gradient=1.0)
    (begun,) = enter(monitor, 20, start=1, accuracy=1.0, gradient=1e-6)
    assert begun.kind == "discriminator_overpowering"


def always_right(monitor, rows, *, start=0, step=2500, accuracy=1.0):
    """Enter rows with a gradient that has not vanished; return how many images the first warning was after."""
    for number in range(start, start + rows):
        if begun := monitor.row(step * number, accuracy=accuracy, gradient=1.0, critic_gradient=1.0):
            return begun[0].kind, begun[0].first_images_seen
    return None


def test_a_discriminator_that_is_always_right_is_told_after_many_images():
    monitor = Monitor(batch=16, budget_images=10**6, present=Present())
    assert always_right(monitor, 20) is None
    assert always_right(monitor, 1, start=20) == ("discriminator_overpowering", 50_000)
    assert "over the last 50,000 images it ranked 99.5%" in monitor.troubles["discriminator_overpowering"].message
    assert always_right(monitor, 1, start=21, accuracy=0.99) is None
    assert monitor.kinds == []  # and the count begins anew
    assert always_right(monitor, 20, start=22) is None
    assert always_right(monitor, 1, start=42) is not None


@pytest.mark.parametrize(
    ("accuracy", "step", "present"),
    [
        (0.99, 2500, Present()),
        (1.0, 6000, Present()),  # nine rows are too few
        (1.0, 2500, Present(critic=True)),
    ],
)
def test_who_errs_at_times_or_is_a_critic_may_be_right(accuracy, step, present):
    monitor = Monitor(batch=16, budget_images=10**6, present=present)
    assert always_right(monitor, 9 if step > 2500 else 60, step=step, accuracy=accuracy) is None


def test_an_untrained_discriminator_may_prefer_fakes_for_a_tenth_of_the_budget(monitor):
    assert enter(monitor, 9, accuracy=0.0) == []
    assert enter(monitor, 1, start=9, accuracy=0.0) != []
    assert enter(Monitor(batch=64, budget_images=10_000, present=Present()), 30, accuracy=0.0) == []


def test_two_detectors_of_one_kind_are_one_trouble(monitor):
    for seen in range(100, 500, 100):
        monitor.look(seen, diversity=0.01, overfitting=None, memorised=None)
    monitor.classes(500, [1.0, 0.0], [0.5, 0.5])
    monitor.modes(600, [0.0] * 7 + [1.0], covered=None, high_quality=None)
    assert set(monitor.lasting) == {"diversity", "classes", "modes"}
    assert monitor.kinds == list(monitor.troubles) == ["mode_collapse"]
    assert monitor.troubles["mode_collapse"].message == "the generator misses 7 of 8 modes"
    monitor.look(700, diversity=0.9, overfitting=None, memorised=None)
    monitor.modes(800, [1 / 8] * 8, covered=8, high_quality=0.9)
    assert monitor.kinds == ["mode_collapse"]
    monitor.classes(900, [0.5, 0.5], [0.5, 0.5])
    assert monitor.kinds == []


def test_values_that_are_not_finite_are_left_out(monitor):
    assert monitor.row(10, accuracy=float("nan"), gradient=1.0, critic_gradient=1.0) == []
    assert monitor.look(10, diversity=float("inf"), overfitting=float("nan"), memorised=0.5) == []


@pytest.mark.parametrize("stop", [3, 14, 19, 30])
def test_a_monitor_that_was_saved_sees_what_one_that_was_not_would_have_seen(stop):
    def feed(monitor, rows):
        for row in rows:
            accuracy = 0.6 if row < 12 else 1.0 if row > 26 else 0.05
            monitor.row(row * 10, accuracy=accuracy, gradient=1.0, critic_gradient=0.5)
            if row % 4 == 0:
                monitor.look(row * 10, diversity=0.9 if row < 20 else 0.1, overfitting=0.8, memorised=0.9)

    whole, first, second = (Monitor(batch=64, budget_images=500, present=Present()) for _ in range(3))
    feed(whole, range(1, 50))
    feed(first, range(1, stop))
    second.load_state_dict(json.loads(json.dumps(first.state_dict())))  # plain data
    feed(second, range(stop, 50))
    assert second.state_dict() == whole.state_dict()
    assert set(whole.troubles) == {"generator_overpowering", "mode_collapse", "discriminator_overfitting"}


EVERYTHING = {"penalty": "r1", "augmented": True, "adaptive": True, "packed": True, "clipped": True}


def test_every_kind_has_a_detector_and_every_remedy_a_key(train_config):
    assert set(_KIND_OF.values()) == set(KINDS)
    model = train_config("experiment=dcgan_cifar10").model
    for remedy in (remedy for remedies in REMEDIES.values() for remedy in remedies):
        first, *rest = remedy.key.removeprefix("model.").split(".")
        assert first in inspect.signature(DCGAN).parameters
        assert OmegaConf.select(model, first) is None or all(name in model[first] for name in rest)


@pytest.mark.parametrize("kind", KINDS)
def test_the_remedies_name_what_there_is(kind, train_config):
    equipped = train_config("+model/regularizer@model.regularizers.r1=r1", "model/augment=ada")
    for present in (Present(), Present(saturates=True), Present(**EVERYTHING)):
        advice = Trouble.seen(kind, "", 0, present=present).remedy
        assert "{" not in advice
        for override in re.findall(r"\+?model[\w/@.]*=\w+", advice):
            assert train_config(override)
        for key in re.findall(r"model\.[\w.]+(?=[ ,)]|$)", advice):
            parent, _, name = key.rpartition(".")
            assert name in OmegaConf.select(equipped, parent)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_advised_that_is_there_and_there_is_always_something_to_try(kind):
    added = {"r1=r1": "penalty", "diffaugment": "augmented", "augment=ada": "adaptive", "pacgan": "packed"}
    added |= {"clip_norm": "clipped"}
    for values in itertools.product([False, True], repeat=len(EVERYTHING)):
        given = dict(zip(EVERYTHING, values, strict=True))
        given["augmented"] = given["augmented"] or given["adaptive"]
        present = Present(**given | {"penalty": "r1" if given["penalty"] else None})
        advice = Trouble.seen(kind, "", 0, present=present).remedy
        assert advice
        assert not [word for word, name in added.items() if word in advice and given[name]]
        assert "non_saturating" not in advice


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        (["experiment=demo"], {"penalty": "r1", "augmented": True}),
        (["model=gan", "model/loss=minimax"], {"saturates": True}),
        (["model=pacgan", "model/augment=ada"], {"packed": True, "augmented": True, "adaptive": True}),
        (["model=wgan_gp"], {"penalty": "gradient_penalty", "critic": True}),
        (["model=stylegan2", "~model.regularizers.r1"], {"augmented": True, "adaptive": True}),  # left: the generator's
        (["model.updates.generator_clip_norm=1.0"], {}),
        ([f"model.updates.{player}_clip_norm=1.0" for player in ("generator", "discriminator")], {"clipped": True}),
    ],
)
def test_what_a_model_has_is_read_off_it(overrides, expected, train_config):
    config = train_config(*overrides)
    nothing = {"penalty": None, "augmented": False, "adaptive": False, "packed": False, "saturates": False}
    found = dataclasses.asdict(Present.of(build(config.model, key="model")))
    assert found == {**nothing, "clipped": False, "critic": False, **expected}


def test_an_entry_reads_as_words():
    trouble = Trouble.seen("oscillation", "they swing", 64, present=Present()).again("they swing wildly", 128)
    assert trouble.as_dict() == {
        "kind": "oscillation",
        "first_images_seen": 64,
        "last_images_seen": 128,
        "message": "they swing wildly",
        "remedy": "penalize the discriminator's gradients (+model/regularizer@model.regularizers.r1=r1), or lower the "
        "learning rates and the optimizers' first beta",
        "config_key": "model.regularizers",
    }
    assert str(trouble).startswith("they swing wildly. Remedy: penalize")
    with pytest.raises(ValueError, match="'boredom'"):
        Trouble.seen("boredom", "", 0, present=Present())

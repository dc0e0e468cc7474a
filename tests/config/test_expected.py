"""The root key ``expected``: its form, and a message for each thing that is wrong with it."""

import pytest

from gan_lightning.config import ConfigError, check_config
from gan_lightning.config.expected import Expected, expected_problems, read_expected
from tests.conftest import compose_train

GOOD = {"key": "fid50k_train", "value": 16.77, "source": "a paper"}


def test_what_is_not_said_is_null():
    (found,) = read_expected({"expected": [GOOD]})
    assert found == Expected(key="fid50k_train", value=16.77, source="a paper")
    assert (found.spread, found.note, found.preset, found.kimg) == (None, None, None, None)


def test_every_field_is_read():
    whole = {**GOOD, "spread": 0.2, "note": "of other networks", "preset": "sngan", "kimg": 16000}
    assert read_expected({"expected": [whole]}) == [Expected(**whole)]


@pytest.mark.parametrize(
    ("data", "difference"),
    [
        ({"_target_": "a.CIFAR10", "resolution": 32, "flip": True}, None),
        ({"_target_": "a.CIFAR100", "resolution": 32}, "data.class is CIFAR100 here, CIFAR10 there"),
        ({"_target_": "a.CIFAR10", "resolution": 64}, "data.resolution is 64 here, 32 there"),
        (
            {"_target_": "a.Folder"},
            "data.class is Folder here, CIFAR10 there, data.resolution is None here, 32 there",
        ),
    ],
)
def test_scores_of_other_data_are_known_as_such(data, difference):
    entry = {**GOOD, "data": {"class": "CIFAR10", "resolution": 32}}
    (found,) = read_expected({"expected": [entry], "data": data})
    assert found.other_data == difference
    assert read_expected({"expected": [GOOD], "data": data})[0].other_data is None


@pytest.mark.parametrize("config", [{}, {"expected": None}, {"expected": []}])
def test_a_config_from_before_the_key_expects_nothing(config):
    assert read_expected(config) == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"key": None}, "expected[0].key = null: must be given, as key, value, source must"),
        ({"key": ""}, "expected[0].key = '': must be text that is not empty"),
        ({"value": None}, "expected[0].value = null: must be given, as key, value, source must"),
        ({"value": "9"}, "expected[0].value = '9': must be a finite number"),
        ({"value": True}, "expected[0].value = True: must be a finite number"),
        ({"value": float("inf")}, "expected[0].value = inf: must be a finite number"),
        ({"spread": -0.1}, "expected[0].spread = -0.1: must not be negative"),
        ({"spread": "x"}, "expected[0].spread = 'x': must be a finite number"),
        ({"kimg": -1}, "expected[0].kimg = -1: must not be negative"),
        ({"source": " "}, "expected[0].source = ' ': must be text that is not empty"),
        ({"note": 3}, "expected[0].note = 3: must be text that is not empty"),
        ({"preset": ["a"]}, "expected[0].preset = ['a']: must be text that is not empty"),
        ({"split": "test"}, "expected[0].split = 'test': no such key. Allowed: "
         "key, value, source, spread, note, preset, kimg, data"),
        ({"data": "cifar10"}, "expected[0].data = 'cifar10': must be a mapping of keys of data to their values"),
    ],
)  # fmt: skip
def test_every_problem_has_one_message(changes, message):
    assert expected_problems([{**GOOD, **changes}]) == [message]


def test_a_lower_score_than_zero_is_a_score():
    assert expected_problems([{**GOOD, "key": "kid50k_train", "value": -0.01}]) == []


def test_problems_of_all_entries_are_told_at_once():
    cfg = compose_train("expected=[{key: fid50k_train, value: x, source: ''}, 3]")
    with pytest.raises(ConfigError) as caught:
        check_config(cfg)
    assert [message.split(" = ")[0] for message in caught.value.messages] == [
        "expected[0].value",
        "expected[0].source",
        "expected[1]",
    ]


@pytest.mark.parametrize("value", ["3", "null", "fid"])
def test_anything_but_a_list_is_refused(value):
    with pytest.raises(ConfigError, match=r"expected = .*: must be a list of published scores, each with key, value"):
        check_config(compose_train(f"expected={value}"))


def test_what_cannot_be_resolved_is_told_once():
    cfg = compose_train("expected=[{key: fid50k_train, value: '${nothing}', source: a paper}]")
    with pytest.raises(ConfigError) as caught:
        check_config(cfg)
    assert len(caught.value.messages) == 1
    assert caught.value.messages[0].startswith("expected[0].value = '${nothing}': cannot be resolved")


def test_a_run_expects_nothing_of_itself():
    assert check_config(compose_train())["expected"] == []

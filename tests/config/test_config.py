"""The root schema: composition errors name key and file; budgets; the config tree's place."""

import pickle
import subprocess
import sys

import pytest
from hydra import compose, initialize_config_dir
from hypothesis import given
from hypothesis import strategies as st
from omegaconf import OmegaConf

from gan_lightning.config import (
    COMPOSITION_ERRORS,
    Budget,
    ConfigError,
    EvaluateConfig,
    SampleConfig,
    TrainConfig,
    Weights,
    check_config,
    composition_error,
    conf_dir,
    resolve_budget,
    root_keys,
)

FILES = {
    "train.yaml": """
defaults:
  - train_schema
  - _self_
  - data: digits
  - model: linear
  - experiment: null
name: try
output_dir: runs/try
batch_size: 64
budget: {kimg: 1}
""",
    "data/digits.yaml": "_target_: builtins.dict\nresolution: 16\n",
    "model/linear.yaml": "_target_: torch.nn.Linear\nin_features: ${data.resolution}\nout_features: 1\n",
    "experiment/good.yaml": "# @package _global_\nbudget: {kimg: 3}\nmodel: {out_features: 2}\n",
    "experiment/headless.yaml": "seed: 3\n",
    "experiment/misspelt.yaml": "# @package _global_\nbatch_sise: 3\n",
    "experiment/nested.yaml": "# @package _global_\nbudget: {kimgs: 3}\n",
    "experiment/typed.yaml": "# @package _global_\nseed: many\n",
    "experiment/broken.yaml": "# @package _global_\nseed: [1\n",
    "evaluate.yaml": "defaults: [evaluate_schema, _self_]\n",
    "sample.yaml": "defaults: [sample_schema, _self_]\n",
}


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    root = tmp_path_factory.mktemp("conf")
    for name, text in FILES.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.fixture
def composed(tree):
    with initialize_config_dir(str(tree), version_base="1.3"):
        yield lambda *overrides, name="train": compose(name, overrides=list(overrides))


def test_a_good_config_composes_and_passes(composed):
    cfg = composed("experiment=good", "seed=3")
    check_config(cfg)
    assert (cfg.seed, cfg.budget.kimg, cfg.model.out_features, cfg.model.in_features) == (3, 3.0, 2, 16)
    assert cfg.evaluator == {}
    assert cfg.logger == {}
    check_config(composed("evaluator=null"))


@pytest.mark.parametrize(
    ("override", "parts"),
    [
        ("experiment=headless", ["experiment", "experiment/headless.yaml", "# @package _global_"]),
        ("experiment=misspelt", ["batch_sise", "experiment/misspelt.yaml", "did you mean 'batch_size'", "output_dir"]),
        ("experiment=nested", ["budget.kimgs", "experiment/nested.yaml"]),
        ("experiment=typed", ["seed", "'many'", "experiment/typed", "Integer"]),
        ("experiment=broken", ["broken.yaml", "line 2"]),
        ("experiment=absent", ["experiment/absent", "good", "headless"]),
        ("data=digit", ["data/digit", "Available options", "digits"]),
        ("data/noise=normal", ["data/noise", "command line", "+data/noise=... would add it"]),
        ("sede=3", ["sede", "command line", "did you mean 'seed'"]),
        ("data.resolutoin=3", ["data.resolutoin", "command line"]),
        ("seed=many", ["seed = 'many': must be an integer"]),
        ("seed==3", ["seed==3"]),
    ],
)
def test_composition_errors_name_key_and_file(composed, override, parts):
    with pytest.raises(COMPOSITION_ERRORS) as caught:
        composed(override)
    message = str(composition_error(caught.value, root_keys=root_keys(TrainConfig)))
    for part in parts:
        assert part in message
    assert "provider=" not in message
    assert "object_type" not in message


def test_a_plus_does_not_smuggle_keys_past_the_schema(composed):
    with pytest.raises(ConfigError) as caught:
        check_config(composed("+sede=3", "+budget.kimgs=2"))
    assert [m.split(":")[0] for m in caught.value.messages] == ["sede", "budget.kimgs"]
    assert "did you mean 'seed'" in caught.value.messages[0]


def test_rules_of_the_root_are_reported_together(composed):
    cfg = composed("batch_size=0", "seed=-1", "budget.images=5", "~data", "name=???")
    with pytest.raises(ConfigError) as caught:
        check_config(cfg)
    text = str(caught.value)
    for part in ["batch_size = 0", "seed = -1", "budget.images=5", "budget.kimg=1", "data: nothing", "name = ???"]:
        assert part in text


def test_hydras_own_settings_are_not_checked(tree):
    with initialize_config_dir(str(tree), version_base="1.3"):
        cfg = compose("train", return_hydra_config=True)
    assert OmegaConf.is_missing(cfg.hydra.job, "num")
    check_config(cfg)


def test_commands_that_read_a_checkpoint_need_one(composed):
    for name, schema in (("evaluate", EvaluateConfig), ("sample", SampleConfig)):
        if name == "sample":  # gan-evaluate may be given images instead
            with pytest.raises(ConfigError, match=r"ckpt = \?\?\?"):
                check_config(composed(name=name))
        cfg = composed("ckpt=a.ckpt", "weights=raw", name=name)
        check_config(cfg)
        assert cfg.weights == "raw" == Weights.raw
        assert set(cfg) == set(root_keys(schema))
        with pytest.raises(COMPOSITION_ERRORS) as caught:
            composed("weights=mean", name=name)
        assert "'mean': must be one of ema, raw" in str(composition_error(caught.value, root_keys=root_keys(schema)))
    assert composed("labels=[1,2]", "ckpt=a", name="sample").labels == [1, 2]
    with pytest.raises(ConfigError, match="n = 0: must be at least 1"):
        check_config(composed("ckpt=a", "n=0", name="sample"))


@pytest.mark.parametrize(
    ("budget", "images"),
    [
        (Budget(images=7), 7),
        (Budget(kimg=1.5), 1500),
        (Budget(epochs=2.5), 3605),
        ({"kimg": 0.001}, 1),
        ({"epochs": 1 / 1442}, 1),
    ],
)
def test_budget_is_resolved_to_images(budget, images):
    assert resolve_budget(budget, 1442) == images


@pytest.mark.parametrize(
    "budget", [{"kimg": 1e-320}, {"kimg": 0.000999}, {"images": 0.5}, {"epochs": 1e-320}, {"epochs": 0.99 / 1442}]
)
def test_a_budget_of_less_than_an_image_is_refused_by_its_name(budget):
    ((key, value),) = budget.items()
    with pytest.raises(ValueError, match=rf"budget\.{key} = {value}: (must be )?at least one image"):
        resolve_budget(budget, 1442)


@pytest.mark.parametrize(
    ("budget", "message"),
    [
        (Budget(), "exactly one .* none of them"),
        (Budget(kimg=1, epochs=2), r"budget.kimg=1, budget.epochs=2"),
        (Budget(images=0), r"budget.images = 0: must be positive"),
        (Budget(kimg=float("nan")), r"budget.kimg = nan: must be positive"),
    ],
)
def test_bad_budgets_are_refused(budget, message):
    with pytest.raises(ValueError, match=message):
        resolve_budget(budget, 100)


@given(st.integers(1, 10**6), st.integers(1, 10**5))
def test_one_epoch_is_the_training_set(epochs, size):
    assert resolve_budget(Budget(epochs=epochs), size) == epochs * size
    assert resolve_budget(Budget(kimg=epochs), size) == resolve_budget(Budget(images=epochs * 1000), size)


def test_conf_dir_prefers_the_checkout_and_finds_the_wheel(tmp_path):
    package = tmp_path / "gan_lightning"
    with pytest.raises(FileNotFoundError, match=r"conf.train\.yaml or .*gan_lightning.conf.train\.yaml"):
        conf_dir(package)
    for folder in (package / "conf", tmp_path / "conf"):  # the second is found before the first
        folder.mkdir(parents=True)
        assert not (folder / "train.yaml").exists()
        (folder / "train.yaml").touch()
        assert conf_dir(package) == folder


def test_config_error_lists_each_message_once_and_survives_pickling():
    error = ConfigError(["a = 1: no", "b = 2: no\nmore", "a = 1: no"])
    assert str(error) == "The config has 2 problems:\n  - a = 1: no\n  - b = 2: no\n    more"
    assert pickle.loads(pickle.dumps(error)).messages == error.messages
    assert "a problem" in str(ConfigError(["x"]))


def test_a_config_cannot_send_control_characters_to_the_terminal():
    error = ConfigError(["a\x1b[31m = 'caf\udce9': no\r\u202egnp.exe\u0007\tü💥\nmore"])
    assert error.messages == [r"a\x1b[31m = 'caf\udce9': no\r\u202egnp.exe\x07" + "\tü💥\nmore"]


def test_importing_the_config_imports_no_heavy_library():
    heavy = "torch", "lightning", "torchvision", "sklearn", "numpy"
    code = f"import sys, gan_lightning.config, gan_lightning.config.builder; print({{*{heavy}}} & {{*sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"

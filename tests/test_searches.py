"""Search spaces: Optuna's, with a study that goes on, and the one for W&B's agents."""

from __future__ import annotations

import optuna
import pytest
import yaml
from hydra import compose, initialize_config_dir
from hydra.core.hydra_config import HydraConfig
from optuna.distributions import UniformDistribution
from optuna.trial import TrialState

from gan_lightning.config import check_config
from gan_lightning.launch.search import remaining
from gan_lightning.runs.summary import tracker_summary
from tests.conftest import CONF, compose_train

SWEEP = yaml.safe_load((CONF.parent / "docs" / "wandb_sweep.yaml").read_text(encoding="utf-8"))
SPACE = {"lr": UniformDistribution(0.0, 1.0)}


@pytest.fixture
def study() -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna.create_study()


def asked(study: optuna.Study) -> optuna.Trial:
    trial = study.ask()
    trial._suggest("lr", SPACE["lr"])
    return trial


def test_a_stopped_search_counts_what_is_complete_and_tries_again_what_was_cut_off(study):
    assert remaining(study, 3) == 3
    study.tell(asked(study), 0.5)
    cut_off = asked(study)
    assert remaining(study, 3) == 2
    assert [trial.state for trial in study.trials] == [TrialState.COMPLETE, TrialState.FAIL, TrialState.WAITING]
    again = study.ask()  # and is cut off once more, before it takes its parameters
    assert again.params == {}
    assert remaining(study, 3) == 2
    again = asked(study)
    assert again.params == cut_off.params
    study.tell(again, 0.4)
    assert remaining(study, 3) == 1
    assert remaining(study, 2) == remaining(study, 1) == 0


def test_a_repair_that_was_cut_off_itself_queues_no_trial_twice(study, monkeypatch):
    cut_off = asked(study)
    with monkeypatch.context() as patch:
        patch.setattr(study, "tell", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            remaining(study, 1)
    assert remaining(study, 1) == 1
    assert [trial.state for trial in study.trials] == [TrialState.FAIL, TrialState.WAITING]
    assert asked(study).params == cut_off.params


def test_the_ready_search_space_composes_at_both_ends():
    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        cfg = compose("train", overrides=["+sweep=search_digits"], return_hydra_config=True)
        HydraConfig.instance().set_config(cfg)
        sweeper = cfg.hydra.sweeper
        assert sweeper.storage == "sqlite:///runs/search_digits/study.db"
        assert sweeper._target_.endswith("OptunaSweeper")
        assert len(sweeper.params) == 3
    for end in (0, 1):
        values = []
        for key, text in sweeper.params.items():
            low, high = text.partition("interval(")[2].rstrip(")").split(",")
            values.append(f"{key}={(low, high)[end]}")
            assert float(low) < float(high)
        check_config(compose_train("experiment=demo", *values))


def test_the_command_of_wandbs_agents_composes_and_its_metric_is_one_of_the_run():
    from wandb.sdk.launch.sweeps.utils import create_sweep_command, create_sweep_command_args

    chosen = {key: {"value": space["min"]} for key, space in SWEEP["parameters"].items()}
    macros = create_sweep_command_args({"args": chosen})
    command: list[str] = []
    for chunk in create_sweep_command(list(SWEEP["command"])):
        command += {"${env}": [], "${args_no_hyphens}": macros["args_no_hyphens"]}.get(chunk, [chunk])
    assert command[0] == SWEEP["program"] == "gan-train"
    overrides = [word for word in command[1:] if not word.startswith("hydra.")]
    cfg = compose_train(*overrides)
    check_config(cfg)
    assert cfg.model.regularizers.r1.weight == SWEEP["parameters"]["model.regularizers.r1.weight"]["min"]
    assert cfg.logger.wandb.mode == "online"
    assert f"fd{cfg.evaluator.samples // 1000}k_train_digits" == SWEEP["metric"]["name"].partition("/")[2]
    score = {"value": 1.0, "stderr": None, "images_seen": 1, "higher_is_better": False}
    record = {"status": "finished", "images_seen": 1, "wall_time_s": 1.0, "message": None}
    record |= {"scores": {"final": {}, "best": {"fd2k_train_digits": score}}}
    assert SWEEP["metric"]["name"] in tracker_summary(record)

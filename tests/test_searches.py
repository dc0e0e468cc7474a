"""Search spaces: Optuna's, with a study that goes on, and the one for W&B's agents."""

from __future__ import annotations

import copy
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import optuna
import pytest
import yaml
from hydra import compose, initialize_config_dir
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState

from gan_lightning.config import ConfigError, check_config, composition_error
from gan_lightning.core.errors import InputError
from gan_lightning.launch import search_settings
from gan_lightning.launch.search import RESULTS, ask, open_study, remaining, search
from gan_lightning.launch.search_settings import SearchSettings, probes, read_settings
from gan_lightning.runs.results import tracker_summary
from gan_lightning.runs.status import WORST
from tests.conftest import CONF, compose_train

SWEEP = yaml.safe_load((CONF.parent / "docs" / "wandb_sweep.yaml").read_text(encoding="utf-8"))
SPACE = {"lr": "interval(0.0, 1.0)", "steps": "range(1, 4)"}

with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
    COMPOSED = compose("train", overrides=["hydra/sweeper=optuna"], return_hydra_config=True)


def config_of(params: Any = SPACE, **settings: Any) -> DictConfig:
    config = OmegaConf.create({"seed": 3, "hydra": {"sweeper": copy.deepcopy(COMPOSED.hydra)._content["sweeper"]}})
    config.hydra.sweep = {"dir": "unused"}
    OmegaConf.set_struct(config, False)
    config.hydra.sweeper.params = params
    for key, value in settings.items():
        OmegaConf.update(config.hydra.sweeper, key, value, merge=False, force_add=True)
    return config


def settings_of(folder: Path, *arguments: str, params: Any = SPACE, **settings: Any) -> SearchSettings:
    settings.setdefault("storage", f"sqlite:///{folder}/study.db")
    return read_settings(config_of(params, **settings), arguments)


class Jobs:
    """Stands for Hydra's launcher: computes objectives, and keeps the command lines that it was given."""

    def __init__(self, objective: Callable[[dict[str, str]], Any], dies_at: int | None = None) -> None:
        self.objective, self.dies_at = objective, dies_at
        self.batches: list[list[dict[str, str]]] = []

    def __call__(self, lines: Sequence[Sequence[str]], *, initial_job_idx: int) -> list[Any]:
        assert initial_job_idx == sum(map(len, self.batches))
        self.batches.append([dict(word.split("=", 1) for word in line) for line in lines])
        return [self.run(values, initial_job_idx + number) for number, values in enumerate(self.batches[-1])]

    def run(self, values: dict[str, str], number: int) -> Any:
        if number == self.dies_at:
            raise SystemExit(143)
        hydra_cfg = OmegaConf.create({"hydra": {"runtime": {"output_dir": f"runs/{number}"}}})
        return SimpleNamespace(return_value=self.objective(values), hydra_cfg=hydra_cfg)

    @property
    def lines(self) -> list[dict[str, str]]:
        return [line for batch in self.batches for line in batch]


def trials_of(settings: SearchSettings) -> list[optuna.trial.FrozenTrial]:
    return optuna.load_study(study_name=settings.study_name, storage=settings.storage).trials


def distance(values: dict[str, str]) -> float:
    return (float(values["lr"]) - 0.3) ** 2 + 0.1 * int(values["steps"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("interval(0.1, 2)", FloatDistribution(0.1, 2.0)),
        ("interval(1, 5)", FloatDistribution(1.0, 5.0)),
        ("int(interval(1, 5))", IntDistribution(1, 5)),
        ("tag(log, interval(1e-4, 0.1))", FloatDistribution(1e-4, 0.1, log=True)),
        ("tag(log, int(interval(1, 64)))", IntDistribution(1, 64, log=True)),
        ("range(1, 6, 2)", IntDistribution(1, 5, step=2)),
        ("range(4)", IntDistribution(0, 3)),
        ("range(6, 1, -2)", IntDistribution(2, 6, step=2)),
        ("range(0.25, 1, 0.25)", FloatDistribution(0.25, 0.75, step=0.25)),
        ("choice(hinge, least_squares)", CategoricalDistribution(["hinge", "least_squares"])),
        ("16,32", CategoricalDistribution([16, 32])),
    ],
)
def test_a_space_in_hydras_grammar_is_optunas(text, expected, tmp_path):
    assert settings_of(tmp_path, params={"key": text}).space == {"key": expected}


def test_the_command_line_beats_the_file_for_spaces_and_fixed_values_alike(tmp_path):
    params = {"a": "interval(0, 1)", "b": "7", "c": "1,2"}
    settings = settings_of(tmp_path, "a=0.5", "b=choice(8,9)", "~logger", "+x.y=[1,2]", params=params)
    assert settings.space == {"c": CategoricalDistribution([1, 2]), "b": CategoricalDistribution([8, 9])}
    assert settings.fixed == ["a=0.5", "~logger", "+x.y=[1,2]"]
    assert probes(settings) == [[*settings.fixed, line] for line in ("c=1", "c=2", "b=8", "b=9")]


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no trials": ({"n_trials": 0}, "hydra.sweeper.n_trials = 0: must be a whole number of at least 1"),
    "a text": ({"n_jobs": "two"}, "hydra.sweeper.n_jobs = two: must be a whole number of at least 1"),
    "a truth": ({"seeds_per_trial": True}, "hydra.sweeper.seeds_per_trial = True: must be a whole number"),
    "the other direction": ({"direction": "maximize"}, "hydra.sweeper.direction = maximize: must be minimize or null"),
    "a misspelled key": ({"n_trails": 3}, "hydra.sweeper.n_trails: no such key; did you mean 'n_trials'?"),
    "a study without a name": ({"study_name": ""}, "hydra.sweeper.study_name = : must be text"),
    "another sampler": ({"sampler": {"_target_": "os.system"}}, "sampler = os.system: must be chosen with"),
    "a pruner as a word": ({"pruner": "median"}, "pruner = median: must be chosen with hydra/sweeper/pruner="),
    "a sampler's argument": ({"sampler.n_start": 3}, "hydra.sweeper.sampler = {"),
    "no space": ({"params": None}, "hydra.sweeper.params: there is nothing to search"),
    "a list of spaces": ({"params": ["lr=1,2"]}, "must map keys to search spaces"),
    "a logarithm of zero": ({"params": {"lr": "tag(log, interval(0, 1))"}}, "lr = tag(log, interval(0, 1)): the ends"),
    "an endless end": ({"params": {"lr": "interval(0, inf)"}}, "the ends must be finite"),
    "the ends exchanged": ({"params": {"lr": "interval(2, 1)"}}, "the lower one first"),
    "an empty range": ({"params": {"lr": "range(3, 3)"}}, "it has no values"),
    "an unknown tag": ({"params": {"lr": "tag(wide, interval(0, 1))"}}, "the tag wide is not known"),
    "a logarithm of words": ({"params": {"lr": "tag(log, choice(a, b))"}}, "the tag log is for numbers"),
    "a glob": ({"params": {"model": "glob(*)"}}, "model = glob(*): this cannot be searched over"),
    "an open bracket": ({"params": {"lr": "interval(1"}}, "lr = interval(1: "),
    "seeds twice": ({"seeds_per_trial": 2, "params": {"seed": "1,2"}}, "seed: it cannot be searched over"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_search_is_refused_by_key_value_and_what_is_allowed(case, tmp_path):
    settings, message = WRONG[case]
    with pytest.raises(ConfigError) as caught:
        settings_of(tmp_path, **settings)
    assert len(caught.value.messages) == 1
    assert message in caught.value.messages[0]


@pytest.mark.parametrize(
    ("version", "message"), [(None, "Optuna is missing"), ("2.10.1", "Optuna 2.10.1 is installed")]
)
def test_a_search_without_a_fitting_optuna_names_what_installs_it(version, message, monkeypatch, tmp_path):
    monkeypatch.setattr(search_settings.importlib.util, "find_spec", lambda name: version and object())
    monkeypatch.setattr(search_settings.metadata, "version", lambda name: version)
    with pytest.raises(ConfigError, match=rf"{message}.*pip install 'gan-lightning\[sweep\]'"):
        settings_of(tmp_path)


def test_the_sweeper_for_optuna_2_beside_ours_is_named():
    error = ValueError("'hydra/sweeper/optuna' is validated against ConfigStore schema with the same name.\nMore")
    (message,) = composition_error(error, root_keys=()).messages
    assert message.endswith("pip uninstall hydra-optuna-sweeper")


def test_a_search_asks_in_batches_until_the_study_is_as_long_as_wanted(tmp_path):
    settings = settings_of(tmp_path, "batch_size=16", n_trials=5, n_jobs=2)
    jobs = Jobs(distance)
    search(settings, folder=tmp_path, launch=jobs)
    assert [len(batch) for batch in jobs.batches] == [2, 2, 1]
    assert all(line["batch_size"] == "16" and "seed" not in line for line in jobs.lines)
    trials = trials_of(settings)
    assert [trial.value for trial in trials] == [distance(line) for line in jobs.lines]
    best = min(trials, key=lambda trial: trial.value)
    stored = yaml.safe_load((tmp_path / RESULTS).read_text())
    assert stored == {"name": "optuna", "best_params": best.params, "best_value": best.value}
    assert best.user_attrs["folders"] == [f"runs/{best.number}"]
    search(settings, folder=tmp_path, launch=Jobs(lambda values: 1 / 0))  # nothing is left
    assert trials_of(settings) == trials


@pytest.mark.parametrize(("sampler", "dies_at"), [("tpe", 3), ("random", 0)])
def test_an_interrupted_search_tries_what_an_undisturbed_one_does(sampler, dies_at, tmp_path):
    node = yaml.safe_load((CONF / "hydra" / "sweeper" / "sampler" / f"{sampler}.yaml").read_text())
    if sampler == "tpe":
        node["n_startup_trials"] = 2
    (tmp_path / "whole").mkdir()
    whole = settings_of(tmp_path / "whole", n_trials=5, sampler=node)
    search(whole, folder=tmp_path / "whole", launch=Jobs(distance))
    settings = settings_of(tmp_path, n_trials=5, sampler=node)
    with pytest.raises(SystemExit):
        search(settings, folder=tmp_path, launch=Jobs(distance, dies_at=dies_at))
    search(settings, folder=tmp_path, launch=Jobs(distance))
    done = [trial for trial in trials_of(settings) if trial.state is TrialState.COMPLETE]
    assert [trial.params for trial in done] == [trial.params for trial in trials_of(whole)]
    assert len({str(trial.params) for trial in done}) == 5


def test_a_trials_value_is_the_mean_over_its_seeds(tmp_path):
    settings = settings_of(tmp_path, "seed=5", n_trials=2, seeds_per_trial=3)
    jobs = Jobs(lambda values: float(values["seed"]) ** 2)
    search(settings, folder=tmp_path, launch=jobs)
    assert [line["seed"] for line in jobs.lines] == ["3", "4", "5"] * 2  # config.seed is what seed=5 would have set
    for trial in trials_of(settings):
        assert trial.value == pytest.approx((9 + 16 + 25) / 3, abs=1e-12)
        assert trial.intermediate_values == pytest.approx({1: 9, 2: 12.5, 3: 50 / 3})
        assert len(trial.user_attrs["folders"]) == 3


def test_a_pruner_ends_a_trial_between_its_seeds(tmp_path):
    pruner = {"_target_": "optuna.pruners.MedianPruner", "n_startup_trials": 2, "n_warmup_steps": 0}
    settings = settings_of(tmp_path, params={"lr": "choice(0.1,0.2,0.9)"}, n_trials=8, seeds_per_trial=2, pruner=pruner)
    jobs = Jobs(lambda values: float(values["lr"]))
    search(settings, folder=tmp_path, launch=jobs)
    trials = trials_of(settings)
    states = {(trial.params["lr"], trial.state) for trial in trials[2:]}
    assert (0.1, TrialState.COMPLETE) in states
    assert (0.9, TrialState.PRUNED) in states
    assert (0.1, TrialState.PRUNED) not in states
    seeds = sum(2 if trial.state is TrialState.COMPLETE else 1 for trial in trials)
    assert len(jobs.lines) == seeds
    assert all(trial.intermediate_values.keys() == {1} for trial in trials if trial.state is TrialState.PRUNED)


def test_a_run_without_a_score_is_the_worst_and_the_end_of_its_trial(tmp_path):
    settings = settings_of(tmp_path, params={"lr": "interval(0, 1)"}, n_trials=4, seeds_per_trial=2)
    jobs = Jobs(lambda values: WORST if values["seed"] == "4" else 1.0)
    search(settings, folder=tmp_path, launch=jobs)
    assert {trial.value for trial in trials_of(settings)} == {WORST}
    assert not (tmp_path / RESULTS).exists()
    jobs = Jobs(lambda values: WORST)
    search(settings_of(tmp_path, n_trials=6, seeds_per_trial=2), folder=tmp_path, launch=jobs)
    assert len(jobs.lines) == 2


def test_a_job_that_raises_is_a_failed_trial_and_the_search_goes_on(tmp_path):
    class Raises:
        @property
        def return_value(self) -> float:
            raise RuntimeError("this job's config was refused")

    jobs = Jobs(distance)
    calm, jobs.run = jobs.run, lambda values, number: Raises() if number == 1 else calm(values, number)
    settings = settings_of(tmp_path, n_trials=3)
    search(settings, folder=tmp_path, launch=jobs)
    states = [trial.state for trial in trials_of(settings)]
    assert states == [TrialState.COMPLETE, TrialState.FAIL, TrialState.COMPLETE]
    assert len({str(trial.params) for trial in trials_of(settings)}) == 3


def test_equal_trials_of_a_batch_are_one_job(tmp_path):
    settings = settings_of(tmp_path, params={"steps": "choice(1, 2)"}, n_trials=6, n_jobs=6)
    jobs = Jobs(lambda values: float(values["steps"]))
    search(settings, folder=tmp_path, launch=jobs)
    assert sorted(line["steps"] for line in jobs.lines) == ["1", "2"]
    assert all(trial.value == float(trial.params["steps"]) for trial in trials_of(settings))


def test_another_searchs_study_is_refused_with_a_way_out(tmp_path):
    settings = settings_of(tmp_path, n_trials=1, params={"loss": "choice(a, b)"})
    search(settings, folder=tmp_path, launch=Jobs(lambda values: 1.0))
    changed = settings_of(tmp_path, n_trials=2, params={"loss": "choice(a, b, c)"})
    with pytest.raises(InputError, match=r"loss = .*the study has it as .*hydra\.sweep\.dir=\.\.\."):
        open_study(changed)
    (tmp_path / "other").mkdir()
    other = settings_of(tmp_path / "other")
    optuna.create_study(study_name=other.study_name, storage=other.storage, direction="maximize")
    with pytest.raises(InputError, match="the study maximizes"):
        open_study(other)


def test_a_study_of_optuna_2_is_refused_with_a_way_out(tmp_path):
    settings = settings_of(tmp_path)
    open_study(settings)
    with sqlite3.connect(tmp_path / "study.db") as database:
        database.execute("update alembic_version set version_num = 'v2.6.0.a'")
        database.execute("update version_info set library_version = '2.10.1'")
    database.close()
    with pytest.raises(InputError, match=r"hydra\.sweeper\.storage = .*hydra\.sweep\.dir=\.\.\. names a folder"):
        open_study(settings)


@pytest.mark.parametrize("damage", ["text", "truncated", "foreign", "folder", "locked"])
def test_a_study_that_cannot_be_used_is_named_and_left_as_it_is(tmp_path, damage):
    settings = settings_of(tmp_path, n_trials=1)
    search(settings, folder=tmp_path, launch=Jobs(distance))
    file = tmp_path / "study.db"
    whole = file.read_bytes()
    database = None
    if damage == "text":
        file.write_text("not a database " * 500)
    elif damage == "truncated":
        file.write_bytes(whole[: len(whole) // 2])
    elif damage in ("foreign", "folder"):
        file.unlink()
        file.mkdir() if damage == "folder" else sqlite3.connect(file).execute("create table studies (a int)")
    else:
        database = sqlite3.connect(file)
        database.execute("begin exclusive")
        settings = replace(settings, storage=f"{settings.storage}?timeout=0.1")
    before = file.read_bytes() if file.is_file() else None
    jobs = Jobs(distance)
    with pytest.raises(InputError, match=r"hydra\.sweeper\.storage = sqlite:///.*study\.db.*hydra\.sweep\.dir=\.\.\."):
        search(replace(settings, n_trials=2), folder=tmp_path, launch=jobs)
    if database is not None:
        database.close()
    assert not jobs.lines
    assert damage == "foreign" or before == (file.read_bytes() if file.is_file() else None)


@pytest.mark.parametrize("name", ["a b", "a?b", "a#b", "100%", "a%20b", "ü", "a&b=c"])
def test_the_study_lies_in_the_sweeps_folder_whatever_its_name(name, tmp_path):
    config = config_of(storage=None, n_trials=1)
    config.hydra.sweep.dir = str(tmp_path / name)
    Path(config.hydra.sweep.dir).mkdir()
    search(read_settings(config, []), folder=tmp_path, launch=Jobs(distance))
    assert (tmp_path / name / "study.db").is_file()
    assert {path.name for path in tmp_path.iterdir()} - {".lock"} == {name, RESULTS}


@pytest.fixture
def settings(tmp_path) -> SearchSettings:
    return settings_of(tmp_path, n_trials=3)


@pytest.fixture
def study(settings) -> optuna.Study:
    return open_study(settings)


def wanted(settings: SearchSettings, count: int) -> SearchSettings:
    return SearchSettings(**{**vars(settings), "n_trials": count})


def test_a_stopped_search_counts_what_is_complete_and_tries_again_what_was_cut_off(study, settings, monkeypatch):
    assert remaining(study, settings) == 3
    study.tell(ask(study, settings), 0.5)
    cut_off = ask(study, settings)
    assert remaining(study, settings) == 2
    assert [trial.state for trial in study.trials] == [TrialState.COMPLETE, TrialState.FAIL, TrialState.WAITING]
    again = study.ask()  # and is cut off once more, before it takes its parameters
    assert again.params == {}
    assert remaining(study, settings) == 2
    again = ask(study, settings)
    assert again.params == cut_off.params
    study.tell(again, 0.4)
    assert remaining(study, settings) == 1
    assert remaining(study, wanted(settings, 2)) == remaining(study, wanted(settings, 1)) == 0


def test_a_trial_that_was_cut_off_before_it_had_all_its_parameters_is_asked_for_anew(study, settings):
    drawn = ask(study, settings).params
    remaining(study, wanted(settings, 1))
    study.tell(ask(study, settings), 0.5)
    study.ask({"lr": settings.space["lr"]})
    assert remaining(study, settings) == 2
    assert [trial.state for trial in study.trials][-1] is TrialState.FAIL
    new = ask(study, settings).params
    assert new.keys() == drawn.keys()
    assert new != drawn


def test_a_repair_that_was_cut_off_itself_queues_no_trial_twice(study, settings, monkeypatch):
    cut_off = ask(study, settings)
    with monkeypatch.context() as patch:
        patch.setattr(study, "tell", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            remaining(study, settings)
    assert remaining(study, wanted(settings, 1)) == 1
    assert [trial.state for trial in study.trials] == [TrialState.FAIL, TrialState.WAITING]
    assert ask(study, settings).params == cut_off.params


def test_the_ready_search_space_composes_at_both_ends():
    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        cfg = compose("train", overrides=["+sweep=search_digits"], return_hydra_config=True)
        HydraConfig.instance().set_config(cfg)
        sweeper = cfg.hydra.sweeper
        assert cfg.hydra.sweep.dir == "runs/search_digits"
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

import torch

from gan_lightning.loggers.base import plain
from gan_lightning.runs.origin import Origin, hardware
from gan_lightning.runs.provenance import config_hash, git_commit
from gan_lightning.runs.summary import outcome

CONFIG = {"name": "demo", "seed": 1, "model": {"lr": 0.5}}


def test_the_record_says_with_what_and_on_what_a_run_runs():
    record = Origin(overrides=["seed=1"], sweep="s", job="3", swept=["seed=1"]).record(CONFIG)
    assert plain(record) == record  # trackers take nothing else
    assert (record["overrides"], record["sweep"], record["job"]) == (["seed=1"], "s", "3")
    assert (record["config_hash"], record["git_commit"]) == (config_hash(CONFIG), git_commit())
    assert record["versions"]["torch"].split("+")[0] == torch.__version__.split("+")[0]
    assert record["versions"]["hydra-core"].startswith("1.")
    assert record["hardware"]["cpus"] >= 1


def test_gpus_are_named_with_their_memory(monkeypatch):
    class Properties:
        name, total_memory = "Big GPU", 80 * 2**30

    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    monkeypatch.setattr("torch.cuda.get_device_properties", lambda index: Properties())
    assert hardware()["gpus"] == ["Big GPU (80 GiB)"] * 2


def test_seeds_share_a_group_and_other_configurations_do_not():
    origin = Origin()
    assert origin.group(CONFIG) == origin.group({**CONFIG, "seed": 7})
    assert origin.group(CONFIG) != origin.group({**CONFIG, "model": {"lr": 0.25}})
    assert (origin.name(CONFIG), origin.tags()) == ("demo", [])


def test_a_tag_has_at_most_64_characters():
    assert [len(tag) for tag in Origin(sweep="x" * 100).tags()] == [64]


def test_the_outcome_has_final_and_best_scores_with_their_protocols():
    entry = {"value": 3.0, "stderr": None, "higher_is_better": False, "protocol": {"samples": 10}, "images_seen": 200}
    results = {
        "status": "diverged",
        "images_seen": 300,
        "wall_time_s": 1.5,
        "error": None,
        "health": [{"kind": "oscillation"}, {"kind": "divergence"}],
        "scores": {
            "final": {"fd": {**entry, "value": float("nan"), "images_seen": 300}},
            "best": {"fd": entry},
        },
    }
    assert outcome(results) == {
        "status": "diverged",
        "images_seen": 300,
        "wall_time_s": 1.5,
        "health": "oscillation, divergence",
        "final/fd": "NaN",
        "protocol/fd": {"samples": 10},
        "higher_is_better/fd": False,
        "best/fd": 3.0,
        "best_images_seen/fd": 200,
    }
    failed = outcome({**results, "health": [], "error": "RuntimeError: no"})
    assert (failed["health"], failed["error"]) == ("healthy", "RuntimeError: no")

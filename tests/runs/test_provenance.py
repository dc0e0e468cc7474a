import subprocess

import torch

from gan_lightning.loggers.base import plain
from gan_lightning.runs.provenance import PACKAGES, Origin, config_hash, git_commit, hardware, swept

CONFIG = {"name": "demo", "seed": 1, "model": {"lr": 0.5}}


def test_the_record_says_with_what_and_on_what_a_run_runs():
    record = Origin(overrides=["seed=1"], sweep="s", job="3", swept=["seed=1"]).record(CONFIG)
    assert plain(record) == record  # trackers take nothing else
    assert (record["overrides"], record["sweep"], record["job"]) == (["seed=1"], "s", "3")
    assert (record["config_hash"], record["git_commit"]) == (config_hash(CONFIG), git_commit())
    assert record["versions"]["torch"].split("+")[0] == torch.__version__.split("+")[0]
    assert record["versions"]["hydra-core"].startswith("1.")
    assert set(record["versions"]) == {"python", "gan_lightning", *PACKAGES}
    assert all(record["versions"][name] for name in ("python", "gan_lightning"))
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


def test_what_all_jobs_share_is_not_swept(tmp_path):
    overrides = ["data=digits", "seed=1"]
    assert swept(overrides, tmp_path) == overrides
    (tmp_path / "multirun.yaml").write_text("hydra:\n  overrides:\n    task: [data=digits, 'seed=0,1']\n")
    assert swept(overrides, tmp_path) == ["seed=1"]
    for damaged in (b"- nothing\n", b"hydra:\n\xff", b"\0" * 64, b"[" * 5000):
        (tmp_path / "multirun.yaml").write_bytes(damaged)
        assert swept(overrides, tmp_path) == overrides


def test_the_config_hash_ignores_seed_name_place_and_what_is_published_only():
    def config(seed, folder, lr=0.1):
        return {
            "name": f"run{seed}",
            "seed": seed,
            "output_dir": folder,
            "paths": {"data": "/somewhere" + folder},
            "trainer": {"default_root_dir": folder, "log": f"{folder}/log", "near": "/keep/b2"},
            "data": {"root": f"/somewhere{folder}/digits"},
            "model": {"updates": {"seed": seed}, "optimizers": [{"lr": lr}]},
        }

    reference = config_hash(config(0, "runs/a"))
    assert config_hash(config(1, "/scratch/b")) == reference
    relative = {**config(0, "runs/c"), "paths": {"data": "/d"}, "data": {"root": "/d/digits"}}
    assert config_hash(relative) == reference
    assert config_hash(config(0, "runs/a", lr=0.2)) != reference
    assert config_hash({**config(0, "runs/a"), "batch_size": 64}) != reference
    published = {"key": "fid50k_train", "value": 9.0, "source": "a paper"}
    assert config_hash({**config(0, "runs/a"), "expected": [published]}) == reference
    assert len(reference) == 12


def test_the_commit_is_that_of_a_checkout_and_of_nothing_else(tmp_path):
    def git(*arguments):
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
        subprocess.run(["git", *identity, *arguments], cwd=tmp_path, check=True, capture_output=True)

    (tmp_path / "__init__.py").write_text("")
    assert git_commit(tmp_path) is None
    git("init")
    assert git_commit(tmp_path) is None  # a package installed below somebody's repository
    git("add", ".")
    git("commit", "-m", "first")
    commit = git_commit(tmp_path)
    assert commit is not None
    assert len(commit) == 40
    (tmp_path / "__init__.py").write_text("x = 1\n")
    assert git_commit(tmp_path) == f"{commit}-dirty"

"""The 2-D benchmark: every experiment of its table runs, and a small one moves to the modes."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser

from gan_lightning.config import build_all, check_config
from gan_lightning.core.errors import InputError
from gan_lightning.networks import PackedDiscriminator
from tests.conftest import CONF, LONG, compose_train
from tests.contract.variants import fit

METHODS = ["gan", "pacgan2", "pacgan3", "pacgan4", "unrolled", "wgan_gp", "r3"]
TABLE = [f"{data}_{method}" for data in ("ring", "grid") for method in METHODS]

# updates of the discriminator after the whole budget
UPDATES = {"unrolled": 25_000, "wgan_gp": 500_000}
# trainable parameters of generator and discriminator
COUNTS = {
    "unrolled": (49_666, 17_025),
    "wgan_gp": (527_874, 527_361),
    **{f"pacgan{m}": (484_802, 405_201 + 2_000 * (m - 1)) for m in (2, 3, 4)},
}


def build_parts(*overrides: str) -> tuple[Any, Any, Any]:
    cfg = compose_train("logger=none", *overrides)
    config = check_config(cfg)
    nodes = {key: config[key] for key in ("model", "data", "evaluator")}
    build_all(nodes, trust=True, rehearse=True)
    torch.manual_seed(config["seed"])
    model, data, evaluator = build_all(nodes, trust=True).values()
    return model, data, evaluator


def scores(model: Any, data: Any, evaluator: Any) -> dict[str, float]:
    result = evaluator.evaluate(
        lambda indices: model.sample_indices(indices.tolist(), seed=0, weights="raw"),
        data.evaluation_set("true"),
        weights="raw",
        device="cpu",
    )
    return {score.protocol["metric"]: score.value for score in result.scores}


# each method in one of the two tables, in both where tests may take long
@pytest.mark.parametrize("experiment", [pytest.param(one, marks=LONG if TABLE.index(one) % 2 else ()) for one in TABLE])
def test_every_experiment_of_the_table_runs(experiment):
    cfg = compose_train(f"experiment={experiment}")
    assert cfg.name in (experiment, "test")
    method = experiment.partition("_")[2]
    assert cfg.budget.kimg * 1000 / cfg.batch_size == UPDATES.get(method, 400_000)
    model, data, evaluator = build_parts(f"experiment={experiment}")
    counts = tuple(sum(p.numel() for p in m.parameters()) for m in (model.generator, model.discriminator))
    assert counts == COUNTS.get(method, (484_802, 405_201))
    fit(model, data, images=3 * data.batch_size, log_every_n_steps=1)
    assert model.steps["discriminator"] == 3
    assert model.steps["generator"] == (0 if method == "wgan_gp" else 3)
    assert all(parameter.isfinite().all() for parameter in model.parameters())
    assert set(scores(model, data, evaluator)) >= {"modes", "high_quality"}


def test_the_unrolled_game_is_that_of_the_papers_toy():
    config = compose_train("experiment=ring_unrolled").model
    assert (config.unroll_steps, config.objective, config.updates.critic_steps) == (5, "saddle", 1)
    assert config.loss["_target_"] == "gan_lightning.losses.Minimax"
    assert config.prior["_target_"] == "gan_lightning.models.priors.Normal"
    for player, rate in (("generator", 1e-3), ("discriminator", 1e-4)):
        optimizer = config[f"{player}_optimizer"]
        assert (optimizer["_target_"], optimizer.lr, optimizer.betas) == ("torch.optim.Adam", rate, [0.5, 0.999])


@pytest.mark.parametrize("packed", [2, 3, 4])
def test_an_update_of_pacgan_sees_a_hundred_packs(packed):
    model, data, _ = build_parts(f"experiment=ring_pacgan{packed}")
    assert isinstance(model.discriminator, PackedDiscriminator)
    batch = next(iter(data.train_dataloader()))
    assert len(batch) == packed * 100
    assert model.discriminate(batch.images, None).logits.shape == (100,)


def test_packing_fits_images_by_their_channels():
    model, data, _ = build_parts("model=pacgan", "batch_size=8", "model.discriminator.samples_per_pack=4")
    assert model.discriminator.discriminator.sample_shape == (4, 16, 16)
    assert model.discriminator.sample_shape == (1, 16, 16)
    fit(model, data, images=24)
    assert model.steps["generator"] == 3


def test_the_sweep_is_the_whole_table_over_three_seeds():
    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        params = compose("train", overrides=["+sweep=points_table"], return_hydra_config=True).hydra.sweeper.params
    parser = OverridesParser.create()
    values = [list(parser.parse_override(f"{k}={v}").sweep_string_iterator()) for k, v in params.items()]
    assert set(itertools.product(*values)) == set(itertools.product(TABLE, ["0", "1", "2"]))


def test_training_moves_to_the_modes():
    """A thousand updates of small networks on a wider ring: 19 to 45 % high quality by processor and seed, 0 before."""
    model, data, evaluator = build_parts(
        "experiment=ring_gan",
        "seed=1",
        "data.sigma=0.05",
        "model/discriminator=points_wgan_gp",
        "model.discriminator.widths=[64,64]",
        "model.generator.widths=[64,64]",
        "model.generator.initialization=xavier",
        "model.generator_optimizer.lr=0.001",
        "model.discriminator_optimizer.lr=0.001",
    )
    before = scores(model, data, evaluator)
    assert before["modes"] <= 2
    assert before["high_quality"] < 2
    fit(model, data, images=100_000, log_every_n_steps=0)
    after = scores(model, data, evaluator)
    assert 7 <= after["modes"] <= 8
    assert 10 < after["high_quality"] < 99.5
    assert 0 <= after["reverse_kl"] < 0.5


def test_a_run_leaves_scores_plots_and_a_checkpoint_that_evaluates_and_samples(tmp_path):
    from PIL import Image

    from gan_lightning.cli import evaluate, sample
    from gan_lightning.launch import run

    folder = tmp_path / "run"
    small = ["model.generator.widths=[8]", "model.discriminator.widths=[8]", "data.points=1000", "trainer=cpu"]
    outcome = run.train(
        compose_train("experiment=ring_gan", "logger=none", "budget.kimg=0.3", *small, output_dir=folder)
    )
    assert outcome.status == "finished"
    results = json.loads((folder / "results.json").read_text())
    assert "modes2500_ring" in json.dumps(results)
    assert sorted(path.name for path in (folder / "samples").iterdir()) == ["000000000.png", "000000300.png"]
    checkpoint = folder / "checkpoints" / "latest.ckpt"
    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        evaluate.task(compose("evaluate", [f"ckpt={checkpoint}", "weights=raw", f"out={tmp_path / 'scores.json'}"]))
        common = [f"ckpt={checkpoint}", "weights=raw", "n=2500"]
        sample.task(compose("sample", [*common, f"out={tmp_path / 'points.png'}"]))
        with pytest.raises(InputError, match="makes points"):
            sample.task(compose("sample", [*common, f"out={tmp_path / 'files'}"]))
    scored = json.loads((tmp_path / "scores.json").read_text())["scores"]
    assert scored[0]["key"] == "modes2500_ring"
    # the same samples as those of the last plot
    with Image.open(tmp_path / "points.png") as again, Image.open(folder / "samples" / "000000300.png") as plot:
        assert again.tobytes() == plot.tobytes()

"""Which ways to use devices two players are trained under."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from lightning import Trainer
from lightning.pytorch.plugins.precision import DoublePrecision, HalfPrecision, Precision
from lightning.pytorch.strategies import (
    DDPStrategy,
    DeepSpeedStrategy,
    FSDPStrategy,
    ModelParallelStrategy,
    SingleDeviceStrategy,
    Strategy,
)

from gan_lightning.models.strategies import strategy_problem
from tests.conftest import compose_train
from tests.models.toys import points, train


def trainer(strategy: Strategy, precision: Precision | None = None, name: str = "32-true") -> SimpleNamespace:
    return SimpleNamespace(strategy=strategy, precision_plugin=precision or Precision(), precision=name)


def deepspeed() -> DeepSpeedStrategy:
    return DeepSpeedStrategy.__new__(DeepSpeedStrategy)  # its package is not installed


@pytest.mark.parametrize(
    ("strategy", "reason"),
    [
        (FSDPStrategy, "FSDPStrategy: parameters are split over the devices"),
        (ModelParallelStrategy, "ModelParallelStrategy: parameters are split"),
        (deepspeed, "DeepSpeed drives one optimizer"),
        (DDPStrategy, "find_unused_parameters must be true"),
        (lambda: DDPStrategy(find_unused_parameters=True, static_graph=True), "static_graph must be false"),
        (lambda: DDPStrategy(find_unused_parameters=True, start_method="spawn"), "start_method='spawn'"),
        (lambda: DDPStrategy(find_unused_parameters=True, model_averaging_period=4), "model_averaging_period"),
    ],
)
def test_refused_with_a_reason_and_a_way_out(strategy, reason):
    problem = strategy_problem(trainer(strategy()))
    assert reason in problem
    assert "trainer=ddp" in problem


@pytest.mark.parametrize(
    "strategy", [lambda: SingleDeviceStrategy(device="cpu"), lambda: DDPStrategy(find_unused_parameters=True)]
)
def test_allowed(strategy):
    assert strategy_problem(trainer(strategy())) is None


@pytest.mark.parametrize(
    ("plugin", "name"), [(HalfPrecision("bf16-true"), "bf16-true"), (DoublePrecision(), "64-true")]
)
def test_precisions_that_lose_steps_are_refused(plugin, name):
    problem = strategy_problem(trainer(SingleDeviceStrategy(device="cpu"), plugin, name))
    assert f"precision={name}" in problem
    assert "use" in problem


def test_a_module_refuses_it_also_without_the_command():
    with pytest.raises(ValueError, match=r"trainer\.precision=bf16-true"):
        train(points(), 1, precision="bf16-true")


@pytest.mark.parametrize(("choice", "devices"), [("auto", 1), ("cpu", 1), ("ddp", 2)])
def test_the_trainer_configs_build_what_they_say(choice, devices, tmp_path):
    from omegaconf import OmegaConf

    from gan_lightning.config import build

    overrides = ["trainer.devices=2", "trainer.accelerator=cpu"] if choice == "ddp" else []
    cfg = compose_train(f"trainer={choice}", *overrides, output_dir=tmp_path)
    built: Trainer = build(OmegaConf.to_container(cfg, resolve=True)["trainer"], trust=True, key="trainer")(
        logger=False, enable_checkpointing=False
    )
    assert built.world_size == devices
    assert strategy_problem(built) is None
    assert built.default_root_dir == str(tmp_path)


def test_the_gpu_config_asks_for_one_gpu():
    cfg = compose_train("trainer=gpu")
    assert (cfg.trainer.accelerator, cfg.trainer.devices) == ("gpu", 1)

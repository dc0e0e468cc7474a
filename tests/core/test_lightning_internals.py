"""What is private in Lightning exists and does what the package relies on."""

import subprocess
import sys
import threading
import time

import pytest
import torch
from lightning import LightningModule, Trainer
from lightning.fabric.strategies.launchers import subprocess_script
from lightning.pytorch.loggers import TensorBoardLogger, WandbLogger
from lightning.pytorch.strategies import DDPStrategy

from gan_lightning.core.lightning_internals import (
    attached_trainer,
    close_event_file,
    ddp_settings,
    dump_checkpoint,
    started_processes,
    stop_child_observers,
    unscales_itself,
    wandb_arguments,
)
from tests.models.toys import points, train, vector

PLAIN = {"accelerator": "cpu", "logger": False, "enable_checkpointing": False, "enable_progress_bar": False}


def test_a_dump_is_what_the_trainer_saves(tmp_path):
    trainer = train(points(), 2)
    trainer.save_checkpoint(tmp_path / "a.ckpt")
    saved, dumped = torch.load(tmp_path / "a.ckpt", weights_only=True), dump_checkpoint(trainer)
    assert list(dumped) == list(saved)
    assert dumped["gan_lightning"] == saved["gan_lightning"]
    assert all(torch.equal(dumped["state_dict"][key], value) for key, value in trainer.model.named_parameters())
    torch.save(dumped, tmp_path / "b.ckpt")
    resumed = train(points(), 4, ckpt_path=tmp_path / "b.ckpt")
    assert torch.equal(vector(resumed.lightning_module), vector(train(points(), 4).lightning_module))


def test_a_module_knows_its_trainer_or_none():
    module, trainer = LightningModule(), Trainer(**PLAIN)
    assert attached_trainer(module) is None
    with pytest.raises(RuntimeError, match="not attached"):
        module.trainer  # noqa: B018
    module.trainer = trainer
    assert attached_trainer(module) is trainer


def test_a_strategy_tells_its_settings():
    default = ddp_settings(DDPStrategy())
    assert (default.start_method, default.averaging_period) == ("popen", None)
    assert (default.find_unused_parameters, default.static_graph) == (False, False)
    other = DDPStrategy(start_method="spawn", find_unused_parameters=True, static_graph=True, model_averaging_period=3)
    found = ddp_settings(other)
    assert (found.start_method, found.averaging_period) == ("spawn", 3)
    assert (found.find_unused_parameters, found.static_graph) == (True, True)
    by_name = Trainer(strategy="ddp_find_unused_parameters_true", devices=2, **PLAIN).strategy
    assert ddp_settings(by_name).find_unused_parameters


@pytest.mark.parametrize("fused", [True, False])
def test_a_fused_optimizer_unscales_in_its_step(fused):
    assert unscales_itself(torch.optim.Adam([torch.zeros(1)], fused=fused)) is fused


def test_only_a_launcher_of_scripts_lists_its_processes():
    assert started_processes(Trainer(**PLAIN)) is None
    assert started_processes(Trainer(strategy="ddp_spawn", devices=2, **PLAIN)) is None
    trainer = Trainer(strategy="ddp", devices=2, **PLAIN)
    listed = started_processes(trainer)
    assert listed() == []
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        trainer.strategy.launcher.procs = [child]  # as its method of that name does
        assert listed() == [child]


def test_the_launcher_keeps_its_processes_where_they_are_looked_for(monkeypatch):
    started = []
    monkeypatch.setattr(subprocess_script.subprocess, "Popen", lambda *a, **k: started.append(object()) or started[-1])
    trainer = Trainer(strategy="ddp", devices=3, **PLAIN)
    trainer.strategy.launcher._call_children_scripts()
    assert len(started) == 2
    assert started_processes(trainer)() == started


def test_an_observer_that_is_stopped_kills_nobody(monkeypatch):
    killed = []
    monkeypatch.setattr(subprocess_script.os, "kill", lambda *arguments: killed.append(arguments))
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3); raise SystemExit(3)"]) as child:
        observer = subprocess_script._ChildProcessObserver(main_pid=0, child_processes=[child], sleep_period=0.05)
        observer.start()
        assert observer in threading.enumerate()
        time.sleep(0.2)
        assert observer.is_alive()
        stop_child_observers()
        observer.join(timeout=10)
        assert not observer.is_alive()
        assert child.poll() is None
    assert killed == []


def test_an_observer_that_is_left_alone_would_kill(monkeypatch):
    killed = []
    monkeypatch.setattr(subprocess_script.os, "kill", lambda *arguments: killed.append(arguments))
    with subprocess.Popen([sys.executable, "-c", "raise SystemExit(3)"]) as child:
        child.wait()
        observer = subprocess_script._ChildProcessObserver(main_pid=0, child_processes=[child], sleep_period=0.05)
        observer.start()
        observer.join(timeout=10)
    assert killed


def test_an_event_file_is_closed_and_not_made(tmp_path):
    pytest.importorskip("tensorboard")
    logger = TensorBoardLogger(tmp_path, name="a", version="")
    close_event_file(logger)
    assert not (tmp_path / "a").exists()
    logger.log_metrics({"x": 1.0}, step=1)
    close_event_file(logger)
    (first,) = (tmp_path / "a").glob("events*")
    assert first.stat().st_size > 100  # all that was in memory
    close_event_file(logger)
    logger.log_metrics({"x": 2.0}, step=2)
    assert len(list((tmp_path / "a").glob("events*"))) == 2 or first.stat().st_size > 150


def test_a_wandb_loggers_arguments_can_still_be_changed(tmp_path, monkeypatch):
    import wandb

    asked = []
    monkeypatch.setattr(wandb, "init", lambda **arguments: asked.append(arguments) or wandb.sdk.wandb_run.Run)
    logger = WandbLogger(save_dir=tmp_path, project="p", name="before", tags=["a"], group="g", offline=True)
    arguments = wandb_arguments(logger)
    assert {"name", "group", "tags", "project", "dir", "id"} <= arguments.keys()
    arguments["name"] = "after"
    assert wandb_arguments(logger)["name"] == "after"
    monkeypatch.setattr(wandb, "run", None)
    logger.experiment  # noqa: B018
    assert asked[0]["name"] == "after"

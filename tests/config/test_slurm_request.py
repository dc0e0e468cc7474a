"""What a job asks for, from its config."""

from __future__ import annotations

import pytest
from hydra import compose, initialize_config_dir
from omegaconf.errors import OmegaConfBaseException

from gan_lightning.config.slurm_request import cpus_per_task, gpus_per_node, minutes, tasks_per_node
from gan_lightning.launch.slurm_batch import request_of
from gan_lightning.launch.slurm_submission import Request
from tests.conftest import CONF


@pytest.mark.parametrize(("devices", "tasks"), [(1, 1), (4, 4), ("2", 2), ([0, 3], 2)])
def test_a_process_for_each_device(devices, tasks):
    assert tasks_per_node(devices) == tasks


@pytest.mark.parametrize("devices", ["auto", -1, "-1", 0, [], True, None, 1.5])
def test_a_number_of_devices_that_only_the_machine_knows_is_refused(devices):
    with pytest.raises(ValueError, match="number of devices"):
        tasks_per_node(devices)


def test_gpus_for_a_trainer_that_wants_them():
    assert gpus_per_node("gpu", 4) == gpus_per_node("cuda", [0, 1, 2, 3]) == 4
    assert gpus_per_node("cpu", 4) is None
    assert gpus_per_node("auto", 4) is None


def test_cores_for_the_readers_and_the_training():
    assert cpus_per_task(None) == 2
    assert cpus_per_task({"workers": None}) == 9
    assert cpus_per_task({"workers": 0}) == 2
    assert cpus_per_task({"workers": 3}) == 4


def test_minutes():
    assert minutes(None, 240) == 240
    assert minutes("01:02:03:01", 240) == 10 + 24 * 60 + 2 * 60 + 4
    assert minutes({"hours": 2}, 240) == 130
    for wrong in ("2h", {"weeks": 1}, 3):
        with pytest.raises(ValueError, match=r"trainer\.max_time"):
            minutes(wrong, 240)


def request(*overrides: str) -> Request:
    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        cfg = compose("train", overrides=[*overrides, "name=test"], return_hydra_config=True)
    cfg.hydra.launcher.submitit_folder = "unused"
    return request_of(cfg.hydra.launcher)


def test_presets_follow_the_trainer():
    gpu = request("cluster=gpu", "trainer.devices=4", "+trainer.max_time=00:08:00:00", "trainer.num_nodes=2")
    assert (gpu.nodes, gpu.tasks_per_node, gpu.gpus_per_node, gpu.timeout_min) == (2, 4, 4, 490)
    cpu = request("cluster=cpu", "trainer=cpu", "experiment=ring_gan")
    assert (cpu.nodes, cpu.tasks_per_node, cpu.gpus_per_node, cpu.cpus_per_task) == (1, 1, None, 2)
    assert request("hydra/launcher=slurm", "trainer=gpu").gpus_per_node == 1
    assert request("hydra/launcher=slurm").gpus_per_node is None
    assert request("cluster=short").timeout_min == 30
    assert request("cluster=short", "hydra.launcher.timeout_min=5").timeout_min == 5


def test_an_unknown_number_of_devices_does_not_resolve():
    with pytest.raises(OmegaConfBaseException, match="number of devices"):
        request("cluster=gpu", "trainer=ddp")


def test_what_submitit_is_told():
    parameters = request("cluster=cpu", "hydra.launcher.partition=main", "hydra.launcher.setup=[date]").parameters()
    assert parameters["slurm_partition"] == "main"
    assert parameters["slurm_signal_delay_s"] == 180
    assert parameters["timeout_min"] == 1440
    assert "gpus_per_node" not in parameters
    assert "slurm_qos" not in parameters

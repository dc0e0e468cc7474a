import pytest
import torch
from lightning import Trainer

from gan_lightning.core.checkpoint import CheckpointError, read_checkpoint
from gan_lightning.core.container import check_container
from gan_lightning.launch.parts import build_parts
from gan_lightning.runs.checkpoint_io import VerifiedCheckpointIO
from gan_lightning.runs.checkpoints import write_checkpoint
from tests.models.toys import points, train, vector


def test_a_trainer_writes_containers_and_reads_them(tmp_path):
    trainer = train(points(), 2)
    trainer.strategy.checkpoint_io = VerifiedCheckpointIO()
    trainer.save_checkpoint(tmp_path / "a.ckpt")
    check_container(tmp_path / "a.ckpt")
    assert read_checkpoint(tmp_path / "a.ckpt")["gan_lightning"]["images_seen"] == trainer.lightning_module.images_seen
    resumed = train(points(), 4, ckpt_path=tmp_path / "a.ckpt", plugins=[VerifiedCheckpointIO()])
    undisturbed = train(points(), 4)
    assert torch.equal(vector(resumed.lightning_module), vector(undisturbed.lightning_module))


def test_a_flipped_bit_ends_the_fit_before_it_begins(tmp_path):
    path = tmp_path / "a.ckpt"
    write_checkpoint(train(points(), 2), path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=rf"{path} is damaged"):
        train(points(), 4, ckpt_path=path, plugins=[VerifiedCheckpointIO()])


def test_a_run_verifies_what_it_resumes_from(train_config):
    from omegaconf import OmegaConf

    config = OmegaConf.to_container(train_config("experiment=demo", "trainer=cpu", "logger=none"), resolve=True)
    trainer = build_parts(config).trainer
    assert isinstance(trainer, Trainer)
    assert isinstance(trainer.strategy.checkpoint_io, VerifiedCheckpointIO)

"""Failures that raise no error in Lightning and have no better place among the tests: each is provoked here."""

import pytest
import torch
from omegaconf import OmegaConf

from gan_lightning.config import build
from gan_lightning.models import AdversarialModule
from tests.conftest import compose_train
from tests.models.toys import PointStream, points, train


def test_identical_noise_on_all_ranks(monkeypatch):
    """``seed_everything`` gives every rank the same generator state; a step seeds itself by rank."""
    drawn = {}
    for rank in (0, 1, 0):
        monkeypatch.setattr(AdversarialModule, "global_rank", rank)
        model = points()
        draw = model.prior.draw
        latents = drawn[len(drawn)] = []
        model.prior.draw = lambda *a, draw=draw, latents=latents, **k: latents.append(draw(*a, **k)) or latents[-1]
        torch.manual_seed(0)
        train(model, 3)
    first, second, first_again = (torch.cat(drawn[run]) for run in range(3))
    assert torch.equal(first, first_again)
    assert not (first == second).any()


@pytest.fixture
def slurm(monkeypatch, tmp_path):
    """A SLURM job whose working folder holds another job's checkpoint, of 5 batches."""
    train(points(), 5).save_checkpoint(tmp_path / "hpc_ckpt_1.ckpt")
    variables = {"NTASKS": 1, "JOB_NAME": "train", "JOB_ID": 7, "PROCID": 0, "LOCALID": 0, "NODEID": 0, "NODELIST": "a"}
    for name, value in variables.items():
        monkeypatch.setenv(f"SLURM_{name}", str(value))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def configured_trainer(*overrides, output_dir):
    config = OmegaConf.to_container(compose_train(*overrides, output_dir=output_dir).trainer, resolve=True)
    return build(config, trust=True, key="trainer")(logger=False, enable_checkpointing=False)


@pytest.mark.parametrize("foreign", [False, True])
def test_another_jobs_checkpoint_loaded_on_slurm(slurm, foreign):
    """Lightning loads ``hpc_ckpt_*`` from ``default_root_dir``, by default the working folder, unasked."""
    overrides = ["trainer=cpu", *([f"trainer.default_root_dir={slurm}"] if foreign else [])]
    trainer = configured_trainer(*overrides, output_dir=slurm / "run")
    model, seen = points(), []
    model.budget_images = 64
    step = model.training_step
    model.training_step = lambda batch, batch_idx: seen.append(model.images_seen) or step(batch, batch_idx)
    trainer.fit(model, PointStream(model))
    # where the trap is not avoided, the run begins at the 40 images of the other job
    assert seen[0] == (40 if foreign else 0)

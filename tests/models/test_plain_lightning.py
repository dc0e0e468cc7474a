"""The models as ordinary LightningModules: without Hydra, our data modules or our callbacks."""

import pytest
import torch
from lightning import Trainer
from lightning.pytorch.callbacks import ModelCheckpoint
from torch.utils.data import DataLoader, TensorDataset

from gan_lightning.models import DCGAN
from gan_lightning.networks import DCGANDiscriminator, DCGANGenerator
from tests.models.toys import vector
from tests.parts import parts_with


def small(**parts):
    return DCGAN(
        **parts_with(
            generator=DCGANGenerator(resolution=8, width=4, latent_dim=5),
            discriminator=DCGANDiscriminator(resolution=8, width=4),
            **parts,
        )
    )


def trainer(folder, **arguments):
    quiet = {"enable_progress_bar": False, "enable_model_summary": False, "logger": False}
    return Trainer(accelerator="cpu", max_epochs=1, default_root_dir=folder, **quiet, **arguments)


IMAGES = torch.rand(20, 3, 8, 8, generator=torch.Generator().manual_seed(0)) * 2 - 1
LABELS = torch.arange(20) % 10


class Alone(torch.utils.data.Dataset):
    def __len__(self):
        return 20

    def __getitem__(self, index):
        return IMAGES[index]


@pytest.mark.parametrize(
    "dataset",
    [Alone(), TensorDataset(IMAGES), TensorDataset(IMAGES, LABELS), [{"images": x} for x in IMAGES]],
    ids=["images", "tuples of images", "images and labels", "mappings"],
)
def test_a_plain_trainer_runs_one_epoch_of_a_plain_loader(dataset, tmp_path):
    model = small()
    before = vector(model.discriminator), vector(model.generator)
    run = trainer(tmp_path, enable_checkpointing=False)
    run.fit(model, DataLoader(dataset, batch_size=8))
    assert run.state.finished
    assert model.images_seen == 20  # the last batch is a smaller one
    assert model.steps["discriminator"] == model.steps["generator"] == 3
    assert not torch.equal(before[0], vector(model.discriminator))
    assert not torch.equal(before[1], vector(model.generator))


def test_a_checkpoint_of_a_plain_trainer_loads(tmp_path):
    model = small()
    trainer(tmp_path, callbacks=[ModelCheckpoint(tmp_path, filename="plain")]).fit(model, DataLoader(Alone(), 8))
    torch.manual_seed(9)
    loaded = DCGAN.load_from_checkpoint(
        tmp_path / "plain.ckpt",
        weights_only=True,
        **parts_with(
            generator=DCGANGenerator(resolution=8, width=4, latent_dim=5),
            discriminator=DCGANDiscriminator(resolution=8, width=4),
        ),
    )
    assert loaded.images_seen == 20
    assert torch.equal(model.sample(3), loaded.eval().sample(3))
    assert torch.equal(vector(model.discriminator), vector(loaded.discriminator))


def test_a_plain_trainer_continues_from_its_checkpoint(tmp_path):
    model = small()
    run = trainer(tmp_path, enable_checkpointing=False)
    run.fit(model, DataLoader(Alone(), 8))
    run.save_checkpoint(tmp_path / "one.ckpt")
    model = small()
    run = Trainer(accelerator="cpu", max_epochs=2, logger=False, enable_checkpointing=False, enable_progress_bar=False)
    run.fit(model, DataLoader(Alone(), 8), ckpt_path=tmp_path / "one.ckpt", weights_only=True)
    assert model.images_seen == 40


def test_other_batches_are_refused_with_what_is_allowed(tmp_path):
    with pytest.raises(ValueError, match="a batch must be a tensor of images, a pair"):
        trainer(tmp_path, enable_checkpointing=False).fit(
            small(), DataLoader(TensorDataset(IMAGES, LABELS, LABELS), batch_size=4)
        )


@pytest.mark.parametrize(
    ("later", "message"),
    [
        ((IMAGES[:4], LABELS[:4]), None),
        ((127.5 * (IMAGES[:4] + 1), LABELS[:4]), r"images must lie in \[-1, 1\], got "),
        ((IMAGES[:4] * float("nan"), LABELS[:4]), "images has values that are not finite"),
        ((IMAGES[:4, :, :4, :4], LABELS[:4]), r"must have shape \(3, 8, 8\), .*got \(3, 4, 4\)"),
        ((IMAGES[:4].double(), LABELS[:4]), "images must be torch.float32, got torch.float64"),
        ((IMAGES[:4], LABELS[:3]), "it has 4 images, but 3 labels"),
    ],
)
def test_a_bad_batch_in_the_midst_of_a_foreign_loader_changes_no_weight(later, message, tmp_path):
    model, run = small(), trainer(tmp_path, enable_checkpointing=False)
    batches = DataLoader([(IMAGES[:4], LABELS[:4]), later], batch_size=None)
    if message is None:
        run.fit(model, batches)
        assert model.images_seen == 8
        return
    with pytest.raises(ValueError, match=f"^a later batch: .*{message}"):
        run.fit(model, batches)
    assert model.images_seen == 4
    assert all(parameter.isfinite().all() for parameter in model.parameters())

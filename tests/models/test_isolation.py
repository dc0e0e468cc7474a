"""Nothing that happens between two steps may change what training draws."""

import pytest
import torch
from lightning import Callback

from gan_lightning.callbacks import Evaluation, SampleGrid
from gan_lightning.data import DigitsDataModule
from gan_lightning.metrics import DigitsExtractor, Evaluator
from gan_lightning.models import DCGAN
from gan_lightning.networks import DCGANDiscriminator, DCGANGenerator
from tests.contract.variants import assert_same, fit, state
from tests.parts import parts_with


class Draws(Callback):
    """Draws from the global generators after every batch."""

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        torch.randn(batch_idx % 3 + 1)
        torch.manual_seed(batch_idx)


def run(folder, callbacks):
    torch.manual_seed(0)
    model = DCGAN(
        **parts_with(
            generator=DCGANGenerator(resolution=8, channels=1, width=4, latent_dim=8),
            discriminator=DCGANDiscriminator(resolution=8, channels=1, width=4),
        )
    )
    data = DigitsDataModule(resolution=8, batch_size=10)
    fit(model, data, images=100, callbacks=callbacks, default_root_dir=folder)
    return state(model)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    return run(tmp_path_factory.mktemp("alone"), [])


def test_evaluations_and_sample_grids_leave_training_as_it_is(undisturbed, tmp_path):
    evaluator = Evaluator(
        extractor=DigitsExtractor(), samples=50, kernel_subset_size=20, cache_dir=str(tmp_path / "cache")
    )
    scores = []
    evaluation = Evaluation(evaluator=evaluator, every_kimg=0.03)
    evaluation.on_scores.append(lambda seen, result: scores.append(seen))
    disturbed = run(tmp_path, [evaluation, SampleGrid(every_kimg=0.02), Draws()])
    assert scores == [30, 60, 90, 100]
    assert_same(undisturbed, disturbed)


def test_the_test_notices_a_step_that_is_not_seeded(undisturbed, tmp_path, monkeypatch):
    monkeypatch.setattr("gan_lightning.models.adversarial.seed_step", lambda *arguments, slot: None)
    with pytest.raises(AssertionError, match="differs"):
        assert_same(run(tmp_path / "a", []), run(tmp_path / "b", [Draws()]))

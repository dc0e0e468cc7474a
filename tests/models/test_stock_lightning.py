"""What users of Lightning call on any module: forward, predict, validate, pickle, other precisions, stock callbacks."""

from __future__ import annotations

import copy
import io
import pickle
from typing import Any

import pytest
import torch
from lightning import Trainer
from lightning.pytorch.callbacks import EarlyStopping, LearningRateMonitor, ModelSummary
from lightning.pytorch.loggers import CSVLogger
from torch.utils.data import DataLoader

from gan_lightning.callbacks import Evaluation
from gan_lightning.models.image_to_image import ImageToImage
from tests.contract.variants import VARIANTS, build


def trainer(**arguments: Any) -> Trainer:
    quiet = {"enable_progress_bar": False, "enable_model_summary": False, "logger": False}
    return Trainer(accelerator="cpu", enable_checkpointing=False, **{**quiet, **arguments})


class HeldOut:
    """One batch of a data module, as a validation loader."""

    def __init__(self, data: Any) -> None:
        self.batch = next(iter(data.endless_loader()))

    def __len__(self) -> int:
        return 1

    def __iter__(self) -> Any:
        return iter([self.batch])


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_variant_can_be_called_validated_and_asked_for_predictions(variant):
    model, data = build(variant)
    loader = HeldOut(data)
    (logged,) = trainer().validate(model, loader, verbose=False)
    assert list(logged) == ["d/heldout"]
    assert torch.isfinite(torch.tensor(logged["d/heldout"]))
    if isinstance(model, ImageToImage):
        (translated,) = trainer().predict(model, loader)
        assert torch.equal(translated, model.translate(loader.batch.source))
        model.eval()
        assert model(loader.batch.source).shape == loader.batch.images.shape
        return
    first, second = trainer().predict(model, DataLoader(range(6), batch_size=4))
    assert torch.equal(torch.cat([first, second]), model.sample(6, seed=model.updates.seed))
    model.eval()
    inputs = model.inputs(range(3), seed=0)
    assert model(inputs.latents, inputs.condition).shape == (3, *model.generator.sample_shape)


def test_what_is_called_is_the_average():
    model, _ = build("dcgan")
    with torch.no_grad():
        for parameter in model.generator_ema.parameters():
            parameter.zero_()
    assert model(torch.randn(2, model.generator.latent_dim)).abs().max() == 0


def test_the_logit_of_held_out_images_is_that_of_the_discriminator():
    model, data = build("dcgan")
    loader = HeldOut(data)
    (logged,) = trainer().validate(model, loader, verbose=False)
    model.eval()
    expected = model.double().discriminator(loader.batch.images.double()).mean()
    assert logged["d/heldout"] == pytest.approx(expected.item(), rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("batch", [torch.rand(4), torch.zeros(4, 2, dtype=torch.int64), [0, 1]])
def test_anything_but_indices_is_no_loader_for_predictions(batch):
    model, _ = build("dcgan")
    with pytest.raises(ValueError, match=r"must yield indices of samples, int64 \(N,\)"):
        model.predict_step(batch, 0)


PARAMETRIZED = {"biggan", "fastgan", "projected_gan", "projection", "sagan", "sngan", "ssgan"}
"""Variants with torch's spectral norm, which torch itself saves as a state dict only."""


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_model_survives_pickling(variant):
    model, data = build(variant)
    if variant in PARAMETRIZED:
        with pytest.raises(RuntimeError, match=r"only supported through state_dict\(\)"):
            pickle.dumps(model)
        return
    again = pickle.loads(pickle.dumps(model))
    batch = next(iter(data.endless_loader()))
    if isinstance(model, ImageToImage):
        assert torch.equal(again.translate(batch.source), model.translate(batch.source))
    else:
        assert torch.equal(again.sample(2), model.sample(2))
    torch.save(model, io.BytesIO())


@pytest.mark.parametrize(("precision", "tolerance"), [("half", 3e-2), ("bfloat16", 2e-1), ("double", 1e-4)])
@pytest.mark.parametrize("variant", ["dcgan", "cgan", "infogan", "stylegan2", "sngan"])
def test_samples_in_another_precision_are_near_those_in_float32(variant, precision, tolerance):
    model, _ = build(variant)
    expected = model.sample(4)
    other = getattr(copy.deepcopy(model), precision)().sample(4)
    assert other.dtype == torch.float32
    assert (other - expected).abs().max() <= tolerance * max(1.0, expected.abs().max().item())


def test_scores_come_out_of_validation_where_there_is_an_evaluator():
    from gan_lightning.metrics import DigitsExtractor, Evaluator
    from gan_lightning.metrics.frechet import Frechet

    model, data = build("dcgan")
    evaluator = Evaluator(extractor=DigitsExtractor(), metrics=[Frechet()], samples=50)
    run = trainer(callbacks=[Evaluation(evaluator=evaluator)])
    data.val_dataloader = lambda: HeldOut(data)
    (logged,) = run.validate(model, datamodule=data, verbose=False)
    expected = evaluator.evaluate(
        model.sampler(data.evaluation_set("train"), seed=evaluator.seed, weights="ema"),
        data.evaluation_set("train"),
        weights="ema",
        device=torch.device("cpu"),
    )
    (score,) = expected.scores
    assert logged.keys() == {"d/heldout", f"score/{score.key}"}
    assert logged[f"score/{score.key}"] == pytest.approx(score.value, rel=1e-5)


def test_stock_callbacks_profiler_and_loggers_work(tmp_path, capsys):
    model, data = build("dcgan")
    stop = EarlyStopping(monitor="g/loss", patience=0, mode="max", min_delta=1e6, check_on_train_epoch_end=True)
    run = trainer(
        max_epochs=5,
        limit_train_batches=2,
        log_every_n_steps=1,
        logger=CSVLogger(tmp_path, name="csv"),
        profiler="simple",
        callbacks=[LearningRateMonitor(logging_interval="step"), ModelSummary(max_depth=1), stop],
    )
    run.fit(model, datamodule=data)
    assert stop.stopped_epoch == 1
    metrics = (tmp_path / "csv" / "version_0" / "metrics.csv").read_text()
    assert "d/loss" in metrics.splitlines()[0]
    assert "lr-Adam" in metrics.splitlines()[0]
    assert "model:" not in (tmp_path / "csv" / "version_0" / "hparams.yaml").read_text().splitlines()[0]

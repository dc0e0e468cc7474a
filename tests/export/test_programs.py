"""Generators as programs for torch and onnxruntime, which take any number of rows."""

from __future__ import annotations

import importlib.util
import json

import pytest
import torch

from gan_lightning.export import save_onnx, save_program
from gan_lightning.export.network import exportable
from tests.conftest import LONG
from tests.contract.variants import build
from tests.export.test_generator_file import distinct

NEEDED = ("onnx", "onnxscript", "onnxruntime")
with_onnx = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in NEEDED), reason="the extra onnx is not installed"
)


CONDITION = {"cgan": ["labels"], "infogan": ["codes"]}
"""What a variant's generator is told beside the latents."""


def fading(model):
    model._grow(3, 0.25)
    return model


def noisy(model):
    for network in (model.generator, model.generator_ema):
        for name, parameter in network.named_parameters():
            if name.endswith("noise_strength"):
                parameter.data.fill_(0.5)  # they start at 0, where noise changes nothing
    return model


PREPARED = {"progan": fading, "stylegan2": noisy}


@pytest.mark.parametrize("variant", ["cgan", "progan", "infogan", "stylegan2"])
def test_a_program_makes_the_models_images(variant, tmp_path):
    model = PREPARED.get(variant, lambda model: model)(distinct(build(variant)[0]))
    path = tmp_path / "g.pt2"
    assert save_program(model, path, weights="ema") < 1e-5
    extra = {"gan_lightning": ""}
    program = torch.export.load(path, extra_files=extra).module()
    record = json.loads(extra["gan_lightning"])
    assert record["model"]["_target_"] == model.run_config["model"]["_target_"]
    for count in (1, 2, 5):
        given = model.inputs(range(7, 7 + count), seed=1)
        assert (given.condition is None) == (variant not in CONDITION)
        images = program(*arguments(given))
        assert torch.allclose(images, model.render(given), atol=1e-5)
        assert len(given.noise) == len(model.generator.noise_shapes)
        if given.noise:
            others = [torch.randn_like(maps) for maps in given.noise]
            assert not torch.allclose(program(given.latents, *others), images, atol=1e-3)
    assert [entry.name for entry in tmp_path.iterdir()] == ["g.pt2"]


def arguments(given):
    """Return what a program takes, in its order."""
    return [given.latents, *([] if given.condition is None else [given.condition]), *given.noise]


@with_onnx
@pytest.mark.slow
@pytest.mark.parametrize("variant", ["cgan", "progan", "infogan", pytest.param("stylegan2", marks=LONG)])
def test_onnxruntime_makes_the_models_images(variant, tmp_path):
    import onnx
    import onnxruntime

    model = PREPARED.get(variant, lambda model: model)(distinct(build(variant)[0]))
    path = tmp_path / "g.onnx"
    assert save_onnx(model, path, weights="ema") < 1e-5
    record = {entry.key: entry.value for entry in onnx.load(path).metadata_props}["gan_lightning"]
    assert json.loads(record)["weights"] == "ema"
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    noise = [f"noise_{number}" for number in range(len(model.generator.noise_shapes))]
    names = ["latents", *CONDITION.get(variant, []), *noise]
    assert [entry.name for entry in session.get_inputs()] == names
    for count in (1, 5):
        given = model.inputs(range(count), seed=1)
        inputs = [tensor.numpy() for tensor in arguments(given)]
        (images,) = session.run(["images"], dict(zip(names, inputs, strict=True)))
        assert torch.allclose(torch.from_numpy(images), model.render(given), atol=1e-5)
    assert [entry.name for entry in tmp_path.iterdir()] == ["g.onnx"]


def test_the_copy_that_is_exported_leaves_the_model_as_it_was():
    model = build("progan")[0]
    growth = model.generator_ema.growth
    exportable(model, "ema")
    assert model.generator_ema.growth is growth
    assert model.training


def test_a_program_that_differs_is_not_kept(tmp_path):
    differing = build("dcgan")[0].eval()
    original = differing.render
    differing.render = lambda *a, **k: original(*a, **k) + 0.25
    with pytest.raises(ValueError, match=r"the program differs from the model by .*more than mode.tolerance = 0"):
        save_program(differing, tmp_path / "g.pt2", weights="ema", tolerance=0.0)
    assert list(tmp_path.iterdir()) == []


def test_onnx_without_its_packages_is_refused_with_the_extra(tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"needs the packages onnx, onnxscript, onnxruntime .*\[onnx\]"):
        save_onnx(build("dcgan")[0], tmp_path / "g.onnx", weights="ema")

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from gan_lightning.config import ConfigError, build
from gan_lightning.metrics import Evaluator, MissingWeights, ModuleExtractor

from .toy import toy_real, toy_sample


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 5, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(5, 3))


def pictures(n=4, channels=1, side=8):
    return torch.randint(
        0, 256, (n, channels, side, side), dtype=torch.uint8, generator=torch.Generator().manual_seed(1)
    )


def test_output_and_hidden_layer_are_features():
    net = network()
    scaled = pictures().float() / 127.5 - 1
    whole = ModuleExtractor(module=net, name="mine", resolution=8, channels=1)
    torch.testing.assert_close(whole(pictures()).pool, net(scaled))
    assert (whole.feature_dim, whole.n_classes) == (3, 0)
    hidden = ModuleExtractor(module=net, name="mine", resolution=8, channels=1, layer="1", logits=True)
    pool, logits = hidden(pictures())
    torch.testing.assert_close(pool, net[:2](scaled).mean(dim=(2, 3)))
    torch.testing.assert_close(logits, net(scaled))
    assert (hidden.feature_dim, hidden.n_classes) == (5, 3)


def test_preprocessing_is_applied_and_told():
    extractor = ModuleExtractor(
        module=nn.Flatten(), name="mine", resolution=1, mean=[0.1, 0.2, 0.3], std=[0.5], resize="tensorflow"
    )
    images = pictures(channels=3, side=1)
    expected = (images.double() / 255 - torch.tensor([0.1, 0.2, 0.3]).view(1, 3, 1, 1)) / 0.5
    torch.testing.assert_close(extractor(images).pool.double(), expected.flatten(1), rtol=1e-5, atol=1e-5)
    assert extractor.preprocessing == "TensorFlow 1 bilinear to 1x1, minus [0.1, 0.2, 0.3], over [0.5]"


@pytest.mark.parametrize("suffix", [".safetensors", ".pt"])
def test_weights_come_from_a_file_and_are_in_the_hash(tmp_path, suffix):
    trained = network()
    with torch.no_grad():
        trained[0].weight += 1
    path = tmp_path / f"weights{suffix}"
    if suffix == ".pt":
        torch.save(trained.state_dict(), path)
    else:
        save_file(trained.state_dict(), path)
    options = {"name": "mine", "resolution": 8, "channels": 1}
    loaded = ModuleExtractor(module=network(), weights_path=str(path), **options)
    assert loaded.weights_hash == ModuleExtractor(module=trained, **options).weights_hash
    assert loaded.weights_hash != ModuleExtractor(module=network(), **options).weights_hash


def test_a_config_names_it_and_untrusted_ones_may_not_name_everything():
    parts = [
        {"_target_": "torch.nn.Flatten"},
        {"_target_": "torch.nn.Linear", "in_features": 16, "out_features": 4},
    ]
    module = {"_target_": "torch.nn.Sequential", "_args_": parts}
    node = {
        "_target_": "gan_lightning.metrics.ModuleExtractor",
        "module": module,
        "name": "mine",
        "resolution": 4,
        "channels": 1,
    }
    evaluator = Evaluator(extractor=build(node), samples=40, metrics=["frechet"])
    evaluation = evaluator.evaluate(toy_sample, toy_real(), weights="ema", device="cpu")
    (score,) = evaluation.scores
    assert score.key == "fd40_train_mine"
    assert score.protocol["extractor_weights"] == evaluator.extractor.weights_hash
    node["module"] = {"_target_": "os.getcwd"}
    with pytest.raises(ConfigError, match=r"module\._target_ = 'os.getcwd': refused"):
        build(node)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "a b"}, r"extractor\.name.*'a b'"),
        ({"resolution": 0}, "at least 1"),
        ({"mean": [0.1, 0.2]}, r"extractor\.mean must have 1 or 1 values"),
        ({"logits": True}, "needs extractor.layer"),
        ({"layer": "1", "knows_classes": True}, "logits=true"),
        ({"layer": "seven"}, r"extractor\.layer = 'seven': the module has 0, 1, 2, 3, 4"),
        ({"resize": "none"}, r"extractor\.resize"),
    ],
)
def test_bad_arguments_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        ModuleExtractor(**{"module": network(), "name": "mine", "resolution": 8, "channels": 1, **options})


def test_bad_weights_and_outputs_are_named(tmp_path):
    options = {"name": "mine", "resolution": 8, "channels": 1}
    with pytest.raises(MissingWeights, match="no file"):
        ModuleExtractor(module=network(), weights_path=str(tmp_path / "none.pt"), **options)
    torch.save(nn.Linear(2, 2).state_dict(), tmp_path / "other.pt")
    with pytest.raises(ValueError, match="do not fit the module"):
        ModuleExtractor(module=network(), weights_path=str(tmp_path / "other.pt"), **options)
    with pytest.raises(ValueError, match=r"vectors \(N, D\).*\(1, 64\)"):
        ModuleExtractor(module=nn.Flatten(2), **options)


def test_layer_and_structure_are_in_key_and_protocol(tmp_path):
    def scored(module, cache, **options):
        extractor = ModuleExtractor(module=module, name="mine", resolution=8, channels=1, **options)
        evaluator = Evaluator(extractor=extractor, samples=40, metrics=["frechet"], cache_dir=str(tmp_path / cache))
        (score,) = evaluator.evaluate(toy_sample, toy_real(), weights="ema", device="cpu").scores
        return score

    other = network()
    other[1] = nn.Tanh()  # equal weights
    ways = {"1": (network(), {"layer": "1"}), "0": (network(), {"layer": "0"}), "tanh": (other, {"layer": "1"})}
    shared = {name: scored(module, "shared", **options) for name, (module, options) in ways.items()}
    fresh = {name: scored(module, name, **options) for name, (module, options) in ways.items()}
    assert {n: s.value for n, s in shared.items()} == {n: s.value for n, s in fresh.items()}
    protocols = [tuple(sorted((k, str(v)) for k, v in score.protocol.items())) for score in shared.values()]
    assert len(set(protocols)) == 3

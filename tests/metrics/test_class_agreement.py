import pytest
import torch
import torch.nn.functional as F
from sklearn.metrics import accuracy_score
from sklearn.metrics.cluster import contingency_matrix

from gan_lightning.config import check_config
from gan_lightning.launch.parts import rehearse_parts
from gan_lightning.metrics.class_agreement import class_accuracy, code_purity
from gan_lightning.metrics.evaluator import Evaluator
from gan_lightning.models import InfoGAN
from gan_lightning.networks import InfoGANDiscriminator, InfoGANGenerator
from tests.conftest import compose_train
from tests.parts import parts_with

from .toy import ToyExtractor, ToySampler, toy_real, toy_sample


def drawn(count=500, codes=7, classes=5):
    generator = torch.Generator().manual_seed(3)
    logits = torch.randn(count, classes, generator=generator)
    code = torch.randint(codes, (count,), generator=generator)
    return logits + 2 * F.one_hot(code % classes, classes), code


def test_accuracy_is_that_of_scikit_learn():
    logits, code = drawn()
    estimate = class_accuracy(logits, code % 5)
    assert estimate.mean == pytest.approx(accuracy_score(code % 5, logits.argmax(1)), abs=1e-12)
    assert 0.5 < estimate.mean < 1
    assert estimate.stderr == pytest.approx((estimate.mean * (1 - estimate.mean) / 500) ** 0.5, rel=1e-9)


def test_purity_counts_the_commonest_class_of_each_code():
    logits, code = drawn()
    table = contingency_matrix(code.numpy(), logits.argmax(1).numpy())
    assert code_purity(logits, code).mean == pytest.approx(table.max(axis=1).sum() / 500, abs=1e-12)


def test_purity_does_not_depend_on_how_codes_are_numbered_but_accuracy_does():
    labels = torch.arange(60) % 3
    logits = F.one_hot((labels + 1) % 3, 3).float()
    assert class_accuracy(logits, labels).mean == 0
    assert code_purity(logits, labels).mean == 1


def test_the_evaluator_gives_both_or_says_why_not(tmp_path):
    evaluator = Evaluator(
        extractor=ToyExtractor(), samples=90, metrics=["class_accuracy", "code_purity"], cache_dir=str(tmp_path)
    )
    told = evaluator.evaluate(ToySampler(), toy_real(), weights="ema", device="cpu")
    logits = evaluator.extractor(((toy_sample(torch.arange(90)) + 1) * 127.5).round().to(torch.uint8)).logits
    labels = torch.arange(90) % 3
    assert told.value("class_accuracy90_toy") == pytest.approx(class_accuracy(logits, labels).mean, abs=0.03)
    assert told.value("code_purity90_toy") == pytest.approx(code_purity(logits, labels).mean, abs=0.03)
    assert told.value("code_purity90_toy") > told.value("class_accuracy90_toy") - 1e-12
    untold = evaluator.evaluate(toy_sample, toy_real(), weights="ema", device="cpu")
    assert untold.skipped == {
        "class_accuracy90_toy": "the generator is told no classes",
        "code_purity90_toy": "the generator is told no categorical code",
    }


def infogan(*, categories, continuous):
    small = {"resolution": 8, "width": 2, "hidden_width": 8}
    generator = InfoGANGenerator(latent_dim=4, code_dim=sum(categories) + continuous, **small)
    networks = {"generator": generator, "discriminator": InfoGANDiscriminator(**small)}
    return InfoGAN(categories=categories, continuous=continuous, **parts_with(**networks))


def test_a_code_is_the_one_that_the_sample_is_drawn_with():
    model = infogan(categories=[4], continuous=1)
    codes = model.sample_codes(range(50), seed=3)
    condition = model.sample_condition(range(50), seed=3, labels=None)
    assert torch.equal(F.one_hot(codes, 4).float(), condition[:, :4])
    assert infogan(categories=[], continuous=2).sample_codes(range(3), seed=0) is None


@pytest.mark.parametrize(
    ("metric", "model", "refused"),
    [
        ("class_accuracy", "dcgan", "class_accuracy: the generator of DCGAN is told no classes"),
        ("intra_frechet", "infogan", "intra_frechet: the generator of InfoGAN is told no classes"),
        ("code_purity", "dcgan", "code_purity: the generator of DCGAN is told no categorical code"),
        ("class_accuracy", "cgan", None),
        ("code_purity", "cgan", None),
        ("code_purity", "infogan", None),
    ],
)
def test_metrics_of_classes_are_refused_where_the_generator_is_told_none(metric, model, refused):
    chosen = [f"model={model}", "data=digits", f"evaluator.metrics=[frechet,{metric}]", "logger=none"]
    config, problems = check_config(compose_train(*chosen, "trainer=cpu")), []
    rehearse_parts(config, problems)
    assert problems == ([] if refused is None else [f"evaluator.metrics has {refused}"])

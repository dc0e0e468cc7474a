"""What the base class hands to losses, regularizers, stabilizers and the augmentation, and what it adds up."""

import pytest
import torch

from gan_lightning.augment.base import Augmentation
from gan_lightning.data.batch import Batch
from gan_lightning.losses import LeastSquares, NonSaturating, RelativisticPairing
from gan_lightning.models import UpdateRule
from gan_lightning.regularizers import HistoricalAveraging, LeCam
from gan_lightning.regularizers.base import Regularizer
from gan_lightning.regularizers.stabilizer import Stabilizer
from tests.models.toys import BATCH, PointStream, Rows, points, train
from tests.parts import parts_with


class Probe(Regularizer):
    """A penalty of the constant 1 that keeps the turns it sees."""

    def __init__(self, **arguments):
        super().__init__(**arguments)
        self.turns = []

    def forward(self, turn):
        self.turns.append(turn)
        return torch.ones(()) + 0 * turn.critic(turn.real).sum()


def test_a_regularizer_joins_every_interval_th_step_times_the_interval():
    probe, logger = Probe(weight=3.0, interval=4), Rows()
    train(points(regularizers={"probe": probe}), 9, logger=logger)
    joined = [row["images_seen"] // BATCH - 1 for row in logger.rows if "d/probe" in row]
    assert joined == [0, 4, 8]
    for row in logger.rows:
        penalty = row["d/loss"] - row["d/adversarial"]
        assert penalty == pytest.approx(12.0 if "d/probe" in row else 0.0, abs=1e-5)
        assert row.get("d/probe", 12.0) == 12.0


def test_an_objective_can_be_evaluated_without_a_fit():
    terms = points(regularizers={"probe": Probe(weight=3.0, interval=4)}).discriminator_objective(
        Batch(torch.zeros(BATCH, 2))
    )
    assert terms["probe"].item() == 12.0  # as in the first update
    assert set(terms) == {"adversarial", "probe"}


def test_the_interval_counts_on_after_a_resume(tmp_path):
    train(points(regularizers={"probe": Probe(weight=1.0, interval=4)}), 6).save_checkpoint(tmp_path / "a.ckpt")
    logger = Rows()
    model = points(regularizers={"probe": Probe(weight=1.0, interval=4)})
    train(model, 12, ckpt_path=tmp_path / "a.ckpt", logger=logger)
    assert [row["images_seen"] // BATCH - 1 for row in logger.rows if "d/probe" in row] == [8]


def test_a_regularizer_sees_the_logits_of_the_step():
    probe = Probe(weight=1.0)
    model = points(regularizers={"probe": probe})
    train(model, 2)
    for number, turn in enumerate(probe.turns):
        assert turn.images_seen == number * BATCH
        assert turn.real.shape == turn.fake.shape == (BATCH, 2)
        assert not turn.real.requires_grad
        assert not turn.fake.requires_grad
        assert turn.real_logits.requires_grad
        assert turn.real_logits.shape == turn.fake_logits.shape == (BATCH,)


def test_a_regularizer_may_refuse_the_discriminator():
    class Refuses(Regularizer):
        def check(self, discriminator):
            raise ValueError("not with this one")

    with pytest.raises(ValueError, match="not with this one"):
        points(regularizers={"refuses": Refuses(weight=1.0)})


class Technique(Stabilizer):
    """Uses every hook and notes its calls."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def discriminator_fakes(self, fakes):
        self.calls.append(("fakes", fakes.requires_grad))
        return torch.full_like(fakes, 5.0)

    def discriminator_terms(self, discriminator):
        self.calls.append(("d", type(discriminator).__name__))
        return {"one": torch.tensor(1.5)}

    def generator_values(self, values, logits, images_seen):
        self.calls.append(("values", images_seen))
        assert values.shape == logits.shape == (BATCH,)
        return values * 0 + 0.25

    def generator_terms(self, turn):
        assert turn.fake.requires_grad
        assert not any(p.requires_grad for p in turn.discriminator.parameters())
        self.calls.append(("g", turn.images_seen))
        return {"two": 0 * turn.fake.sum() + 2.0}


def test_every_hook_of_a_stabilizer_is_called_in_its_place():
    technique, logger = Technique(), Rows()
    judged = []
    model = points(stabilizers={"tech": technique}, updates=UpdateRule(critic_steps=2))
    features = model.discriminator.features
    model.discriminator.features = lambda x: judged.append(x.detach().clone()) or features(x)
    train(model, 4, logger=logger)
    d_turn = [("fakes", False), ("d", "PointDiscriminator")]
    assert technique.calls == [
        *[*d_turn, *d_turn, ("values", BATCH), ("g", BATCH)],
        *[*d_turn, *d_turn, ("values", 3 * BATCH), ("g", 3 * BATCH)],
    ]
    assert torch.equal(judged[1], torch.full((BATCH, 2), 5.0))  # the replaced fakes, in the discriminator's turn
    for row in logger.rows:
        assert row["d/tech_one"] == 1.5
        assert row["g/tech_two"] == 2.0
        assert row["g/adversarial"] == 0.25
        assert row["g/loss"] == 2.25
        assert row["d/loss"] == pytest.approx(row["d/adversarial"] + 1.5, abs=1e-5)


def test_a_relativistic_loss_gets_real_logits_in_the_generators_turn():
    model = points(loss=RelativisticPairing())
    seen = []
    generator = model.loss.generator

    def spy(fake, real=None):
        batch = next(iter(PointStream(model)))
        seen.append((fake, real, model.discriminator(batch.images)))
        return generator(fake, real)

    model.loss.generator = spy
    train(model, 3)
    assert len(seen) == 3
    for fake, real, expected in seen:
        assert fake.requires_grad
        assert not real.requires_grad
        assert torch.equal(real, expected)


def test_another_loss_does_not_pay_for_real_logits_in_the_generators_turn():
    counts = {}
    for loss in (NonSaturating(), RelativisticPairing()):
        model, calls = points(loss=loss), []
        features = model.discriminator.features
        model.discriminator.features = lambda x, calls=calls, features=features: calls.append(1) or features(x)
        train(model, 1)
        counts[type(loss).__name__] = len(calls)
    assert counts == {"NonSaturating": 3, "RelativisticPairing": 4}


class Shift(Augmentation):
    """Adds 100 and counts."""

    def __init__(self):
        super().__init__()
        self.treated, self.observed, self.steps = [], [], 0

    def forward(self, images):
        self.treated.append(len(images))
        return images + 100

    def observe(self, logits, images):
        self.observed.append((len(logits), logits.requires_grad, images))
        self.last = logits

    def end_step(self):
        self.steps += 1


@pytest.mark.parametrize("accumulate", [1, 2])
def test_the_augmentation_treats_all_that_the_discriminator_sees(accumulate):
    shift = Shift()
    model = points(augment=shift, updates=UpdateRule(accumulate=accumulate), regularizers={"probe": Probe(weight=0.0)})
    judged = []
    features = model.discriminator.features
    model.discriminator.features = lambda x: judged.append(x.mean().item()) or features(x)
    train(model, 1)
    share = BATCH // accumulate
    assert shift.treated == [share] * (4 * accumulate)  # real, fake, the penalty's real, and the generator's fake
    assert all(90 < mean < 110 for mean in judged)
    assert shift.observed == [(share, False, share)] * accumulate
    assert shift.steps == 1


def test_the_augmentation_sees_logits_from_where_the_loss_cannot_tell():
    seen = {}
    for loss in (NonSaturating(), LeastSquares(fake_target=1.0, real_target=3.0), RelativisticPairing()):
        shift = Shift()
        train(points(augment=shift, loss=loss), 1)
        seen[type(loss).__name__] = shift.last
    torch.testing.assert_close(seen["LeastSquares"], seen["NonSaturating"] - 2)
    assert torch.equal(seen["RelativisticPairing"], seen["NonSaturating"])


@pytest.mark.parametrize(
    ("parts", "named"),
    [
        ({"regularizers": {"held": LeCam()}}, "model.regularizers.held"),
        ({"stabilizers": {"past": HistoricalAveraging()}}, "model.stabilizers.past"),
    ],
)
def test_parts_that_follow_the_steps_are_refused_with_micro_batches(parts, named):
    with pytest.raises(ValueError, match=rf"model.updates.accumulate = 2: {named} would follow micro-batches"):
        points(updates=UpdateRule(accumulate=2), **parts)
    points(updates=UpdateRule(accumulate=1), **parts)


def test_parts_that_do_not_fit_together_are_refused():
    from gan_lightning.models import DCGAN
    from gan_lightning.networks import DCGANDiscriminator, DCGANGenerator

    with pytest.raises(ValueError, match=r"generator makes samples of shape \(3, 8, 8\), .* shape \(3, 16, 16\)"):
        DCGAN(
            **parts_with(
                generator=DCGANGenerator(resolution=8, width=4),
                discriminator=DCGANDiscriminator(resolution=16, width=4),
            )
        )

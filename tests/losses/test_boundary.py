"""The logit that means "cannot tell": the best answer to real and generated samples that are alike."""

import pytest
import torch

from gan_lightning.losses import (
    Hinge,
    LabelFlipping,
    LeastSquares,
    Minimax,
    NonSaturating,
    RelativisticAverage,
    RelativisticPairing,
    Wasserstein,
)

LOGITS = torch.linspace(-4, 4, 8001, dtype=torch.float64)


def of_alike(loss) -> torch.Tensor:
    """The discriminator's loss where all logits, real and generated, are the same."""
    return torch.stack([loss.discriminator(logit.view(1), logit.view(1))[0] for logit in LOGITS[::50]])


@pytest.mark.parametrize(
    ("loss", "boundary"),
    [
        (Minimax(), 0.0),
        (NonSaturating(), 0.0),
        (NonSaturating(real_target=0.9), -0.2006706954621511),  # log(0.9 / 1.1)
        (LeastSquares(), 0.5),
        (LeastSquares(fake_target=-1.0, real_target=0.9, generator_target=0.0), -0.05),
        (LabelFlipping(loss=LeastSquares(), probability=0.1), 0.5),
    ],
    ids=lambda value: type(value).__name__,
)
def test_it_is_the_least_loss_of_samples_that_are_alike(loss, boundary):
    assert loss.boundary == pytest.approx(boundary, abs=1e-12)
    values = loss.discriminator(LOGITS, LOGITS)
    assert LOGITS[values.argmin()].item() == pytest.approx(boundary, abs=1e-3)


def test_hinge_is_flat_between_its_margins():
    values, between = Hinge().discriminator(LOGITS, LOGITS), LOGITS.abs() <= 1
    assert Hinge().boundary == 0
    assert values[between].tolist() == pytest.approx([2.0] * int(between.sum()), abs=1e-12)
    assert (values[~between] > 2).all()


@pytest.mark.parametrize(
    "loss",
    [
        Wasserstein(),
        RelativisticPairing(),
        *(RelativisticAverage(kind=kind) for kind in ("standard", "least_squares", "hinge")),
        LabelFlipping(loss=Wasserstein()),
    ],
    ids=lambda loss: type(loss).__name__,
)
def test_there_is_none_where_only_differences_count(loss):
    assert loss.boundary is None
    values = of_alike(loss)
    assert values.tolist() == pytest.approx([values[0].item()] * len(values), abs=1e-12)

"""Conditions on configurations, as they are typed."""

from pathlib import Path

import pytest

from gan_lightning.report import find_runs, select
from gan_lightning.report.conditions import parse, split


@pytest.fixture
def found(tmp_path, make):
    make("hinge-0", loss="Hinge")
    make("hinge-1", loss="Hinge", seed=1, lr=1e-3)
    make("ra", loss="RelativisticAverageHinge", lr=1e-2)
    make("ns", loss="NonSaturating", status="diverged")
    (make("torn", fd=1.0) / "results.json").write_text("{")
    return find_runs([tmp_path])


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("model.loss=hinge", "hinge-0 hinge-1"),  # the exact class goes before classes whose names contain it
        ("model.loss=Average", "ra"),
        ("model.loss=non_saturating", "ns"),
        ("model.loss!=hinge", "ns ra"),
        ("model.loss._target_=gan_lightning.losses.Hinge", "hinge-0 hinge-1"),
        ("model.loss=hinge,seed=1", "hinge-1"),
        ("model.generator_optimizer.lr=2e-4", "hinge-0 ns"),
        ("model.generator_optimizer.lr>=1e-3", "hinge-1 ra"),
        ("model.generator_optimizer.lr<0.001", "hinge-0 ns"),
        ("model.generator_optimizer.betas=[0.0,0.99],seed=1", "hinge-1"),
        ("model.augment=null,model.loss=average", "ra"),
        ("name = demo, seed=1", "hinge-1"),
        ("status=diverged", "ns"),
    ],
)
def test_conditions_and_damaged_runs_stay(found, text, names):
    left = sorted(Path(run.place).name for run in select(found, [text]) if run.status != "damaged")
    assert " ".join(left) == names
    assert sum(run.status == "damaged" for run in select(found, [text])) == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("model.loss", ["KEY=VALUE", "'model.loss'"]),
        ("model.los=hinge", ["no run has this key", "did you mean 'model.loss'"]),
        ("model.loss=minimax", ["no run meets this"]),
        ("model.loss>3", ["only numbers can be compared by order", "Hinge"]),
    ],
)
def test_what_cannot_be_meant_is_refused(found, text, words):
    with pytest.raises(ValueError, match="where = ") as caught:
        select(found, [text])
    assert all(word in str(caught.value) for word in words)


def test_no_condition_leaves_everything(found):
    assert select(found, []) == found
    assert split("a=[1,2],b=3,") == ["a=[1,2]", "b=3"]
    assert parse("a.b <= x y").value == "x y"

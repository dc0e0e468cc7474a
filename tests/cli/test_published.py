"""What is published stands beside what a run reached: at its end, when it is evaluated, and in the comparison."""

from __future__ import annotations

import pytest

RING = ["experiment=ring_gan", "trainer.accelerator=cpu", "logger=none", "evaluator.samples=500"]
EXPECTED = (
    "expected=["
    "{key: modes500_ring, value: 7.5, spread: 0.5, source: 'a paper [table 1]'},"
    "{key: high_quality500_ring, value: 98, source: a paper, kimg: 40000},"
    "{key: modes2500_ring, value: 6.3, source: a paper},"
    "{key: fid5k_test_sngan, value: 21.7, source: a paper, preset: sngan},"
    "{key: modes500_ring, value: 7, source: a paper, data: {modes: 8, sigma: 0.02}}]"
)
UNCHANGED = [
    "high_quality500_ring: published 98 (a paper), not compared: budget not reached: stopped at 2 of 40000 kimg",
    "modes2500_ring: published 6.3 (a paper), not compared: "
    "modes500_ring has another protocol: number of samples 500, not 2500",
    "fid5k_test_sngan: published 21.7 (a paper), not compared: "
    "not measured; gan-evaluate with evaluator=sngan measures it",
    "modes500_ring: published 7 (a paper), not compared: of other data: data.sigma is 0.01 here, 0.02 there",
]


@pytest.fixture(scope="module")
def trained(commands, tmp_path_factory):
    base = tmp_path_factory.mktemp("ring")
    ended = commands("train", *RING, "budget.kimg=2", EXPECTED, "hydra.run.dir=run", cwd=base)
    assert ended.code == 0, ended.text
    return base, ended


def said(text: str) -> list[str]:
    return [line for line in text.splitlines() if "published" in line]


def test_the_end_of_a_run_sets_its_scores_beside_the_published_ones(trained):
    first, *others = said(trained[1].out)
    assert first.startswith("modes500_ring: reached ")
    assert first.endswith(", published 7.5 ± 0.5 (a paper [table 1])")
    assert others == UNCHANGED


def test_a_run_that_stops_early_is_not_compared(commands, tmp_path):
    stop = ["budget.kimg=20", "+trainer.max_steps=20", EXPECTED, "hydra.run.dir=run"]
    ended = commands("train", *RING, *stop, cwd=tmp_path)
    assert ended.code == 0, ended.text
    assert said(ended.out)[0].endswith("not compared: budget not reached: stopped at 1 of 20 kimg")


def test_a_checkpoint_knows_what_is_published(commands, trained):
    base, ended = trained
    evaluated = commands("evaluate", "ckpt=run/checkpoints/latest.ckpt", "out=s.json", cwd=base)
    assert evaluated.code == 0, evaluated.text
    assert said(evaluated.out) == said(ended.out)


def test_the_comparison_knows_it_too(commands, trained):
    base, _ = trained
    compared = commands("compare", "runs=run", cwd=base)
    assert compared.code == 0, compared.text
    lines = [line.removeprefix("ring_gan: ") for line in said(compared.out) if line.startswith("ring_gan: ")]
    assert lines[0].startswith("modes500_ring: reached ")
    assert lines[1:] == UNCHANGED
    assert "published 7.5 ± 0.5" in next(
        line for line in compared.out.splitlines() if line.startswith("│") and "7.5" in line
    )


def test_a_run_of_another_config_goes_on_if_only_that_differs(commands, trained, tmp_path):
    base, _ = trained
    ended = commands(
        "train", *RING, "budget.kimg=3", "expected=[]", f"resume={base / 'run'}", "hydra.run.dir=next", cwd=tmp_path
    )
    assert ended.code == 0, ended.text
    assert said(ended.out) == []

"""The package does what it did when the record was made, and the comparison with it can fail."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.conftest import CONF, LONG
from tests.record import golden, records, refusals
from tests.record.cases import CASES, MODELS
from tests.record.golden import Renames

QUICK = {"points": ("plain",)}

REFUSED = ("model=infogan model.continuous=3", "gan-sample ckpt=text.txt", "generated=mixed")
"""Parts of command lines, one for each command, that need no run."""


def differences(name, folder, ways):
    made, texts = records.make(CASES[name], folder, ways)
    expected = records.CaseRecord.read(name, golden.FOLDER, Renames.read())
    return expected.differences(made, bits=golden.of_this_machine()) + texts


@pytest.mark.slow
@pytest.mark.parametrize("name", QUICK)
def test_some_models_do_what_they_did(name, tmp_path):
    (tmp_path / name).mkdir()
    assert differences(name, tmp_path / name, QUICK[name]) == []


@pytest.mark.slow
def test_some_command_lines_are_refused_as_they_were(tmp_path):
    chosen = [refusal for refusal in refusals.read() if any(part in refusal.line for part in REFUSED)]
    assert len(chosen) == len(REFUSED)
    assert refused_differently(chosen, tmp_path, refusals.prepare_files) == []


@pytest.mark.parametrize("name", [pytest.param(name, marks=LONG) for name in CASES])
def test_every_model_does_what_it_did(name, tmp_path):
    (tmp_path / name).mkdir()
    assert differences(name, tmp_path / name, CASES[name].ways) == []


@pytest.mark.parametrize("all_of", [pytest.param(refusals.read, marks=LONG)])
def test_every_command_line_is_refused_as_it_was(all_of, tmp_path):
    assert refused_differently(all_of(), tmp_path, refusals.prepare) == []


def refused_differently(chosen, tmp_path, prepare):
    folder = tmp_path / "refusals"
    folder.mkdir()
    prepare(folder)
    ends, texts = refusals.end_all(chosen, folder)
    for one, other in zip(chosen, ends, strict=True):
        texts += refusals.differences(one, other, Renames.read())
    return texts


def test_every_model_has_a_case_and_every_case_a_record():
    assert set(MODELS) <= {path.stem for path in (CONF / "model").glob("*.yaml")}  # younger ones need none
    for suffix in ("npz", "json"):
        recorded = {path.stem for path in golden.FOLDER.glob(f"*.{suffix}")}
        assert recorded - {"machine", "renames", "refusals"} == set(CASES)


@pytest.fixture(scope="module")
def record():
    return records.CaseRecord.read("dcgan", golden.FOLDER, Renames.none())


def changed(table, name, change):
    return {**table, name: change(table[name].copy())}


def at_third(value):
    def change(row):
        row[2] = value(row[2])
        return row

    return change


TENSOR, SCALAR, SCORE = "discriminator.body.0.weight", "d/loss", "digits/scores/kd256_train_digits/value"


@pytest.mark.parametrize("bits", [True, False])
def test_a_record_is_like_itself(record, bits):
    assert record.differences(record, bits=bits) == []


def test_a_changed_bit_is_told_with_its_place(record):
    plain = record.series["plain"]
    other = replace(plain, checksums=changed(plain.checksums, TENSOR, at_third(lambda value: value ^ 1)))
    got = replace(record, series={**record.series, "plain": other})
    (text,) = record.differences(got, bits=True)
    assert text.startswith(f"plain: update 3, tensor {TENSOR}: norm ")
    assert record.differences(got, bits=False) == []


@pytest.mark.parametrize(("factor", "told"), [(1 + 1e-9, 0), (1 + 0.8e-6, 0), (1 + 2e-4, 1), (1 - 2e-4, 1)])
def test_elsewhere_a_norm_may_be_off_by_little(record, factor, told):
    plain = record.series["plain"]
    other = replace(plain, norms=changed(plain.norms, TENSOR, at_third(lambda value: value * factor)))
    texts = record.differences(replace(record, series={**record.series, "plain": other}), bits=False)
    assert [text.split(": ")[1] for text in texts] == [f"update 3, tensor {TENSOR}"] * told


def test_a_scalar_is_compared(record):
    plain = record.series["plain"]
    for change, bits in ((lambda value: np.nextafter(value, 9), True), (lambda value: value * 1.001, False)):
        other = replace(plain, scalars=changed(plain.scalars, SCALAR, at_third(change)))
        (text,) = record.differences(replace(record, series={**record.series, "plain": other}), bits=bits)
        assert text.startswith(f"plain: row 3, scalar {SCALAR}: ")


def test_what_is_missing_or_new_is_told(record):
    plain = record.series["plain"]
    norms = {"new" if name == TENSOR else name: row for name, row in plain.norms.items()}
    checksums = {"new" if name == TENSOR else name: row for name, row in plain.checksums.items()}
    series = replace(plain, norms=norms, checksums=checksums, scalars={**plain.scalars, "d/new": np.zeros(12)})
    leaves = {name: leaf for name, leaf in record.scores.items() if name != SCORE}
    got = replace(record, series={**record.series, "plain": series}, samples={}, scores=leaves)
    for bits in (True, False):
        assert record.differences(got, bits=bits) == [
            f"plain: tensor {TENSOR} is missing",
            "plain: tensor new is not in the record",
            "plain: scalar d/new is not in the record",
            *(f"samples {name} is missing" for name in sorted(record.samples)),
            f"score entry {SCORE} is missing",
        ]


def test_fewer_updates_are_told(record):
    plain = record.series["plain"]
    norms = {name: row[:-1] for name, row in plain.norms.items()}
    got = replace(record, series={**record.series, "plain": replace(plain, norms=norms)})
    assert f"plain: tensor {TENSOR}: 11 updates instead of 12" in record.differences(got, bits=False)


def test_samples_are_compared(record):
    for by, told in ((1, {True: 1, False: 0}), (2, {True: 1, False: 1})):
        pixels = record.samples["samples"].copy()
        pixels[5, 0, 0, 0] = pixels[5, 0, 0, 0] + by if pixels[5, 0, 0, 0] < 128 else pixels[5, 0, 0, 0] - by
        got = replace(record, samples={**record.samples, "samples": pixels})
        for bits, count in told.items():
            assert record.differences(got, bits=bits) == [f"samples: samples [5] are off by up to {by}"] * count


def test_scores_are_compared(record):
    for change, bits in ((1e-12, True), (1e-3, False)):
        got = replace(record, scores={**record.scores, SCORE: record.scores[SCORE] * (1 + change)})
        (text,) = record.differences(got, bits=bits)
        assert text.startswith(f"{SCORE}: ")
    word = SCORE.replace("value", "protocol/weights")
    got = replace(record, scores={**record.scores, word: "raw"})
    assert record.differences(got, bits=False) == [f"{word}: 'raw' instead of 'ema'"]


def test_names_change_through_the_committed_map(record):
    maps = {**Renames.none().maps, "tensors": {r"^discriminator\.body\.0\.": "critic.first."}, "scalars": {"^d/": "c/"}}
    renamed = records.CaseRecord.read("dcgan", golden.FOLDER, Renames(maps)).series["plain"]
    assert "critic.first.weight@exp_avg" in renamed.norms
    assert not any(name.startswith("discriminator.body.0.") for name in renamed.norms)
    assert "c/loss" in renamed.scalars
    assert renamed.norms["critic.first.weight"] is not None
    with pytest.raises(ValueError, match="several tensors one name"):
        Renames({**maps, "tensors": {".*": "all"}}).table("tensors", record.series["plain"].norms)


def test_a_refusal_is_compared():
    first = refusals.read()[0]
    assert refusals.differences(first, first, Renames.none()) == []
    for other in (replace(first, code=1), replace(first, message=["another"])):
        (text,) = refusals.differences(first, other, Renames.none())
        assert text.startswith(first.line)
    renames = Renames({**Renames.none().maps, "messages": {"^.*$": "another"}})
    assert refusals.differences(replace(first, message=["this"]), replace(first, message=["another"]), renames) == []

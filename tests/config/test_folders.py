"""Folder names of runs and of a sweep's jobs."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gan_lightning.config.folders import LONGEST, job_folder, run_folder, sweep_folder

overrides = st.lists(
    st.tuples(st.sampled_from(["seed", "model/loss", "model.lr", "batch_size"]), st.text(max_size=30)).map("=".join),
    max_size=8,
)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        (["seed=1", "model/loss=hinge"], "model.loss=hinge,seed=1"),
        (["experiment=demo", "+sweep=table", "seed=0", "cluster=gpu", "resume=auto"], "experiment=demo,seed=0"),
        (["+model/regularizer@model.regularizers.r1=r1"], None),
        (["budget.kimg=8", "seed=0", "budget.epochs=null", "budget.images=null"], "budget.kimg=8,seed=0"),
        ([], "default"),
        (["seed=0", "expected=[{key: fid50k_train, value: 9, source: a paper}]"], "seed=0"),
    ],
)
def test_names_that_people_can_read(given, name):
    assert job_folder(given) == name or (name is None and "r1" in job_folder(given))


def test_long_names_keep_what_fits_and_tell_jobs_apart():
    line = [f"model.generator_optimizer.part{i}=0.000{i}" for i in range(9)]
    first, second = job_folder([*line, "seed=0"]), job_folder([*line, "seed=1"])
    assert first != second
    assert first.startswith("part0=0.0000,part1=0.0001")
    assert len(first) == LONGEST


@given(overrides)
def test_any_overrides_make_one_plain_name_whatever_their_order(given):
    name = job_folder(given)
    assert re.fullmatch(r"[\w.=,+-]{1,100}", name, flags=re.ASCII)
    assert not name.startswith(".")
    assert name == job_folder(list(reversed(given)))


@given(overrides, overrides)
def test_other_overrides_make_another_name(first, second):
    if sorted(first) != sorted(second):
        assert job_folder(first) != job_folder(second) or {*first, *second} <= {"model/loss=", "model.loss="}


def test_a_single_run_is_named_by_its_time_or_its_slurm_job():
    assert re.fullmatch(r"\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d", run_folder({}))
    assert run_folder({"SLURM_JOB_ID": "7", "SLURM_STEP_ID": "0"}) == "slurm_7"
    assert run_folder({"SLURM_JOB_ID": "7", "SLURM_STEP_ID": "2"}) == "slurm_7.2"
    array = {"SLURM_JOB_ID": "9", "SLURM_ARRAY_JOB_ID": "7", "SLURM_ARRAY_TASK_ID": "2"}
    assert run_folder(array) == "slurm_7_2"
    assert run_folder({"SLURM_JOB_ID": "7", "SLURM_STEP_ID": "4294967291"}) == "slurm_7"  # the batch script itself


def test_jobs_of_one_folder_stay_there_and_those_of_several_get_one():
    assert sweep_folder(["s", "s"], runs="runs", names=["a", "b"]) == "s"
    several = {"runs": "runs", "names": ["a", "a", "b"]}
    assert sweep_folder(["runs/a/sweep", "runs/a/sweep", "runs/b/sweep"], **several) == "runs/a+b/sweep"
    names = [f"a_long_name_of_a_variant_{number}" for number in range(30)]
    many = sweep_folder(names, runs="runs", names=names)
    assert many == sweep_folder(names, runs="runs", names=names)
    assert len(many.split("/")[1]) < 100
    assert many.startswith("runs/a_long_name_of_a_variant_0+29-more-")

"""``gan-evaluate`` on checkpoints and on images in files, and what it says of bad input."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from gan_lightning.core.container import write_container
from gan_lightning.data.digits import load_digits
from gan_lightning.data.errors import DataError
from gan_lightning.data.given import given_images
from gan_lightning.launch import evaluation
from gan_lightning.launch.evaluation_inputs import warn_of_sizes
from gan_lightning.metrics import extractor as extractor_module
from tests.cli.conftest import TINY, Commands, Ended, listing
from tests.conftest import takes_long
from tests.metrics.random_weights import dinov2_hub, inception_weights, pictures

DIGITS = ["evaluator=digits", "evaluator.metrics=[frechet,kernel,precision,recall,authenticity]"]


@pytest.fixture(scope="module")
def run(commands: Commands, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained run of a conditional model, never changed."""
    folder = tmp_path_factory.mktemp("run")
    tiny = [o for o in TINY if not o.startswith(("model.", "experiment"))]
    ended = commands(
        "train",
        "model=cgan",
        "data=digits",
        "budget.kimg=0.064",
        *tiny,
        "logger=none",
        f"hydra.run.dir={folder}",
        cwd=folder,
    )
    assert ended.code == 0, ended.text
    return folder


@pytest.fixture(scope="module")
def ckpt(run: Path) -> str:
    return str(run / "checkpoints" / "latest.ckpt")


def write_png(folder: Path, images: torch.Tensor) -> Path:
    folder.mkdir(parents=True)
    for index, image in enumerate(images):
        pixels = image.permute(1, 2, 0).numpy()
        Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).save(folder / f"{index:04d}.png")
    return folder


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same digits as a folder, an archive, and arrays; and others to compare them with."""
    folder = tmp_path_factory.mktemp("digits")
    images, labels = load_digits(split="heldout")
    write_png(folder / "made", images[:60])
    shutil.make_archive(str(folder / "made"), "zip", folder / "made")
    np.savez(folder / "made.npz", arr_0=images[:60].permute(0, 2, 3, 1).numpy(), arr_1=labels[:60].numpy())
    np.savez(folder / "real.npz", images[60:200].numpy(), labels[60:200].numpy())
    write_png(folder / "real", images[60:200])
    return folder


def scores(path: Path) -> dict[str, float]:
    return {score["key"]: score["value"] for score in json.loads(path.read_text())["scores"]}


def test_a_checkpoint_is_scored_with_labels_of_the_training_prior(commands, ckpt, tmp_path):
    options = ["evaluator=digits", "evaluator.samples=80", "evaluator.metrics=[frechet,intra_frechet,authenticity]"]
    ended = commands("evaluate", f"ckpt={ckpt}", *options, "+evaluator.closest_shown=4", "out=s.json", cwd=tmp_path)
    assert ended.code == 0, ended.text
    record = json.loads((tmp_path / "s.json").read_text())
    assert [s["key"] for s in record["scores"]] == [
        "fd80_train_digits",
        "intra_fd80_train_digits",
        "authenticity80_train_digits",
    ]
    assert all(s["stderr"] is not None for s in record["scores"])
    assert len(record["class_distances"]) == 10
    assert [len(found["real"]) for found in record["closest"]] == [5] * 4
    with Image.open(tmp_path / "s.nearest.png") as picture:
        assert picture.size == (6 * 66 + 2, 4 * 66 + 2)
    assert "written to s.json and s.nearest.png" in ended.out
    assert all(words in ended.out for words in ("real images", "80 against", "1717"))  # with the held-out ones
    assert f"the samples are far from real: fd80_train_digits = {record['scores'][0]['value']:.4g} is " in ended.out


@pytest.mark.parametrize("side", [16, 8])
def test_sides_of_different_sizes_are_said(digits, side, caplog):
    real = given_images(digits / "real.npz", key="real", split="train", labeled=False)
    warn_of_sizes(side, real)
    assert ("the generated images are 8x8 and the real ones 16x16" in caplog.text) is (side == 8)


def test_the_same_images_on_both_sides_are_said_to_be_copies(commands, digits, tmp_path):
    real = digits / "real.npz"
    options = ["evaluator=digits", "evaluator.metrics=[frechet,kernel]", "out=s.json"]
    ended = commands("evaluate", f"generated={real}", f"real={real}", *options, cwd=tmp_path)
    assert ended.code == 0, ended.text
    assert "the samples are nearer to the real images than these are to one another: fd140_train_digits = " in ended.out


def test_folder_archive_and_arrays_are_the_same_images(commands, digits, tmp_path):
    found = {}
    for generated, real in (("made", "real"), ("made.zip", "real.npz"), ("made.npz", "real")):
        out = tmp_path / f"{generated}.json"
        ended = commands(
            "evaluate", f"generated={digits / generated}", f"real={digits / real}", *DIGITS, f"out={out}", cwd=tmp_path
        )
        assert ended.code == 0, ended.text
        found[generated] = scores(out)
    assert list(found["made"]) == [
        f"{name}60_train_digits" for name in ("fd", "kd", "precision", "recall", "authenticity")
    ]
    assert found["made.zip"] == pytest.approx(found["made"], rel=1e-10)
    assert found["made.npz"] == pytest.approx(found["made"], rel=1e-10)
    record = json.loads((tmp_path / "made.json").read_text())
    assert record["generated"].endswith("made")
    assert {score["protocol"]["weights"] for score in record["scores"]} == {"files"}


def test_a_checkpoint_on_the_real_side_means_its_data(commands, digits, ckpt, tmp_path):
    ended = commands(
        "evaluate",
        f"generated={digits / 'made.npz'}",
        f"real={ckpt}",
        "evaluator=digits",
        "evaluator.metrics=[frechet,intra_frechet]",
        "out=s.json",
        cwd=tmp_path,
    )
    assert ended.code == 0, ended.text
    record = json.loads((tmp_path / "s.json").read_text())
    assert {score["protocol"]["n_real"] for score in record["scores"]} == {1442}
    assert {score["protocol"]["dataset"] for score in record["scores"]} == {"digits"}
    assert len(record["class_distances"]) == 10


def test_files_on_the_real_side_of_a_checkpoint(commands, digits, ckpt, tmp_path):
    ended = commands(
        "evaluate",
        f"ckpt={ckpt}",
        f"real={digits / 'real'}",
        *DIGITS,
        "evaluator.samples=50",
        "out=s.json",
        cwd=tmp_path,
    )
    assert ended.code == 0, ended.text
    assert "fd50_train_digits" in scores(tmp_path / "s.json")


def test_two_images_are_scored_where_that_means_something(commands, digits, tmp_path):
    made = write_png(tmp_path / "two", pictures(2, seed=1))
    ended = commands("evaluate", f"generated={made}", f"real={digits / 'real'}", *DIGITS, cwd=tmp_path)
    assert ended.code == 0, ended.text
    assert "fd2_train_digits" in scores(tmp_path / "two.digits.scores.json")
    assert "precision2_train_digits was not computed: needs at least 4 generated images, there are 2" in ended.out
    assert "2 generated images" in ended.out
    assert "rank-deficient" in ended.out


@takes_long
def test_scores_of_the_same_files_agree_with_torch_fidelity(commands, tmp_path, monkeypatch):
    from torch_fidelity import calculate_metrics

    monkeypatch.setattr(extractor_module, "FORWARD_IMAGES", 2)
    # some of the generated ones are far from all real ones
    made = write_png(tmp_path / "made", torch.cat([pictures(5, seed=1), pictures(3, seed=4)]))
    real = write_png(tmp_path / "real", pictures(6, seed=2))
    torch.save(inception_weights(), tmp_path / "inception.pth")
    theirs = calculate_metrics(
        input1=str(made),
        input2=str(real),
        cuda=False,
        isc=True,
        isc_splits=2,
        fid=True,
        kid=True,
        prc=True,
        feature_extractor="inception-v3-compat",
        feature_extractor_weights_path=str(tmp_path / "inception.pth"),
        kid_subset_size=6,
        kid_subsets=20,
        cache=False,
        save_cpu_ram=True,
        verbose=False,
        batch_size=2,
    )
    ended = commands(
        "evaluate",
        f"generated={made}",
        f"real={real}",
        "evaluator=legacy_tf",
        "evaluator.protocol=few",
        "out=s.json",
        "evaluator.metrics=[frechet,score,kernel,precision,recall]",
        f"evaluator.extractor.weights_path={tmp_path}/inception.pth",
        "+evaluator.kernel_subset_size=6",
        "+evaluator.kernel_subsets=20",
        "+evaluator.score_splits=2",
        cwd=tmp_path,
    )
    assert ended.code == 0, ended.text
    found = scores(tmp_path / "s.json")
    expected = {
        "fid8_train_few": theirs["frechet_inception_distance"],
        "is8_few": theirs["inception_score_mean"],
        "kid8_train_few": theirs["kernel_inception_distance_mean"],
        "precision8_train_few": theirs["precision"],
        "recall8_train_few": theirs["recall"],
    }
    assert found == pytest.approx(expected, rel=1e-4)
    # the agreement is about something: the features differ, and the classifier is not constant
    assert theirs["frechet_inception_distance"] > 0.1
    assert theirs["inception_score_mean"] > 1.01
    assert 0 < theirs["precision"] < 1
    record = json.loads((tmp_path / "s.json").read_text())
    assert {score["protocol"]["protocol"] for score in record["scores"]} == {"few"}


def refused(commands: Commands, cwd: Path, *argv: str) -> Ended:
    """Run a command that must end with one clear message and leave nothing behind."""
    before = listing(cwd)
    ended = commands("evaluate", *argv, cwd=cwd)
    assert ended.code == 2, ended.text
    assert "Traceback" not in ended.text
    assert listing(cwd) == before
    return ended


def test_empty_damaged_and_unequal_images_are_named(commands, digits, tmp_path):
    real = f"real={digits / 'real'}"
    (tmp_path / "empty").mkdir()
    assert (
        "generated = empty: there are no images in it"
        in refused(commands, tmp_path, "generated=empty", real, *DIGITS).err
    )
    write_png(tmp_path / "mixed", pictures(4, seed=1))
    Image.new("RGB", (30, 30)).save(tmp_path / "mixed" / "0009.png")
    (tmp_path / "mixed" / "0007.png").write_bytes((tmp_path / "mixed" / "0001.png").read_bytes()[:200])
    text = refused(commands, tmp_path, "generated=mixed", real, *DIGITS).err
    assert "generated = mixed: 2 of 6 images are damaged or of another size than the first:" in text
    assert "0007.png: " in text
    assert "0009.png: 30x30 instead of 20x20" in text
    text = refused(commands, tmp_path, f"generated={digits / 'made'}", "real=mixed", *DIGITS).err
    assert "real = mixed: 2 of 6" in text
    (tmp_path / "arrays.npz").write_bytes(b"PK no archive")
    assert "not a complete .npz file" in refused(commands, tmp_path, "generated=arrays.npz", real, *DIGITS).err


def test_checkpoints_that_cannot_be_scored(commands, ckpt, tmp_path):
    write_container(tmp_path / "foreign.ckpt", {"state_dict": {}})
    assert "a checkpoint of another program" in refused(commands, tmp_path, "ckpt=foreign.ckpt", *DIGITS).err
    assert (
        "a checkpoint of another program"
        in refused(commands, tmp_path, f"ckpt={ckpt}", "real=foreign.ckpt", *DIGITS).err
    )
    checkpoint = torch.load(ckpt, weights_only=True)
    for name, value in checkpoint["state_dict"].items():
        if name.startswith("generator_ema") and value.is_floating_point():
            value.fill_(float("nan"))
    write_container(tmp_path / "nan.ckpt", checkpoint)
    text = refused(commands, tmp_path, "ckpt=nan.ckpt", *DIGITS, "evaluator.samples=40").err
    assert "nan.ckpt: " in text
    assert "pixel values are NaN or infinite" in text


def test_keys_that_do_not_fit_together(commands, ckpt, digits, tmp_path):
    made, real = f"generated={digits / 'made'}", f"real={digits / 'real'}"
    for argv in ([], [f"ckpt={ckpt}", made, real]):
        assert "give either ckpt=FILE" in refused(commands, tmp_path, *argv, *DIGITS).err
    assert "say what it is compared with" in refused(commands, tmp_path, made, *DIGITS).err
    for word in ("statistics=running", "weights=raw"):
        told = refused(commands, tmp_path, made, real, *DIGITS, word).err
        assert f"{word.replace('=', ' = ')} applies to a generator, but generated = " in told
    text = refused(commands, tmp_path, f"ckpt={ckpt}", *DIGITS, "statistics=[2,16]").err
    assert "model.statistics = standing(2, 16): model.generator (CGANGenerator) has no batch norm" in text
    assert "evaluator=legacy_tf" in refused(commands, tmp_path, made, real).err
    assert "does not score images in files" in refused(commands, tmp_path, made, real, "evaluator=modes").err
    assert "it is a folder" in refused(commands, tmp_path, made, real, *DIGITS, "out=.").err
    assert "ends in .json" in refused(commands, tmp_path, f"ckpt={ckpt}", *DIGITS, f"out={ckpt}").err
    text = refused(commands, tmp_path, f"ckpt={ckpt}", "evaluator=digits", "evaluator.metrics=[path_length]").err
    assert "evaluator.similarity" in text


def test_a_full_disk_leaves_no_half_of_the_scores(commands, digits, tmp_path, monkeypatch):
    from gan_lightning.core import atomic as files

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    out = tmp_path / "s.json"
    ended = commands(
        "evaluate", f"generated={digits / 'made'}", f"real={digits / 'real'}", *DIGITS, f"out={out}", cwd=tmp_path
    )
    assert ended.code == 2
    assert "fd60_train_digits" in ended.out
    assert f"out = {out}: the scores above cannot be written: No space left on device" in ended.err
    assert "Traceback" not in ended.text
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_named_before_the_work(commands, digits, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("mine")
    words = [f"generated={digits / 'made'}", f"real={digits / 'real'}", *DIGITS]
    ended = commands("evaluate", *words, "out=file/s.json", cwd=tmp_path)
    assert (ended.code, ended.out) == (2, "")
    assert f"out = file/s.json: cannot be written: {tmp_path / 'file'} is not a folder" in ended.err
    monkeypatch.setattr("os.access", lambda path, mode: Path(path) != tmp_path)
    ended = commands("evaluate", *words, "out=new/s.json", cwd=tmp_path)
    assert (ended.code, ended.out) == (2, "")
    assert f"out = new/s.json: cannot be written: {tmp_path} is not a folder, or is read-only" in ended.err
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_more_samples_than_the_memory_holds_are_refused_at_once(commands, ckpt, tmp_path):
    ended = commands("evaluate", f"ckpt={ckpt}", "+evaluator.samples=1000000000000", "out=s.json", cwd=tmp_path)
    assert (ended.code, ended.out) == (2, "")
    assert "evaluator.samples = 1000000000000: " in ended.err
    assert "GB of memory" in ended.err
    assert list(tmp_path.iterdir()) == []


def test_scores_of_another_evaluator_go_to_another_file(commands, ckpt, digits, tmp_path):
    shutil.copy(ckpt, tmp_path / "model.ckpt")
    (tmp_path / "model.scores.json").write_text("mine")
    one = ["ckpt=model.ckpt", "evaluator=digits", "evaluator.samples=40"]
    for argv in (one, [word.replace("digits", "digits_classes") for word in one]):
        ended = commands("evaluate", *argv, cwd=tmp_path)
        assert ended.code == 0, ended.text
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["model.ckpt", "model.digits.scores.json", "model.digits_classes.scores.json", "model.scores.json"]
    assert "fd40_train_digits" in scores(tmp_path / "model.digits.scores.json")
    assert "class_accuracy40_digits" in scores(tmp_path / "model.digits_classes.scores.json")
    assert (tmp_path / "model.scores.json").read_text() == "mine"


def test_scores_that_exist_are_replaced_only_where_that_is_asked_for(commands, digits, tmp_path):
    made = shutil.copy(digits / "made.npz", tmp_path)
    words = [f"generated={made}", f"real={digits / 'real'}", "evaluator=digits", "evaluator.metrics=[frechet]"]
    for out in ("made.digits.scores.json", "own.json"):
        (tmp_path / out).write_text("mine")
        argv = [*words, f"out={out}"] if out == "own.json" else words
        text = refused(commands, tmp_path, *argv).err
        assert f"{out}: exists already; overwrite=true replaces it" in text
        assert (tmp_path / out).read_text() == "mine"
        ended = commands("evaluate", *argv, "overwrite=true", cwd=tmp_path)
        assert ended.code == 0, ended.text
        assert "fd60_train_digits" in scores(tmp_path / out)


def test_held_out_images_that_cannot_be_used_cost_no_scores(commands, ckpt, tmp_path, monkeypatch):
    def missing(*arguments, **named):
        raise DataError("data.heldout = t10k: there is no such file")

    monkeypatch.setattr(evaluation, "parts_of_real", missing)
    ended = commands("evaluate", f"ckpt={ckpt}", *DIGITS, "evaluator.samples=60", "out=s.json", cwd=tmp_path)
    assert ended.code == 0, ended.text
    assert "note: without what real images score" in ended.out
    assert "data.heldout = t10k: there is no such file" in ended.out
    assert "fd60_train_digits" in scores(tmp_path / "s.json")


def test_the_record_of_a_run_is_not_replaced_by_scores(commands, run, tmp_path):
    folder = shutil.copytree(run, tmp_path / "run")
    before = (folder / "results.json").read_bytes()
    for out in (folder / "results.json", "run/results.json", "run/./results.json"):
        given = f"ckpt={folder}", "evaluator=digits", f"out={out}", "overwrite=true"
        ended = commands("evaluate", *given, cwd=tmp_path)
        assert (ended.code, "the record of a run" in ended.err) == (2, True), ended.text
    assert (folder / "results.json").read_bytes() == before


def test_features_and_a_similarity_are_chosen_by_name(commands, ckpt, digits, tmp_path, monkeypatch):
    from torchvision.models import squeezenet1_1

    monkeypatch.setattr(extractor_module, "FORWARD_IMAGES", 2)
    dinov2_hub(tmp_path / "hub")
    torch.save(squeezenet1_1(weights=None).state_dict(), tmp_path / "squeeze.pth")
    made = write_png(tmp_path / "made", pictures(4, seed=1))
    real = write_png(tmp_path / "real", pictures(4, seed=2))
    dinov2 = ["evaluator/extractor=dinov2", "evaluator.extractor.variant=vit-s-14", f"paths.cache={tmp_path}"]
    lpips = [
        "evaluator/similarity=lpips",
        "evaluator.similarity.net=squeeze",
        f"evaluator.similarity.weights_path={tmp_path / 'squeeze.pth'}",
    ]
    files = [f"generated={made}", f"real={real}"]
    run = [f"ckpt={ckpt}", "+evaluator.samples=4"]
    for argv, key in (
        ([*files, "evaluator=clean", *dinov2, "evaluator.metrics=[frechet]"], "fd4_train_dinov2_vits14_clean"),
        ([*files, "evaluator=digits", *lpips, "evaluator.metrics=[lpips_diversity]"], "lpips_diversity4_squeeze"),
        # the evaluator of the run, but for one of its parts
        ([*run, f"+{dinov2[0]}", *dinov2[1:], "+evaluator.metrics=[frechet]"], "fd4_train_dinov2_vits14"),
        ([*run, f"+{lpips[0]}", *lpips[1:], "+evaluator.metrics=[lpips_diversity]"], "lpips_diversity4_squeeze"),
    ):
        ended = commands("evaluate", *argv, "out=s.json", "overwrite=true", cwd=tmp_path)
        assert ended.code == 0, ended.text
        assert list(scores(tmp_path / "s.json")) == [key]
    text = refused(commands, tmp_path, f"ckpt={ckpt}", "evaluator/extractor=dinov2").err
    assert "+evaluator/extractor=... would add it" in text


def test_a_long_evaluation_tells_how_far_it_is(commands, ckpt, tmp_path, monkeypatch):
    words = [f"ckpt={ckpt}", "+evaluator.samples=320", "+evaluator.batch_size=32"]
    assert commands("evaluate", *words, "out=a.json", cwd=tmp_path).code == 0
    for seconds in ("SILENT_SECONDS", "LINE_SECONDS"):
        monkeypatch.setattr(f"gan_lightning.sampling.progress.{seconds}", 0.0)
    ended = commands("evaluate", *words, "out=b.json", cwd=tmp_path)
    assert ended.code == 0, ended.text
    lines = [line.split()[0] for line in ended.err.splitlines()]
    assert lines == [f"{done}/320" for done in range(32, 320, 32)]
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


def test_a_number_of_samples_that_the_files_do_not_have_is_refused(commands, digits, tmp_path):
    sides = [f"generated={digits / 'made'}", f"real={digits / 'real'}", *DIGITS]
    text = refused(commands, tmp_path, *sides, "evaluator.samples=50").err
    assert "evaluator.samples = 50: leave it out; all 60 images of generated" in text
    ended = commands("evaluate", *sides, "evaluator.samples=60", "out=s.json", cwd=tmp_path)
    assert ended.code == 0, ended.text


def in_classes(folder: Path, first: str, second: str) -> Path:
    """Thirty digits 0 and as many digits 1, in folders of other names."""
    images, labels = load_digits(split="heldout")
    for label, name in enumerate((first, second)):
        write_png(folder / name, images[labels == label][:30])
    return folder


CLASSES = ["evaluator=digits", "evaluator.metrics=[intra_frechet]"]


def test_classes_of_other_names_are_not_compared(commands, tmp_path):
    made, real = in_classes(tmp_path / "made", "bird", "cat"), in_classes(tmp_path / "real", "cat", "dog")
    shutil.make_archive(str(real), "zip", real)
    for other in ("real", "real.zip"):
        text = refused(commands, tmp_path, f"generated={made}", f"real={other}", *CLASSES).err
        assert "generated are bird, cat; real are cat, dog" in text
    ended = commands("evaluate", f"generated={made}", "real=real", "evaluator=digits", "out=s.json", cwd=tmp_path)
    assert ended.code == 0, ended.text  # as wholes they can be compared


def test_classes_of_the_same_names_and_numbers_are_compared(commands, tmp_path):
    made = in_classes(tmp_path / "made", "cat", "dog")
    in_classes(tmp_path / "named", "cat", "dog")
    in_classes(tmp_path / "numbers", "0", "1")
    images, labels = load_digits(split="heldout")
    few = labels < 2
    np.savez(tmp_path / "arrays.npz", images[few].numpy(), labels[few].numpy())
    for real in ("named", "numbers", "arrays.npz"):
        ended = commands("evaluate", f"generated={made}", f"real={real}", *CLASSES, f"out={real}.json", cwd=tmp_path)
        assert ended.code == 0, ended.text
        assert list(scores(tmp_path / f"{real}.json")) == ["intra_fd60_train_digits"]


def test_a_generator_of_other_classes_is_not_compared(commands, tmp_path):
    in_classes(tmp_path / "cats", "bird", "cat")
    tiny = [o for o in TINY if not o.startswith(("model.", "experiment"))]
    data = ["data=folder", "data.path=cats", "data.classes=2", "data.resolution=16", "data.channels=1"]
    words = ["model=cgan", *data, "budget.kimg=0.064", *tiny, "logger=none", "hydra.run.dir=run"]
    ended = commands("train", *words, cwd=tmp_path)
    assert ended.code == 0, ended.text
    ckpt = f"ckpt={tmp_path}/run/checkpoints/latest.ckpt"
    sides = [ckpt, "real=dogs", *CLASSES, "evaluator.samples=40"]
    in_classes(tmp_path / "dogs", "cat", "dog")
    assert "generated are bird, cat; real are cat, dog" in refused(commands, tmp_path, *sides).err
    shutil.rmtree(tmp_path / "cats")  # the checkpoint knows their names
    assert "generated are bird, cat; real are cat, dog" in refused(commands, tmp_path, *sides).err

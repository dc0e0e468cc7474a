"""Whatever is wrong with a command line: one message with key, value and what is allowed, code 2, nothing written."""

from __future__ import annotations

import importlib

import pytest

from tests.cli.conftest import environment


def refused(commands, cwd, command, *argv):
    ended = commands(command, *argv, cwd=cwd)
    assert ended.code == 2, ended.text
    assert "Traceback" not in ended.text
    assert "Error executing job" not in ended.text
    assert "Warning" not in ended.text
    assert ended.out == ""
    assert list(cwd.iterdir()) == []
    lines = ended.err.splitlines()
    assert len(lines) == len(set(lines)), "a message is repeated"
    return ended.err


@pytest.mark.parametrize(
    ("argv", "parts"),
    [
        (["batch_sise=3"], ["batch_sise = 3", "did you mean 'batch_size'", "output_dir"]),
        (
            ["model.updates.critic_stepz=3"],
            ["model.updates.critic_stepz = 3", "did you mean 'critic_steps'", "accumulate"],
        ),
        (["callbacks.evaluation.evaluator.samples=3"], ["${evaluator}", "set evaluator.samples instead"]),
        (["evaluator=none", "evaluator.samples=3"], ["evaluator.samples: evaluator is null", "evaluator=<name>"]),
        (["batch_size=many"], ["batch_size = 'many': must be an integer"]),
        (["seed=0,1"], ["seed = 0,1: a list is written seed=[0,1]; --multirun tries the values one by one"]),
        (["demo"], ["demo: arguments have the form KEY=VALUE\n"]),
        (["data.resolution=foo"], ["data.resolution = 'foo'", "expects int"]),
        (["model=3", "experiment=[1,2]"], ["model = 3: must be the name", "experiment = [1,2]: must be the name"]),
        (["~model"], ["a problem", "model: nothing is chosen"]),
        (["model=dcgann"], ["model/dcgann", "Available options", "dcgan"]),
        (["model/loss=hing"], ["model/loss/hing", "Available options", "hinge"]),
        (["+model.generator.depth=3"], ["model.generator.depth = 3", "did you mean 'width'", "latent_dim"]),
        (["experiment=demo", "data.resolution=20"], ["model.generator, model.discriminator", "power of two", "20"]),
        (
            ["trainer=ddp", "trainer.devices=2", "trainer.accelerator=cpu", "batch_size=33"],
            ["batch_size = 33", "divide over 2 devices"],
        ),
        (["trainer.devices=2", "trainer.accelerator=cpu"], ["find_unused_parameters", "trainer=ddp"]),
        (["trainer.precision=bf16-true"], ["precision=bf16-true", "bf16-mixed"]),
        (["trainer.precision=16-mixed", "trainer.accelerator=cpu"], ["trainer.precision = 16-mixed", "bf16-mixed"]),
        (
            ["experiment=demo", "callbacks.acceleration.compile=both"],
            ["callbacks.acceleration.compile", "model.regularizers.r1"],
        ),
        (["model=cgan", "model/discriminator=packed"], ["PackedDiscriminator judges 2 samples", "different labels"]),
        (["model=infogan", "model.continuous=3"], ["model.generator.code_dim = 12", "must be 13"]),
        (["experiment=ring_gan", "model/augment=ada"], ["model.augment: ADA", "shape (2,)", "instance_noise"]),
        (
            ["experiment=ring_gan", "data=digits", "evaluator=none"],
            ["data: its samples have", "(1, 16, 16)", "(2,)"],
        ),
        (["experiment=ring_pacgan3", "batch_size=100"], ["batch_size = 100", "multiple of 3", "packs of 3 samples"]),
        (
            ["experiment=ring_pacgan3", "batch_size=303", "model.updates.accumulate=2"],
            ["batch_size = 303", "multiple of 6", "2 micro-batches (model.updates.accumulate) and packs of 3"],
        ),
        (
            ["model=pacgan", "batch_size=6", "trainer=ddp", "trainer.devices=2", "trainer.accelerator=cpu"],
            ["batch_size = 6", "multiple of 4", "2 processes and packs of 2 samples"],
        ),
        (
            ["model=unrolled", "model/optimizer@model.discriminator_optimizer=rmsprop"],
            ["model.discriminator_optimizer", "unrolled", "RMSprop"],
        ),
        (
            ["+model.discriminator_optimizer.momentum={_target_: gan_lightning.core.schedules.Linear}"],
            ["model.discriminator_optimizer.momentum", "Adam has no argument 'momentum'"],
        ),
        (["model=ssgan", "model/augment=ada"], ["model.augment: ADA turns images", "model.augment.blit=0"]),
        (
            ["-m", "cluster=cpu", "model=pacgan", "batch_size=6", "trainer.devices=2"],
            ["batch_size = 6", "multiple of 4"],
        ),
        (["data=photos", "model=dcgan"], ["evaluator", "color images", "evaluator=none"]),
        (["model.generator_optimizer.lr=nan"], ["model.generator_optimizer.lr = nan: must be a number"]),
        (
            ["model.generator_optimizer.betas=[2,3]", "model.discriminator_optimizer.lr=-1"],
            [
                "2 problems",
                "model.generator_optimizer: Invalid beta",
                "model.discriminator_optimizer: Invalid learning",
            ],
        ),
        (
            ["callbacks.progress=${evaluator}", "+logger.extra={_target_: torch.nn.ReLU}"],
            ["callbacks.progress = a node", "expected Callback", "logger.extra = a node", "expected Logger"],
        ),
        (["callbacks.samples.rows=99999999999999999999"], ["callbacks.samples.rows", "must fit into 64 bits"]),
        (["+trainer.gradient_clip_val=1"], ["trainer.gradient_clip_val = 1", "model.updates.generator_clip_norm"]),
        (["+trainer.accumulate_grad_batches=2"], ["trainer.accumulate_grad_batches = 2", "model.updates.accumulate"]),
        (["logger.wandb.project=a/b"], ["logger.wandb.project", "1 to 128 characters", "'a/b'"]),
        ([f"logger.wandb.tags=[{'t' * 81}]"], ["logger.wandb.tags", "1 to 64 characters"]),
        (
            ["experiment=demo", "+evaluator.precision_neighbours=0"],
            ["evaluator.precision_neighbours must be at least 1"],
        ),
        (
            ["trainer.max_steps=-1"],
            ["trainer.max_steps = -1: the config does not set it yet; +trainer.max_steps=-1 does"],
        ),
        (["evaluator.closest_shown=3"], ["+evaluator.closest_shown=3 does"]),
        (["experiment=ring_gan", "~model"], ["~model: other choices change parts of 'model'", "leave ~model out"]),
        (["~model"], ["model: nothing is chosen"]),
        (
            ["trainer.default_root_dir=/dev/null/x"],
            ["trainer.default_root_dir = /dev/null/x: the folder cannot be made"],
        ),
        (["budget.kimg=1e-320"], ["budget.kimg = 1e-320: must be at least one image"]),
        (
            ["budget.kimg=null", "budget.epochs=1e-9"],
            ["budget.epochs = 1e-09: at least one image must be shown; an epoch has 1442"],
        ),
        (["hydra.run.dir=/dev/null"], ["output_dir = /dev/null: the folder cannot be made"]),
        ([f"hydra.run.dir={'n' * 300}"], ["the folder cannot be made: File name too long"]),
        (["budget.kimg=null"], ["budget.images, budget.kimg and budget.epochs", "none of them"]),
        (["budget.kimg=3", "budget.epochs=2"], ["budget.kimg=3", "budget.epochs=2", "exactly one"]),
        (["trainer.accelerator=tpu"], ["accelerator=tpu"]),
        (["callbacks.checkpoint.every_minutes=-1"], ["callbacks.checkpoint.every_minutes", "-1", "positive"]),
        (["resume=nowhere"], ["resume = nowhere", "no checkpoint"]),
        ([f"resume={'n' * 300}"], ["resume = nnn", "cannot be read"]),
        (["model.generator.width=[3"], ["model.generator.width=[3", "KEY=VALUE"]),
        (["--multirun", "seed=0,1", "model.generator.width=-3,8"], ["width", "-3", "in the job seed=0", "and 1 more"]),
        (["-m", "trainer.devices=2", "trainer.accelerator=cpu", "trainer/strategy=x"], ["trainer/strategy"]),
        (
            ["-m", "batch_size=32,33", "trainer=ddp", "trainer.devices=2", "trainer.accelerator=cpu"],
            ["batch_size = 33", "divide over 2 devices", "in the job batch_size=33"],
        ),
        (["-m", "seed=0,1", "hydra.sweep.subdir=same"], ["seed=0", "seed=1", "same", "hydra.sweep.subdir"]),
        (["-m", "--cfg", "job", "seed=1,2"], ["Only one of", "--multirun", "--cfg"]),
        (["hydra.verbose={}"], ["hydra.verbose={} "]),
        (["hydra.verbose=[[1],[2]]"], ["hydra.verbose=[[1],[2]] A logger name must be a string"]),
        ([f"~trainer.precision={300 * 'n'}"], ["trainer.precision"]),
        ([f"{300 * 'n'}=1"], ["nnn...: no key and no group has a name of 300 characters"]),
        (["-m", "seed=0,1", "~trainer@_global_=range(1,3)"], ["Config group override deletion value must be a string"]),
        (["seed=range(1,inf)"], ["seed=range(1,inf)", "--multirun"]),
        (["-m", "seed=range(1,inf)"], ["seed=range(1,inf)", "more than 10000 jobs"]),
        (["-m", "seed=range(200)", "batch_size=range(1,100)"], ["more than 10000 jobs"]),
        (["cluster=gpu"], ["hydra/launcher", "gan-train -m"]),
        (["-m", "cluster=gpu", "trainer.devices=auto"], ["trainer.devices = 'auto'", "number of devices"]),
        (["-m", "cluster=cpu", "batch_size=30", "trainer.devices=4"], ["batch_size = 30", "divide over 4 devices"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value[0], str) and "=" in value[0] else "",
)
def test_a_wrong_training_config(commands, tmp_path, argv, parts):
    text = refused(commands, tmp_path, "train", *argv)
    for part in parts:
        assert part in text


def test_all_errors_are_reported_together(commands, tmp_path):
    text = refused(commands, tmp_path, "train", "model/loss=hing", "data=digit", "modell=3", "seed=x")
    assert "4 problems" in text
    for part in ("model/loss/hing", "data/digit", "modell = 3", "seed"):
        assert part in text
    text = refused(
        commands, tmp_path, "train", "seed=-1", "model.generator.width=wide", "callbacks.checkpoint.every_kimg=-2"
    )
    for part in ("seed = -1", "model.generator.width = 'wide'", "callbacks.checkpoint.every_kimg"):
        assert part in text


def test_a_group_choice_gives_the_other_overrides_their_keys(commands, tmp_path):
    text = refused(commands, tmp_path, "train", "model=gan", "model.generator.widths=[8,8]", "batch_sise=3")
    assert "a problem" in text
    assert "widths" not in text


def test_a_forgotten_package_header_in_an_experiment_of_ones_own(commands, tmp_path):
    (tmp_path / "own" / "experiment").mkdir(parents=True)
    (tmp_path / "own" / "experiment" / "mine.yaml").write_text("batch_size: 32\n")
    (tmp_path / "work").mkdir()
    text = refused(
        commands, tmp_path / "work", "train", "--config-dir", str(tmp_path / "own"), "experiment=mine", "modell=3"
    )
    for part in ("experiment/mine.yaml", "# @package _global_", "modell = 3", "2 problems"):
        assert part in text


@pytest.mark.parametrize(
    ("command", "argv", "parts"),
    [
        ("sample", [], ["ckpt = ???", "ckpt=..."]),
        ("sample", ["ckpt=no.ckpt"], ["no checkpoint at no.ckpt"]),
        ("sample", ["ckpt=no.ckpt", "m=3"], ["m = 3", "Allowed", "labels"]),
        ("sample", ["ckpt=no.ckpt", "n=0"], ["n = 0", "at least 1"]),
        ("sample", ["ckpt=no.ckpt", "n=1.5"], ["n = '1.5': must be an integer"]),
        ("sample", ["ckpt=no.ckpt", "truncation=big"], ["truncation = 'big': must be a number"]),
        ("sample", ["ckpt=no.ckpt", "overwrite=perhaps"], ["overwrite = 'perhaps': must be true or false"]),
        ("sample", ["ckpt=no.ckpt", "weights=best"], ["weights = 'best': must be one of ema, raw"]),
        ("sample", ["ckpt=no.ckpt", "mode.path=slerp"], ["no such key under mode. Allowed: _target_, n"]),
        ("sample", ["runs/best.ckpt"], ["runs/best.ckpt: arguments have", "did you mean ckpt=runs/best.ckpt?"]),
        ("sample", ["my file.ckpt", "n=3"], ["did you mean ckpt=my file.ckpt?"]),
        ("sample", ["ckpt=no.ckpt", "labels=3,7"], ["labels = 3,7: a list is written labels=[3,7]"]),
        ("evaluate", ["ckpt=no.ckpt", "evaluator.samples=9"], ["under evaluator, where nothing is set; +evaluator."]),
        ("evaluate", ["ckpt=/dev/null"], ["/dev/null"]),
        ("evaluate", ["ckpt=" + __file__], ["not a file of gan-lightning"]),
        ("compare", [], ["runs = ???"]),
        ("sample", ["ckpt=no.ckpt", "mode=1.5"], ["mode = 1.5: must be the name of an option"]),
        ("compare", ["runs=.", "+sort=glob(*)"], ["sort=glob(*)", "--multirun"]),
        ("compare", ["runs=interval(0,1)"], ["runs=interval(0,1)", "--multirun"]),
        ("compare", ["runs=nowhere"], ["nowhere"]),
        *(
            (command, [f"{key}={'n' * 300}"], ["nnn"])
            for command, key in (("compare", "runs"), ("sample", "ckpt"), ("evaluate", "ckpt"))
        ),
        ("compare", ["runs=."], ["results.json"]),
        ("compare", ["runs=.", "hydra.run.dir=/dev/null"], ["hydra.run.dir=", "/dev/null", "cannot be made"]),
        ("sample", ["ckpt=no.ckpt", "++hydra.run.dir=/dev/null/x"], ["hydra.run.dir=", "cannot be made"]),
        ("sample", ["ckpt=no.ckpt", "hydra.run.dir=here"], ["no checkpoint at no.ckpt"]),
        ("compare", ["runs=[3]"], ["runs"]),
        ("compare", ["runs=.", f"out=[table.md,{'n' * 250}.md]"], ["cannot be written: its name is longer than 235"]),
        ("compare", ["runs=.", "out=/dev/null/table.md"], ["cannot be written: /dev/null is not a folder"]),
        ("compare", ["runs=.", "out=table.pdf"], ["out = table.pdf", ".md, .csv"]),
    ],
)
def test_wrong_input_of_the_other_commands(commands, tmp_path, command, argv, parts):
    text = refused(commands, tmp_path, command, *argv)
    for part in parts:
        assert part in text


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"# @package _global_\nname: caf\xe9\n", "'utf-8' codec can't decode byte 0xe9 in position 29"),
        (b"defaults:\n  - mine\n", "it nests too deeply, or its defaults lead back to it"),
        (b"a: " + b"[" * 3000, "it nests too deeply, or its defaults lead back to it"),
        (b"defaults: digits\n", "defaults must be a list (got str)"),
    ],
)
def test_a_config_file_of_ones_own_that_cannot_be_used_is_said_to_be_so(commands, tmp_path, content, part):
    (tmp_path / "own" / "experiment").mkdir(parents=True)
    (tmp_path / "own" / "experiment" / "mine.yaml").write_bytes(content)
    (tmp_path / "work").mkdir()
    message = refused(commands, tmp_path / "work", "train", "--config-dir", str(tmp_path / "own"), "experiment=mine")
    assert "experiment = mine: its file cannot be used: " in message
    assert part in message


@pytest.mark.parametrize("command", ["train", "sample", "evaluate", "compare", "prefetch"])
def test_a_folder_that_was_removed_under_the_command_is_said_to_be_gone(command, tmp_path, monkeypatch, capsys):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    main = importlib.import_module(f"gan_lightning.cli.{command}").main
    monkeypatch.setattr(
        "sys.argv", [f"gan-{command}", *(["--into", "here", "inception"] if command == "prefetch" else [])]
    )
    with environment({}), pytest.raises(SystemExit) as ending:
        main()
    assert ending.value.code == 2
    assert "has been removed" in capsys.readouterr().err

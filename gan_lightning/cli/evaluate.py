"""``gan-evaluate``: score a checkpoint."""

from __future__ import annotations

from omegaconf import DictConfig

from gan_lightning.cli.entry import InputError, launch


def task(cfg: DictConfig) -> None:
    """Evaluate the checkpoint of ``cfg`` and write its scores.

    Raises:
        InputError: if checkpoint or data cannot be used.
    """
    from dataclasses import asdict
    from pathlib import Path

    from omegaconf import OmegaConf
    from rich.console import Console

    from gan_lightning.checkpoint import CheckpointError, load_model
    from gan_lightning.cli.device import pick_device
    from gan_lightning.cli.run import quiet_libraries
    from gan_lightning.cli.summary import score_table
    from gan_lightning.instantiate import instantiate
    from gan_lightning.tracking.files import dumps, write_atomic

    quiet_libraries()
    path = Path(cfg.ckpt)
    try:
        model = load_model(path, trust=cfg.trust)
    except CheckpointError as error:
        raise InputError(str(error)) from error
    config = model.run_config
    assert config is not None
    given = OmegaConf.to_container(cfg.evaluator, resolve=True) if cfg.evaluator else {}
    assert isinstance(given, dict)
    node = given if "_target_" in given else {**(config["evaluator"] or {}), **given}
    if "_target_" not in node:
        raise InputError(f"{path} was trained without an evaluator: choose one, evaluator=digits for instance")
    data = instantiate(config["data"], trust=cfg.trust, key="data")
    evaluator = instantiate(node, trust=cfg.trust or "_target_" in given, key="evaluator")
    device = pick_device(cfg.device)
    model.to(device)
    weights = cfg.weights.value
    try:
        model.network(weights)
        real = data.evaluation_set(evaluator.real_split)
    except ValueError as error:  # no such weights or split, or data that is missing or damaged
        raise InputError(str(error)) from error
    result = evaluator.evaluate(
        model.sampler(real, seed=evaluator.seed, weights=weights),
        real,
        weights=weights,
        device=device,
    )
    console = Console(soft_wrap=True)
    if result.scores:
        console.print(score_table(result.scores))
    for metric, reason in result.skipped.items():
        console.print(f"{metric} was not computed: {reason}", highlight=False)
    out = Path(cfg.out) if cfg.out else path.with_suffix(".scores.json")
    record = {"checkpoint": str(path), "images_seen": model.images_seen, **asdict(result)}
    write_atomic(out, dumps(record, indent=2) + "\n")
    console.print(f"written to {out}", highlight=False)


def main() -> None:
    """Entry point of the console command."""
    launch("evaluate", task)


if __name__ == "__main__":
    main()

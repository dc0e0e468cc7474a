"""What interpolations can compute beyond copying a value."""

from __future__ import annotations

from omegaconf import OmegaConf

from gan_lightning.config import folders
from gan_lightning.config import slurm_request as resources


def times(first: float, second: float) -> float:
    """Return the product, an integer of integers: ``${times:${data.channels},2}``.

    Raises:
        ValueError: unless both are numbers.
    """
    _check_numbers("times", first, second)
    return first * second


def over(first: float, second: float) -> float:
    """Return the quotient, a float: ``${over:1,${batch_size}}``.

    Raises:
        ValueError: unless both are numbers, and the second is not 0.
    """
    _check_numbers("over", first, second)
    if second == 0:
        raise ValueError(f"over cannot divide {first!r} by 0")
    return first / second


def _check_numbers(name: str, first: object, second: object) -> None:
    for value in (first, second):
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"{name} takes two numbers, got {first!r} and {second!r}")


def register_resolvers() -> None:
    """Make the functions of this file known to OmegaConf; a second call changes nothing."""
    OmegaConf.register_new_resolver("times", times, replace=True)
    OmegaConf.register_new_resolver("over", over, replace=True)
    OmegaConf.register_new_resolver("job_folder", folders.job_folder, replace=True)
    OmegaConf.register_new_resolver("run_folder", folders.run_folder, replace=True, use_cache=True)
    OmegaConf.register_new_resolver("slurm_tasks", resources.tasks_per_node, replace=True)
    OmegaConf.register_new_resolver("slurm_gpus", resources.gpus_per_node, replace=True)
    OmegaConf.register_new_resolver("slurm_cpus", resources.cpus_per_task, replace=True)
    OmegaConf.register_new_resolver("slurm_minutes", resources.minutes, replace=True)


register_resolvers()

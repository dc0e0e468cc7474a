"""What is private in W&B exists and does what the package relies on.

``tests/loggers`` kills W&B's process, cuts its logs and lets ``wandb sync`` upload them.
"""

import wandb

from gan_lightning.core.wandb_internals import dead_process_errors, flush_every


def test_errors_of_a_dead_process_are_exceptions_of_wandb():
    kinds = dead_process_errors()
    assert all(issubclass(kind, Exception) for kind in kinds)
    assert {kind.__module__.partition(".")[0] for kind in kinds} == {"builtins", "wandb"}
    assert not any(issubclass(kind, wandb.errors.Error) for kind in kinds)  # else the public error would do


def test_the_interval_of_flushes_is_a_setting_that_reaches_the_process():
    settings = wandb.Settings()
    flush_every(settings, 2.0)
    assert settings.x_transaction_log_flush_interval == 2.0
    assert settings.to_proto().x_transaction_log_flush_interval.value == 2.0


def test_older_releases_have_no_such_setting():
    class Older:
        model_fields = ()

    flush_every(Older(), 2.0)

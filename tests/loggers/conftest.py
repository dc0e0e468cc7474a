import os

import pytest

from tests.loggers.wandb_server import serving


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A W&B server on the loopback device, and a login there."""
    import wandb

    for name in [name for name in os.environ if name.startswith("WANDB_")]:
        monkeypatch.delenv(name)
    wandb.teardown()  # W&B remembers server and login for the rest of a process
    with serving() as started:
        monkeypatch.setenv("HOME", str(tmp_path / "home"))
        monkeypatch.setenv("WANDB_API_KEY", "x" * 40)
        monkeypatch.setenv("WANDB_BASE_URL", started.url)
        yield started
        wandb.teardown()

import pytest
import torch


@pytest.fixture
def seeded():
    """Draw from a fixed seed, and give torch's generator back as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield

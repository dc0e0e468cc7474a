from pathlib import Path

import torch

from gan_lightning.augment import ADA
from tests.contract.pair import together


def _logits() -> torch.Tensor:
    # Rank 0 alone would raise p, rank 1 alone would lower it; together the mean sign is 0.5.
    return torch.stack([torch.ones(6), torch.tensor([1.0, 1.0, 1.0, -1.0, -1.0, -1.0])])


def _observe(rank: int, folder: Path) -> None:
    ada = ADA(target=0.4, interval_steps=2, speed_kimg=0.1)
    for _ in range(3):
        ada.observe(_logits()[rank], 12)
        ada.end_step()
    torch.save(ada.state_dict(), folder / f"{rank}.pt")


def test_ranks_agree_with_one_process_that_sees_everything(tmp_path: Path) -> None:
    together(_observe, tmp_path)
    alone = ADA(target=0.4, interval_steps=2, speed_kimg=0.1)
    for _ in range(3):
        alone.observe(_logits().flatten(), 12)
        alone.end_step()
    assert float(alone.p) > 0
    assert float(alone.sign_count) == 12
    for rank in range(2):
        state = torch.load(tmp_path / f"{rank}.pt", weights_only=True)
        for name, value in alone.state_dict().items():
            assert torch.equal(state[name], value), (rank, name)

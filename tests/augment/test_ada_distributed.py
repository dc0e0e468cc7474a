from pathlib import Path

import torch
from torch import distributed, multiprocessing

from gan_lightning.augment import ADA


def _logits() -> torch.Tensor:
    # Rank 0 alone would raise p, rank 1 alone would lower it; together the mean sign is 0.5.
    return torch.stack([torch.ones(6), torch.tensor([1.0, 1.0, 1.0, -1.0, -1.0, -1.0])])


def _observe(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=f"file://{folder}/rendezvous", rank=rank, world_size=2)
    ada = ADA(target=0.4, interval_steps=2, speed_kimg=0.1)
    for _ in range(3):
        ada.observe(_logits()[rank], 12)
    torch.save(ada.state_dict(), f"{folder}/{rank}.pt")
    distributed.destroy_process_group()


def test_ranks_agree_with_one_process_that_sees_everything(tmp_path: Path) -> None:
    multiprocessing.spawn(_observe, args=(str(tmp_path),), nprocs=2)
    alone = ADA(target=0.4, interval_steps=2, speed_kimg=0.1)
    for _ in range(3):
        alone.observe(_logits().flatten(), 12)
    assert float(alone.p) > 0
    assert float(alone.sign_count) == 12
    for rank in range(2):
        state = torch.load(tmp_path / f"{rank}.pt", weights_only=True)
        for name, value in alone.state_dict().items():
            assert torch.equal(state[name], value), (rank, name)

import shutil

import pytest
import torch

from gan_lightning.core.container import ContainerError
from gan_lightning.core.kept import keep_container, keep_json, read_kept_container, read_kept_json
from gan_lightning.core.side_files import SideFileError


def test_what_is_kept_is_read_under_its_own_name_alone(tmp_path):
    mine, other = tmp_path / "a.pt", tmp_path / "b.pt"
    keep_container(mine, {"x": torch.arange(3)})
    assert torch.equal(read_kept_container(mine)["x"], torch.arange(3))
    shutil.copy(mine, other)
    with pytest.raises(ContainerError, match=r"b\.pt is of other data: it was kept as a\.pt"):
        read_kept_container(other)


def test_so_is_plain_data(tmp_path):
    mine, other = tmp_path / "a.json", tmp_path / "b.json"
    keep_json(mine, {"x": [1, 2]})
    assert read_kept_json(mine, most_bytes=100) == {"x": [1, 2]}
    shutil.copy(mine, other)
    with pytest.raises(SideFileError, match=r"b\.json is of other data: it was kept as a\.json"):
        read_kept_json(other, most_bytes=100)
    mine.write_text('{"x": [1, 2]}')
    with pytest.raises(KeyError):
        read_kept_json(mine, most_bytes=100)

"""What keeps a folder from being locked is said in words that name it."""

from __future__ import annotations

import os

import pytest

from gan_lightning.core.errors import InputError
from gan_lightning.runs.folder import RunFolder
from gan_lightning.runs.lock import exclusive, make_folder


@pytest.mark.parametrize("target", ["/dev/zero", "nowhere", "."])
def test_a_lock_that_is_a_link_is_not_followed_and_said_to_be_one(tmp_path, caplog, target):
    RunFolder(tmp_path).lock.symlink_to(target)
    with exclusive(tmp_path):
        pass
    (said,) = caplog.messages
    assert (
        said
        == f"{tmp_path} cannot be locked, its .lock is a symbolic link: nothing prevents a second process from using it"
    )
    assert os.readlink(RunFolder(tmp_path).lock) == target


def test_a_lock_that_is_a_folder_is_said_to_be_one(tmp_path, caplog):
    RunFolder(tmp_path).lock.mkdir()
    with exclusive(tmp_path):
        pass
    assert caplog.messages == [
        f"{tmp_path} cannot be locked, Is a directory: nothing prevents a second process from using it"
    ]


def test_a_folder_that_cannot_be_made_is_refused_by_its_key(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"trainer\.default_root_dir = .*file/x: the folder cannot be made: Not a dir"):
        make_folder(tmp_path / "file" / "x", key="trainer.default_root_dir")

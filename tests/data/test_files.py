import multiprocessing
import os
import pickle
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gan_lightning.data.archive import open_files
from gan_lightning.data.errors import DataError
from gan_lightning.data.files import FolderFiles, digest
from tests.data.pictures import write, write_zip

CONTENTS = {
    "b/two.png": b"22",
    "a/one.jpg": b"1" * 1000,
    "notes.txt": b"",
    ".hidden/x.png": b"h",
    "__MACOSX/y.png": b"m",
}


def test_folders_and_archives_list_the_same_files_in_the_same_order(tmp_path):
    folder = open_files(write(tmp_path / "folder", CONTENTS))
    archive = open_files(write_zip(tmp_path / "files.zip", CONTENTS))
    expected = [("a/one.jpg", 1000), ("b/two.png", 2), ("notes.txt", 0)]
    for files in (folder, archive):
        assert [entry[:2] for entry in files.entries()] == expected
        assert files.read("b/two.png") == b"22"
        assert files.read("a/one.jpg") == b"1" * 1000


def test_links_are_followed_but_not_in_circles(tmp_path):
    write(tmp_path / "elsewhere", {"x.png": b"x"})
    root = write(tmp_path / "root", {"a/y.png": b"y"})
    (root / "link").symlink_to(tmp_path / "elsewhere")
    (root / "a" / "up").symlink_to(root)
    (root / "lost.png").symlink_to(tmp_path / "nothing")
    assert [entry.name for entry in FolderFiles(root).entries()] == ["a/y.png", "link/x.png", "lost.png"]


def test_the_digest_follows_names_sizes_times_and_checksums(tmp_path):
    root = write(tmp_path / "a", CONTENTS)
    before = digest(FolderFiles(root).entries())
    assert digest(FolderFiles(root).entries()) == before
    os.utime(root / "b/two.png", ns=(1, 1))
    assert digest(FolderFiles(root).entries()) != before
    first = open_files(write_zip(tmp_path / "1.zip", CONTENTS))
    second = open_files(write_zip(tmp_path / "2.zip", CONTENTS, zipfile.ZIP_STORED))
    third = open_files(write_zip(tmp_path / "3.zip", {**CONTENTS, "b/two.png": b"33"}))
    assert digest(first.entries()) == digest(second.entries()) != digest(third.entries())


def test_archives_are_read_from_many_threads_and_after_pickling(tmp_path):
    contents = {f"{i}.png": bytes([i]) * 5000 for i in range(100)}
    files = open_files(write_zip(tmp_path / "x.zip", contents))
    files.entries()
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(files.read, contents)) == list(contents.values())
    assert pickle.loads(pickle.dumps(files)).read("7.png") == contents["7.png"]


def test_forked_processes_read_without_disturbing_one_another(tmp_path):
    contents = {f"{i}.png": bytes([i]) * 5000 for i in range(100)}
    files = open_files(write_zip(tmp_path / "x.zip", contents, zipfile.ZIP_STORED))
    assert files.read("7.png") == contents["7.png"]  # the archive is open before the processes begin

    def read_all():
        for _ in range(20):
            assert all(files.read(name) == content for name, content in contents.items())

    processes = [multiprocessing.get_context("fork").Process(target=read_all) for _ in range(3)]
    for process in processes:
        process.start()
    read_all()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]


def test_the_list_of_members_is_kept_until_the_archive_changes(tmp_path, monkeypatch):
    path = write_zip(tmp_path / "x.zip", CONTENTS)
    entries = open_files(path, cache=tmp_path / "cache").entries()
    with monkeypatch.context() as patch:
        patch.setattr(zipfile, "ZipFile", None)
        files = open_files(path, cache=tmp_path / "cache")
        assert files.entries() == entries
    assert files.read("b/two.png") == b"22"
    write_zip(path, {"other.png": b"o"})
    os.utime(path, ns=(5, 5))
    assert [entry.name for entry in open_files(path, cache=tmp_path / "cache").entries()] == ["other.png"]
    facts = path.stat()
    write_zip(path, {"third.png": b"t"})
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (facts.st_size, facts.st_mtime_ns)
    assert [entry.name for entry in open_files(path, cache=tmp_path / "cache").entries()] == ["third.png"]
    write_zip(path, {"other.png": b"o"})
    for kept in (tmp_path / "cache").iterdir():
        kept.write_text("[1")
    assert [entry.name for entry in open_files(path, cache=tmp_path / "cache").entries()] == ["other.png"]


def test_a_damaged_member_is_found_by_its_checksum(tmp_path):
    path = write_zip(tmp_path / "x.zip", {"a.png": b"A" * 100}, zipfile.ZIP_STORED)
    path.write_bytes(path.read_bytes().replace(b"A" * 100, b"A" * 99 + b"B"))
    files = open_files(path)
    files.entries()
    with pytest.raises(zipfile.BadZipFile, match="Bad CRC-32"):
        files.read("a.png")


def test_what_is_no_archive_is_named(tmp_path):
    path = write_zip(tmp_path / "x.zip", {"a.png": b"A" * 100})
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(DataError, match="not a complete zip"):
        open_files(path).entries()
    with pytest.raises(DataError, match=r"data\.path = .*there is nothing at"):
        open_files(tmp_path / "missing")
    (tmp_path / "x.tar").write_bytes(b"")
    with pytest.raises(DataError, match="neither a folder nor a zip"):
        open_files(tmp_path / "x.tar")


def test_an_encrypted_archive_is_refused(tmp_path):
    path = write_zip(tmp_path / "x.zip", {"a.png": b"A"}, zipfile.ZIP_STORED)
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1  # the flags of the member in the central directory
    path.write_bytes(bytes(content))
    with pytest.raises(DataError, match="encrypted"):
        open_files(path).entries()


def test_home_is_expanded(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    write(tmp_path / "pictures", {"a.png": b""})
    assert open_files("~/pictures").location == Path(tmp_path / "pictures")


@pytest.mark.parametrize("name", ["~", "~nobody-of-this-name"])
def test_a_folder_whose_name_begins_like_a_home_is_found_or_missed_by_its_name(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    with pytest.raises(DataError, match="there is nothing at"):
        open_files(f"{name}/images")
    ((tmp_path / "home") if name == "~" else tmp_path / name).mkdir()
    images = Path(name).expanduser() if name == "~" else tmp_path / name
    (images / "images").mkdir()
    assert open_files(f"{name}/images").location == images / "images"

import io
import pickle
import random
import resource
import struct
import time
import zipfile

import pytest
import torch

from gan_lightning.core import container
from gan_lightning.core.container import ContainerError, read_container, write_container
from gan_lightning.core.pickle_scan import MOST_DEPTH, MOST_OPERATIONS, ScanError, scan_pickle
from tests.core.killed import kills

PICKLED_LIST = pickle.dumps([1], protocol=2)

PLAIN = {
    "text": "ä",
    "numbers": [0, -1, 2**40, 1.5, True, None, 1j],
    "nested": {"a": ({"b": [[]]}, ()), 3: {"x"}},
    "bytes": b"abc",
}


def tensors():
    torch.manual_seed(0)
    linear = torch.nn.Linear(3, 2)
    return {
        "state_dict": linear.state_dict(),  # an OrderedDict with an attribute
        "parameter": linear.weight,
        "scalar": torch.tensor(2.0),
        "empty": torch.empty(0, 3),
        "view": torch.arange(12).view(3, 4)[:, 1:].T,
        "expanded": torch.ones(1).expand(3),
        "shared": [linear.bias, linear.bias],
        "image": torch.randint(0, 256, (2, 3, 8, 8), dtype=torch.uint8),
        **{str(dtype): torch.ones(2, dtype=dtype) for dtype in (torch.bfloat16, torch.uint16, torch.complex64)},
        "of untyped memory": torch.ones(2, dtype=torch.float8_e4m3fn),
        "facts": [torch.float32, torch.device("cpu"), torch.Size([1, 2])],
    }


def same(a, b):
    if isinstance(a, torch.Tensor):
        return a.dtype == b.dtype and torch.equal(a, b)
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and a == b


@pytest.mark.parametrize("mapped", [False, True])
def test_what_is_written_is_read_by_us_and_by_torch(tmp_path, mapped):
    content, path = {**PLAIN, **tensors()}, tmp_path / "deep" / "file.ckpt"
    write_container(path, content)
    assert [entry.name for entry in path.parent.iterdir()] == ["file.ckpt"]
    assert same(read_container(path, mapped=mapped), content)
    assert same(torch.load(path, weights_only=True, mmap=mapped), content)
    assert read_container(path)["state_dict"]._metadata == content["state_dict"]._metadata
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert archive.comment.startswith(b"gan-lightning xxh3-128 ")


def test_the_same_content_is_the_same_file(tmp_path):
    for name in ("a.ckpt", "b.pt"):
        write_container(tmp_path / name, {**PLAIN, **tensors()})
    assert (tmp_path / "a.ckpt").read_bytes() == (tmp_path / "b.pt").read_bytes()


def outcome(path, content, *, mapped=False):
    """Load a file that may be damaged: True if the content is equal, or the error."""
    try:
        return same(read_container(path, mapped=mapped), content)
    except ContainerError as error:
        return error


@pytest.mark.parametrize("mapped", [False, True])
def test_every_flipped_bit_is_noticed(tmp_path, mapped):
    content, path = {**PLAIN, **tensors()}, tmp_path / "file.ckpt"
    write_container(path, content)
    whole, draw = path.read_bytes(), random.Random(0)
    for bit in draw.sample(range(8 * len(whole)), 500):
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        error = outcome(path, content, mapped=mapped)
        assert isinstance(error, ContainerError), bit
        assert str(path) in str(error)


def test_whatever_else_happens_to_a_file_is_noticed(tmp_path):
    content, path = {**PLAIN, **tensors()}, tmp_path / "file.ckpt"
    write_container(path, content)
    whole, draw = path.read_bytes(), random.Random(0)
    cases = [whole[: draw.randrange(len(whole))] for _ in range(200)]
    cases += [b"", bytes(len(whole)), whole + b"\0", whole[:-1], whole[1:], b"PK\x03\x04", whole + whole]
    for start in draw.sample(range(len(whole) - 100), 100):
        cases.append(whole[:start] + bytes(64) + whole[start + 64 :])  # a hole
        cases.append(whole[:start] + whole[start + 64 :])
    for case in cases:
        path.write_bytes(case)
        found = outcome(path, content)
        assert case == whole if found is True else isinstance(found, ContainerError) and str(path) in str(found)
    path.unlink()
    path.mkdir()
    assert f"{path} is not a regular file" in str(outcome(path, content))


def test_a_missing_file_is_no_damage(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_container(tmp_path / "file.ckpt")


def test_a_file_without_a_digest_is_refused_in_one_sentence(tmp_path):
    path = tmp_path / "file.ckpt"
    torch.save(PLAIN, path)
    with pytest.raises(ContainerError, match=f"^{path} has no digest: an older version .* or another program$"):
        read_container(path)


def test_a_file_larger_than_allowed_is_not_read(tmp_path, monkeypatch):
    path = tmp_path / "file.ckpt"
    write_container(path, PLAIN)
    with pytest.raises(ContainerError, match="more than the 100 that are allowed"):
        read_container(path, most_bytes=100)
    monkeypatch.setattr(container, "memory_bytes", lambda: 100)
    with pytest.raises(ContainerError, match="more than the 100 that are allowed"):
        read_container(path)
    assert same(read_container(path, mapped=True), PLAIN)


def test_a_file_that_is_replaced_while_it_is_read_is_read_again(tmp_path, monkeypatch):
    path, load = tmp_path / "file.ckpt", torch.load
    write_container(path, [1])
    calls = []

    def load_late(*arguments, **options):
        calls.append(1)
        if len(calls) == 1:
            write_container(path, [2])
        return load(*arguments, **options)

    monkeypatch.setattr(torch, "load", load_late)
    assert read_container(path) == [2]
    assert len(calls) == 2


class Payload:
    def __reduce__(self):
        return print, ("executed",)


@pytest.mark.parametrize("value", [Payload(), object, torch.nn.Linear(1, 1), bytearray(3), {2**60: 1}, {0.5: 1}])
def test_what_could_not_be_loaded_is_not_written(tmp_path, value, capsys):
    path = tmp_path / "file.ckpt"
    write_container(path, PLAIN)
    with pytest.raises(ContainerError, match="could not be loaded again"):
        write_container(path, {"a": value})
    assert same(read_container(path), PLAIN)
    assert [entry.name for entry in tmp_path.iterdir()] == ["file.ckpt"]
    assert "executed" not in capsys.readouterr().out


# --- hostile files: their digest is right, since anybody can compute it


def sealed(path, data, *, records=None, edit=None):
    """Write a container around any pickle, with the digest that belongs to it."""
    torch.save(PLAIN, path)
    with zipfile.ZipFile(path) as source:
        members = {entry.filename.partition("/")[2]: source.read(entry) for entry in source.infolist()}
    members |= {"data.pkl": data, **(records or {})}
    rewrite(path, members)
    if edit is not None:
        path.write_bytes(edit(path.read_bytes()))
    seal(path)


def rewrite(path, members, **options):
    writer = torch._C.PyTorchFileWriter(str(path))
    for name, content in members.items():
        if name not in ("version", ".data/serialization_id"):
            writer.write_record(name, content, len(content))
    writer.write_end_of_file()


def seal(path):
    """Append the digest as ``save_container`` does, whatever the file holds."""
    content = path.read_bytes()
    comment = container._COMMENT_BYTES
    content = content[:-2] + struct.pack("<H", comment) + container._LABEL
    path.write_bytes(content + container._digest(io.BytesIO(content), len(content)))


def shared_lists(depth):
    inner = ["x"]
    for _ in range(depth):
        inner = [inner, inner]
    return pickle.dumps(inner, protocol=2)


def deep_lists(depth):
    return b"\x80\x02" + b"]" * depth + b"a" * (depth - 1) + b"."


def tensor_pickle(count=2, offset=0, size=(2,), stride=(1,), kind="FloatStorage"):
    """The pickle of one tensor, with whatever it says of itself."""

    class Storage:
        pass

    class Tensor:
        def __reduce__(self):
            return torch._utils._rebuild_tensor_v2, (Storage(), offset, size, stride, False, {})

    class Pickler(pickle.Pickler):
        def persistent_id(self, value):
            return ("storage", getattr(torch, kind), "0", "cpu", count) if isinstance(value, Storage) else None

    buffer = io.BytesIO()
    Pickler(buffer, protocol=2).dump({"a": Tensor()})
    return buffer.getvalue()


def global_call(name, arguments):
    module, _, attribute = name.rpartition(".")
    return b"\x80\x02c" + f"{module}\n{attribute}\n".encode() + pickle.dumps(arguments, protocol=2)[2:-1] + b"R."


def colliding_keys():
    """Return the pickle of a dictionary that takes seconds to make, without making it."""
    keys = (pickle.dumps(n * (2**61 - 1), protocol=2)[2:-1] for n in range(1, 20_000))
    return b"\x80\x02}(" + b"".join(key + b"K\x00" for key in keys) + b"u."


HOSTILE = {
    "2**30 leaves": shared_lists(30),
    "shared through dictionaries": pickle.dumps(
        __import__("functools").reduce(lambda inner, _: {"a": inner, "b": inner}, range(30), {}), protocol=2
    ),
    "long text many times": pickle.dumps(["x" * 2**20] * 2000, protocol=2),
    "a list that holds itself": b"\x80\x02]q\x00h\x00a.",
    "deep": deep_lists(MOST_DEPTH + 1),
    "very deep": deep_lists(200_000),
    "many operations": b"\x80\x02" + b"]" * MOST_OPERATIONS + b".",
    "a tensor beyond its record": tensor_pickle(size=(3,)),
    "a tensor beyond memory": tensor_pickle(size=(10**12,)),
    "a view beyond its record": tensor_pickle(offset=1),
    "a stride beyond its record": tensor_pickle(stride=(2,)),
    "an expanded tensor": tensor_pickle(size=(10**6, 10**6), stride=(0, 0)),
    "a negative size": tensor_pickle(size=(-1,)),
    "a record of another size": tensor_pickle(count=3),
    "a record that is not there": tensor_pickle().replace(b"X\x01\x00\x00\x000", b"X\x01\x00\x00\x009"),
    "a large bytearray": global_call("builtins.bytearray", (2**40,)),
    "a large tensor": global_call("torch.Tensor", (2**20, 2**20)),
    "another tensor": global_call("torch._utils._rebuild_meta_tensor_no_storage", (torch.float32, (1,), (1,), False)),
    "a function": global_call("os.system", ("touch hacked",)),
    "colliding keys": colliding_keys(),
    "an attribute": b"\x80\x02ccollections\nOrderedDict\n)R}X\x04\x00\x00\x00keysK\x01sb.",
    "no end": b"\x80\x02]",
    "no pickle": b"hello",
    "nothing": b"",
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_pickle_is_refused_at_once(tmp_path, case, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "file.ckpt"
    sealed(path, HOSTILE[case], records={"data/0": bytes(8)})
    refused_at_once(path)
    assert not (tmp_path / "hacked").exists()


def refused_at_once(path):
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    with pytest.raises(ContainerError, match=str(path)):
        read_container(path)
    assert time.process_time() - started < 3  # a hundred times what it takes, on a machine that others share
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000  # KiB


def test_the_pickles_above_are_refused_for_what_they_are_and_not_for_their_form():
    scan_pickle(tensor_pickle(), {"0": 8})
    scan_pickle(shared_lists(15), {})
    scan_pickle(deep_lists(MOST_DEPTH - 1), {})
    scan_pickle(pickle.dumps(dict.fromkeys(range(20_000), 0), protocol=2), {})
    scan_pickle(HOSTILE["an attribute"].replace(b"\x04\x00\x00\x00keysK\x01", b"\x09\x00\x00\x00_metadataK\x01"), {})
    with pytest.raises(ScanError, match="more than 2000000 values"):
        scan_pickle(HOSTILE["2**30 leaves"], {})


def test_records_that_are_deflated_are_refused(tmp_path):
    path = tmp_path / "file.ckpt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/data.pkl", pickle.dumps([1], protocol=2))
        archive.writestr("a/data/0", bytes(10_000_000))
    seal(path)
    refused_at_once(path)


DIRECTORY_ENTRY = struct.Struct("<4s6H3I5H2I")
"""Signature, versions, flags, method, time, date, CRC, compressed and plain size, lengths of name, extra and comment,
disk, attributes, position of the record."""


def edited(path, change):
    """Seal a container of two tensors after ``change(content, entries)``.

    ``entries`` holds the position of each entry of the directory by the record's name.
    """
    torch.save([torch.zeros(1000), torch.ones(1000)], path)
    content = bytearray(path.read_bytes())
    position = struct.unpack_from("<Q", content, len(content) - 98 + 48)[0]
    entries = {}
    while content[position : position + 4] == b"PK\x01\x02":
        fields = DIRECTORY_ENTRY.unpack_from(content, position)
        name = bytes(content[position + DIRECTORY_ENTRY.size :][: fields[10]]).decode()
        entries[name.partition("/")[2]] = position
        position += DIRECTORY_ENTRY.size + sum(fields[10:13])
    change(content, entries)
    path.write_bytes(content)
    seal(path)


def put(content, entry, field, value):
    fields = list(DIRECTORY_ENTRY.unpack_from(content, entry))
    fields[field] = value
    DIRECTORY_ENTRY.pack_into(content, entry, *fields)


def method(content, entries):
    put(content, entries["data/0"], 4, zipfile.ZIP_DEFLATED)


def sizes(content, entries):
    put(content, entries["data/0"], 8, 5000)
    put(content, entries["data/0"], 9, 5000)


def plain_size(content, entries):
    put(content, entries["data/0"], 9, 2**31)


def same_place(content, entries):
    put(content, entries["data/1"], 16, DIRECTORY_ENTRY.unpack_from(content, entries["data/0"])[16])


def same_name(content, entries):
    at = content.index(b"data/1", entries["data/1"])
    content[at : at + 6] = b"data/0"


def other_folder(content, entries):
    content[entries["data/1"] + DIRECTORY_ENTRY.size] ^= 1


def local_header(content, entries):
    at = DIRECTORY_ENTRY.unpack_from(content, entries["data/1"])[16]
    struct.pack_into("<H", content, at + 28, 60_000)  # its extra field moves the content beyond the file


def encrypted(content, entries):
    put(content, entries["data/0"], 3, 1)


def second_directory(content, entries):
    struct.pack_into("<Q", content, len(content) - 42 + 8, 0)  # where a reader looks for the large directory's end


def moved_directory(content, entries):
    at = len(content) - 98 + 48
    struct.pack_into("<Q", content, at, struct.unpack_from("<Q", content, at)[0] - 100)


def large_directory(content, entries):
    struct.pack_into("<Q", content, len(content) - 98 + 32, 2**40)


def no_large_end(content, entries):
    content[len(content) - 98] ^= 1


@pytest.mark.parametrize(
    "change",
    [
        *(method, sizes, plain_size, same_place, same_name, other_folder, local_header, encrypted),
        *(second_directory, moved_directory, large_directory, no_large_end),
    ],
)
def test_an_archive_that_torch_would_not_write_is_refused(tmp_path, change):
    edited(tmp_path / "file.ckpt", change)
    refused_at_once(tmp_path / "file.ckpt")


def test_the_archives_above_are_refused_for_their_change(tmp_path):
    edited(tmp_path / "file.ckpt", lambda content, entries: None)
    assert same(read_container(tmp_path / "file.ckpt"), [torch.zeros(1000), torch.ones(1000)])


def test_an_archive_of_too_many_records_is_refused(tmp_path):
    path = tmp_path / "file.ckpt"
    writer = torch._C.PyTorchFileWriter(str(path))
    for number in range(25_000):
        writer.write_record(f"data/{number}", b"", 0)
    writer.write_record("data.pkl", PICKLED_LIST, len(PICKLED_LIST))
    writer.write_end_of_file()
    seal(path)
    refused_at_once(path)


# --- a process that is killed


def test_a_writer_that_is_killed_at_any_step_leaves_a_whole_file(tmp_path):
    path = tmp_path / "file.ckpt"
    steps = []
    for step in kills(lambda: write_container(path, [1]), lambda: write_container(path, [2])):
        assert read_container(path) == ([1] if "replace" not in steps else [2])
        steps.append(step)
    assert steps.count("fsync") == 2
    assert {"save", "_digest", "replace"} <= set(steps)

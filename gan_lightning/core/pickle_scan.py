"""What a pickle of plain containers and tensors describes, found without building a tensor or calling anything.

``torch.load(weights_only=True)`` runs no foreign code, but a small file may still describe a tensor larger than the
memory, or lists that share their items so often that a walk over them never returns.
"""

from __future__ import annotations

import math
import pickletools
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MOST_OPERATIONS = 500_000
"""A tensor takes about 25 and a number of a configuration about 3."""
MOST_VALUES = 2_000_000
"""Values as a reader meets them that visits a shared list as often as it is referred to."""
MOST_DEPTH = 64
_TEXT_PER_VALUE = 64  # characters of a text that count as one value
_LARGEST_KEY = 2**53  # integers below have different hashes, so that no dictionary degenerates


class ScanError(ValueError):
    """The pickle is malformed, or describes something other than plain containers and tensors of a modest size."""


@dataclass(frozen=True, slots=True)
class Named:
    """A class or function that the pickle refers to by name."""

    name: str


@dataclass(frozen=True, slots=True)
class Storage:
    """The memory behind tensors: the record that holds it, and its size."""

    key: str
    bytes: int
    item_bytes: int


@dataclass(frozen=True, slots=True)
class Opaque:
    """A tensor, or another value without parts."""

    description: str


_ITEM_BYTES = {
    **dict.fromkeys(("UntypedStorage", "ByteStorage", "CharStorage", "BoolStorage"), 1),
    **dict.fromkeys(("HalfStorage", "BFloat16Storage", "ShortStorage"), 2),
    **dict.fromkeys(("FloatStorage", "IntStorage"), 4),
    **dict.fromkeys(("DoubleStorage", "LongStorage", "ComplexFloatStorage"), 8),
    "ComplexDoubleStorage": 16,
}
_STORAGES = {
    f"torch{'.storage' if name == 'UntypedStorage' else ''} {name}": size for name, size in _ITEM_BYTES.items()
}
_DTYPE_BYTES = {
    **dict.fromkeys(("uint8", "int8", "bool", "float8_e4m3fn", "float8_e5m2"), 1),
    **dict.fromkeys(("uint16", "int16", "float16", "bfloat16"), 2),
    **dict.fromkeys(("uint32", "int32", "float32"), 4),
    **dict.fromkeys(("uint64", "int64", "float64", "complex64"), 8),
    "complex128": 16,
}
_TENSOR, _TENSOR_OF_DTYPE = "torch._utils _rebuild_tensor_v2", "torch._utils _rebuild_tensor_v3"
_PARAMETER, _ORDERED = "torch._utils _rebuild_parameter", "collections OrderedDict"
_SMALL_VALUES = {"_codecs encode", "torch device", "torch Size", "__builtin__ complex", "builtins complex"}
_SETS = {"__builtin__ set", "builtins set"}
_NAMES = {
    *(*_STORAGES, *(f"torch {dtype}" for dtype in _DTYPE_BYTES)),
    *(_TENSOR, _TENSOR_OF_DTYPE, _PARAMETER, _ORDERED, *_SMALL_VALUES, *_SETS),
}
_EMPTY = {"EMPTY_DICT": dict, "EMPTY_LIST": list, "EMPTY_TUPLE": tuple, "EMPTY_SET": set}
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_LITERALS = {"BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "BINUNICODE", "SHORT_BINSTRING"}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_CONTAINERS = (dict, list, tuple, set)


def scan_pickle(data: bytes, records: Mapping[str, int]) -> None:
    """Refuse a pickle that ``torch.load`` should not be given.

    Args:
        data: the pickle, of protocol 2.
        records: name of each record of tensor data, without the folder, to its number of bytes.

    Raises:
        ScanError: saying why.
    """
    try:
        root = _Reader(records).read(data)
    except ScanError:
        raise
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError) as error:
        raise ScanError(f"its pickle is malformed ({type(error).__name__}: {error})") from error
    _check_size(root)


class _Reader:
    """Follows the operations of a pickle; containers are real, tensors are stand-ins."""

    def __init__(self, records: Mapping[str, int]) -> None:
        self.records = records
        self.largest = sum(records.values())
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}

    def read(self, data: bytes) -> Any:
        for number, (operation, argument, _) in enumerate(pickletools.genops(data)):
            if number > MOST_OPERATIONS:
                raise ScanError(f"its pickle has more than {MOST_OPERATIONS} operations")
            if operation.name == "STOP":
                (root,) = self.stack
                return root
            self.step(operation.name, argument)
        raise ScanError("its pickle has no end")

    def step(self, operation: str, argument: Any) -> None:
        stack = self.stack
        if operation in _LITERALS:
            stack.append(argument)
        elif operation in ("BINPUT", "LONG_BINPUT"):
            self.memo[argument] = stack[-1]
        elif operation in ("BINGET", "LONG_BINGET"):
            stack.append(self.memo[argument])
        elif operation in _CONSTANTS:
            stack.append(_CONSTANTS[operation])
        elif operation in _EMPTY:
            stack.append(_EMPTY[operation]())
        elif operation == "MARK":
            self.marks.append(len(stack))
        elif operation == "TUPLE":
            stack.append(tuple(self.since_mark()))
        elif operation in _TUPLES:
            stack[-_TUPLES[operation] :] = [tuple(stack[-_TUPLES[operation] :])]
        elif operation in ("APPEND", "APPENDS"):
            items = self.since_mark() if operation == "APPENDS" else [stack.pop()]
            _expect(stack[-1], list).extend(items)
        elif operation in ("SETITEM", "SETITEMS"):
            items = self.since_mark() if operation == "SETITEMS" else [stack.pop(-2), stack.pop()]
            _expect(stack[-1], dict).update(zip(map(_key, items[::2]), items[1::2], strict=True))
        elif operation == "GLOBAL":
            if argument not in _NAMES:
                raise ScanError(f"it holds something other than plain containers and tensors: {argument}")
            stack.append(Named(argument))
        elif operation == "REDUCE":
            arguments = _expect(stack.pop(), tuple)
            stack.append(self.call(_expect(stack.pop(), Named).name, arguments))
        elif operation == "BUILD":
            attributes = _expect(stack.pop(), dict)
            if attributes.keys() - {"_metadata"}:  # of a module's state_dict
                raise ScanError(f"it sets the attributes {sorted(attributes)} of a dictionary")
            vars(_expect(stack[-1], OrderedDict)).update(attributes)
        elif operation == "BINPERSID":
            stack.append(self.storage(*_expect(stack.pop(), tuple)))
        elif operation != "PROTO":
            raise ScanError(f"its pickle has the operation {operation}, which plain containers and tensors do not need")

    def since_mark(self) -> list[Any]:
        start = self.marks.pop()
        items = self.stack[start:]
        del self.stack[start:]
        return items

    def call(self, name: str, arguments: tuple[Any, ...]) -> Any:
        if name == _ORDERED and not arguments:
            return OrderedDict()
        if name in (_TENSOR, _TENSOR_OF_DTYPE):
            return self.tensor(*arguments[:4], dtype=arguments[6] if name == _TENSOR_OF_DTYPE else None)
        if name == _PARAMETER:
            return _expect(arguments[0], Opaque)
        if name in _SETS:
            return {_key(item) for item in _expect(arguments[0], list)}
        if name in _SMALL_VALUES:
            return Opaque(str(arguments)[:_TEXT_PER_VALUE])
        raise ScanError(f"it calls {name}")

    def storage(self, tag: str, kind: Named, key: str, location: str, count: int) -> Storage:
        item_bytes = _STORAGES[kind.name]
        if tag != "storage" or not isinstance(location, str) or self.records[key] != count * item_bytes:
            raise ScanError(f"its record data/{key} does not have {count} values of {item_bytes} bytes")
        return Storage(key, count * item_bytes, item_bytes)

    def tensor(
        self, storage: Storage, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *, dtype: Named | None
    ) -> Opaque:
        item_bytes = storage.item_bytes if dtype is None else _DTYPE_BYTES[dtype.name.removeprefix("torch ")]
        if not all(isinstance(number, int) and number >= 0 for number in (offset, *size, *stride)):
            raise ScanError("it has a tensor of a negative or fractional size")
        count = math.prod(size)
        last = offset + sum((length - 1) * step for length, step in zip(size, stride, strict=True)) if count else -1
        if (last + 1) * item_bytes > storage.bytes or count * item_bytes > self.largest:
            raise ScanError(f"it has a tensor of size {size}, which is more than its record data/{storage.key} holds")
        return Opaque(f"tensor {size}")


def _expect(value: Any, kind: type) -> Any:
    if not isinstance(value, kind):
        raise ScanError(f"its pickle has a {type(value).__name__} where a {kind.__name__} belongs")
    return value


def _key(value: Any) -> Any:
    if isinstance(value, float) or (isinstance(value, int) and abs(value) > _LARGEST_KEY):
        raise ScanError(f"it has the number {value} as a key")
    return value


def _check_size(root: Any) -> None:
    """Count the values and levels below ``root``, each shared container as often as it is referred to."""
    finished: dict[int, tuple[int, int]] = {}  # identity of a container to its values and levels
    ancestors: set[int] = set()
    pending = [root]
    while pending:
        container = pending[-1]
        if id(container) in finished:
            pending.pop()
            continue
        parts = _parts(container)
        inner = [part for part in parts if isinstance(part, _CONTAINERS)]
        ancestors.add(id(container))
        if unfinished := [part for part in inner if id(part) not in finished]:
            if any(id(part) in ancestors for part in unfinished):
                raise ScanError("it has a container that holds itself")
            pending += unfinished
            continue
        ancestors.remove(id(container))
        values = 1 + sum(_weight(part) if id(part) not in finished else finished[id(part)][0] for part in parts)
        levels = 1 + max((finished[id(part)][1] for part in inner), default=0)
        if values > MOST_VALUES:
            raise ScanError(f"it describes more than {MOST_VALUES} values, since it refers to the same ones many times")
        if levels > MOST_DEPTH:
            raise ScanError(f"it is nested more than {MOST_DEPTH} levels deep")
        finished[id(container)] = values, levels


def _parts(container: Any) -> list[Any]:
    if isinstance(container, OrderedDict):
        return [*container.keys(), *container.values(), *vars(container).values()]
    if isinstance(container, dict):
        return [*container.keys(), *container.values()]
    return list(container) if isinstance(container, _CONTAINERS) else []


def _weight(value: Any) -> int:
    return 1 + len(value) // _TEXT_PER_VALUE if isinstance(value, (str, bytes)) else 1

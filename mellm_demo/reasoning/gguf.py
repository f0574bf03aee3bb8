"""What a GGUF file says of itself in its header: which model, how large, how precise, and what it needs in memory.

Reads the header only, in a few milliseconds, and never more of it than the limits below: the file may be any file.
Source of the layout: the GGUF specification, version 3 (ggml, docs/gguf.md).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from mellm_demo.errors import WeightsError

MAGIC = b"GGUF"
VERSIONS = (2, 3)
MOST_KEYS = 100_000
MOST_TENSORS = 1_000_000
MOST_TEXT = 16 * 2**20  # bytes: chat templates are the longest
MOST_ITEMS = 10_000_000  # of an array: vocabularies hold up to a million
ALIGNMENT = 32
_STRING, _ARRAY = 8, 9
_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
# Elements and bytes of a block, by ggml's type numbers.
_BLOCKS = {
    0: ("F32", 1, 4), 1: ("F16", 1, 2), 2: ("Q4_0", 32, 18), 3: ("Q4_1", 32, 20), 6: ("Q5_0", 32, 22),
    7: ("Q5_1", 32, 24), 8: ("Q8_0", 32, 34), 10: ("Q2_K", 256, 84), 11: ("Q3_K", 256, 110), 12: ("Q4_K", 256, 144),
    13: ("Q5_K", 256, 176), 14: ("Q6_K", 256, 210), 16: ("IQ2_XXS", 256, 66), 17: ("IQ2_XS", 256, 74),
    18: ("IQ3_XXS", 256, 98), 19: ("IQ1_S", 256, 50), 20: ("IQ4_NL", 32, 18), 21: ("IQ3_S", 256, 110),
    22: ("IQ2_S", 256, 82), 23: ("IQ4_XS", 256, 136), 24: ("I8", 1, 1), 25: ("I16", 1, 2), 26: ("I32", 1, 4),
    27: ("I64", 1, 8), 28: ("F64", 1, 8), 29: ("IQ1_M", 256, 56), 30: ("BF16", 1, 2), 34: ("TQ1_0", 256, 54),
    35: ("TQ2_0", 256, 66), 39: ("MXFP4", 32, 17),
}  # fmt: skip

Value = str | int | float | bool


MOST_NAME = 80  # characters; a longer one is no name
NO_NAMES = frozenset({"model", "unknown", "none", "checkpoint", "output", "merged", "weights", "llama"})


@dataclass(frozen=True)
class Header:
    """What stands in the header. Arrays are counted, not kept."""

    path: Path
    values: dict[str, Value]
    lengths: dict[str, int]  # of arrays
    parameters: int  # elements of all tensors
    precision: str  # of most of them: “Q4_K”, “F16”
    file_bytes: int
    arrays: dict[str, tuple[Value, ...]] = field(default_factory=dict)  # short ones of numbers

    @property
    def architecture(self) -> str:
        """“llama”, “qwen2vl”; “clip” is a projector."""
        return str(self.values.get("general.architecture", ""))

    @property
    def name(self) -> str:
        """The model's name, or the file's."""
        named = " ".join(str(self.values.get("general.name") or "").split())
        telling = 3 <= len(named) <= MOST_NAME and named.isprintable() and named.casefold() not in NO_NAMES
        return named if telling else self.path.stem

    def number(self, key: str, default: int = 0) -> int:
        """A number of this architecture: ``block_count``, ``context_length``; the largest where each layer has one."""
        full = f"{self.architecture}.{key}"
        value = self.values.get(full)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return int(value)
        return max((int(one) for one in self.arrays.get(full, ()) if isinstance(one, (int, float))), default=default)

    def cache_bytes(self, context: int) -> int:
        """Of keys and values in 16 bit for ``context`` tokens."""
        heads = self.number("attention.head_count", 1) or 1
        shared = self.number("attention.head_count_kv", heads) or heads
        width = self.number("embedding_length") // heads
        keys, values = self.number("attention.key_length", width), self.number("attention.value_length", width)
        return self.number("block_count") * context * shared * (keys + values) * 2


def read(path: Path) -> Header:
    """The header of a GGUF file.

    Raises WeightsError, with what is wrong: no such file, no GGUF, cut short, of another version.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            return _Reader(file, path, size).header()
    except OSError as error:
        raise WeightsError(
            f"The model file “{path.name}” cannot be read ({error.strerror}). Check the name and the folder."
        ) from None
    except (struct.error, EOFError, ValueError, OverflowError, KeyError, MemoryError):
        raise _cut(path) from None


def _cut(path: Path) -> WeightsError:
    return WeightsError(f"The model file “{path.name}” is damaged or was cut short. Fetch or copy it again.")


class _Reader:
    def __init__(self, file: BinaryIO, path: Path, size: int) -> None:
        self._file, self._path, self._size = file, path, size

    def header(self) -> Header:
        magic = self._file.read(4)
        if magic != MAGIC:
            raise WeightsError(
                f"“{self._path.name}” is no GGUF file: it begins with {magic!r} and not with {MAGIC!r}. "
                "Name the .gguf file of the model."
            )
        version = self._one("I")
        if version not in VERSIONS:
            raise WeightsError(
                f"The model file “{self._path.name}” is of GGUF version {version}; {VERSIONS[0]} and {VERSIONS[1]} "
                "can be read. Convert it anew, or choose another file."
            )
        tensors, keys = self._one("Q"), self._one("Q")
        if tensors > MOST_TENSORS or keys > MOST_KEYS:
            raise ValueError
        values: dict[str, Value] = {}
        lengths: dict[str, int] = {}
        arrays: dict[str, tuple[Value, ...]] = {}
        for _ in range(keys):
            key, kind = self._text(), self._one("I")
            if kind == _ARRAY:
                lengths[key], arrays[key] = self._array()
            else:
                values[key] = self._value(kind)
        parameters, largest, needed = self._tensors(tensors)
        alignment = int(values.get("general.alignment", ALIGNMENT)) or ALIGNMENT
        begin = -(-self._file.tell() // alignment) * alignment
        if begin + needed > self._size:
            raise _cut(self._path)
        return Header(self._path, values, lengths, parameters, largest, self._size, arrays)

    def _tensors(self, count: int) -> tuple[int, str, int]:
        """Elements in all, the type that holds most of them, and bytes of data up to the last one."""
        share: dict[str, int] = {}
        needed = 0
        for _ in range(count):
            self._text()
            dimensions = self._one("I")
            if dimensions > 8:
                raise ValueError
            elements = 1
            for _ in range(dimensions):
                elements *= self._one("Q")
            kind, offset = self._one("I"), self._one("Q")
            name, block, size = _BLOCKS.get(kind, (f"type {kind}", 1, 0))
            share[name] = share.get(name, 0) + elements
            needed = max(needed, offset + elements // block * size)
        return sum(share.values()), max(share, key=lambda name: share[name], default="?"), needed

    def _array(self) -> tuple[int, tuple[Value, ...]]:
        kind, count = self._one("I"), self._one("Q")
        if count > MOST_ITEMS:
            raise ValueError
        if kind == _STRING:
            for _ in range(count):
                self._skip(self._one("Q"))
            return count, ()
        code = _SCALARS[kind]
        if count > 1024:
            self._skip(count * struct.calcsize(f"<{code}"))
            return count, ()
        return count, tuple(self._one(code) for _ in range(count))

    def _value(self, kind: int) -> Value:
        return self._text() if kind == _STRING else self._one(_SCALARS[kind])

    def _text(self) -> str:
        length = self._one("Q")
        if length > MOST_TEXT:
            raise ValueError
        return self._bytes(length).decode("utf-8", "replace")

    def _one(self, code: str) -> int:
        (value,) = struct.unpack(f"<{code}", self._bytes(struct.calcsize(f"<{code}")))
        return value

    def _bytes(self, count: int) -> bytes:
        data = self._file.read(count)
        if len(data) < count:
            raise EOFError
        return data

    def _skip(self, count: int) -> None:
        if count > self._size:
            raise ValueError
        self._file.seek(count, 1)

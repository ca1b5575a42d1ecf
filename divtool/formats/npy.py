"""NPY: a strict header reader of our own, then plain reads at offsets into fresh buffers (never a memory map, which a
file that shrinks turns into a crash)."""

from __future__ import annotations

import ast
import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Any

import numpy as np

from divtool.errors import InputError
from divtool.formats.fingerprint import check_fingerprint, fingerprint
from divtool.formats.keys import IntegerKeys, Keys, text_keys
from divtool.formats.source import FLOAT, INTEGER, OTHER, TEXT, Block, Extent, Header, Selection, Stored, row_steps

MAGIC = b"\x93NUMPY"
_LONGEST_HEADER = 1 << 16
_TYPES = {"f": FLOAT, "i": INTEGER, "u": INTEGER, "b": INTEGER, "U": TEXT, "S": TEXT}


@dataclass(frozen=True)
class _Layout:
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    fortran: bool
    offset: int


class Repeated(Sequence[str]):
    """The same word many times, in no memory."""

    def __init__(self, word: str, times: int) -> None:
        self.word, self.times = word, times

    def __len__(self) -> int:
        return self.times

    def __getitem__(self, at: Any) -> Any:
        if isinstance(at, slice):
            return [self.word] * len(range(*at.indices(self.times)))
        if not -self.times <= at < self.times:
            raise IndexError(at)
        return self.word


class _Rows:
    """What arrays in files and in memory have in common: any rows can be had directly."""

    header: Header
    _row_bytes: int

    def extents(self, target_bytes: int) -> Iterator[Extent]:
        """Stretches of rows."""
        for first, stop in row_steps(Extent(0, self.count()), target_bytes // self._row_bytes):
            yield Extent(first, stop)

    def locate(self, first: int, stop: int) -> Extent:
        """Any rows."""
        return Extent(min(first, self.count()), min(stop, self.count()))

    def count(self) -> int:
        """The length of the first axis."""
        return self.header.rows or 0

    def estimate(self) -> int:
        """The number of rows."""
        return self.count()

    def line_of(self, row: int) -> None:
        """There are no lines."""

    def check_unchanged(self) -> None:
        """Nothing to check."""


class ArraySource(_Rows):
    """A one- or two-dimensional array in memory."""

    def __init__(self, array: Stored, name: str) -> None:
        rows, width = _table_shape(array.shape, name)
        self._array = array.reshape(rows, width)
        self._row_bytes = max(1, array.dtype.itemsize * width)
        type_ = _type_of(array.dtype)
        self.header = Header(name, "array", None, Repeated(type_, width), rows, _type_name(array.dtype))

    def blocks(self, extent: Extent, selection: Selection, block_bytes: int) -> Iterator[Block]:
        """Rows in the stored type (in this machine's byte order)."""
        for first, stop in row_steps(extent, block_bytes // self._row_bytes):
            stored = _native(np.ascontiguousarray(self._array[first:stop]))
            yield Block(
                first,
                _columns(stored, selection.matrix),
                tuple(_keys(stored[:, i], i, first, self.header.path) for i in selection.keys),
            )


class NpySource(_Rows):
    """A one- or two-dimensional array in a file: rows are the first axis."""

    def __init__(self, path: str, shown: str) -> None:
        self.path = path
        self._before = fingerprint(path)
        self._layout = _read_layout(path, shown)
        rows, width = _table_shape(self._layout.shape, shown)
        self._row_bytes = max(1, self._layout.dtype.itemsize * width)
        type_ = _type_of(self._layout.dtype)
        self.header = Header(
            shown, "npy", None, Repeated(type_, width), rows, _type_name(self._layout.dtype), size=self._before[2]
        )

    def check_unchanged(self) -> None:
        """Refuse if the file is not what it was when it was opened."""
        check_fingerprint(self.path, self._before, self.header.path)

    def blocks(self, extent: Extent, selection: Selection, block_bytes: int) -> Iterator[Block]:
        """Rows in the stored type (in this machine's byte order)."""
        with open(self.path, "rb", buffering=0) as file:
            for first, stop in row_steps(extent, block_bytes // self._row_bytes):
                stored = self._rows(file, first, stop)
                keys = tuple(_keys(stored[:, i], i, first, self.header.path) for i in selection.keys)
                yield Block(first, _columns(stored, selection.matrix), keys)

    def _rows(self, file: IO[bytes], first: int, stop: int) -> Stored:
        layout, width = self._layout, self.header.width
        if not layout.fortran:
            block = np.empty((stop - first, width), layout.dtype)
            self._fill(file, block, layout.offset + first * self._row_bytes)
            return _native(block)
        turned = np.empty((width, stop - first), layout.dtype)
        for column in range(width):
            place = (column * self.count() + first) * layout.dtype.itemsize
            self._fill(file, turned[column], layout.offset + place)
        return _native(np.ascontiguousarray(turned.T))

    def _fill(self, file: IO[bytes], block: Stored, offset: int) -> None:
        if block.size == 0:
            return
        into = block.reshape(-1).view(np.uint8).data
        done = 0
        while done < len(into):
            count = os.preadv(file.fileno(), [into[done:]], offset + done)
            if count == 0:
                raise InputError("the file ends early: it was cut while it was read", path=self.header.path)
            done += count


def _type_of(dtype: np.dtype[Any]) -> str:
    """What an array holds; numbers wider than doubles are no plain numbers here."""
    return OTHER if dtype.kind == "f" and dtype.itemsize > 8 else _TYPES.get(dtype.kind, OTHER)


def _native(block: Stored) -> Stored:
    return block if block.dtype.isnative else block.astype(block.dtype.newbyteorder("="))


def open_npy(path: str, shown: str) -> NpySource:
    """Open an NPY file; ``shown`` is how messages call it."""
    return NpySource(path, shown)


def _columns(stored: Stored, wanted: Sequence[int]) -> Stored:
    if isinstance(wanted, range) and wanted == range(stored.shape[1]):
        return stored
    return np.ascontiguousarray(stored[:, list(wanted)])


def _keys(column: Stored, position: int, first: int, shown: str) -> Keys:
    if column.dtype.kind in "iub" and not (column.dtype == np.uint64 and (column >= 1 << 63).any()):
        return IntegerKeys(column.astype(np.int64))
    if column.dtype.kind == "u":
        return text_keys([str(entry) for entry in column.tolist()])
    if column.dtype.kind == "f":
        return IntegerKeys(_whole(column.astype(np.float64), position, first, shown))
    texts = [entry.decode("utf-8", "replace") if isinstance(entry, bytes) else entry for entry in column.tolist()]
    try:
        return text_keys(texts)
    except (UnicodeError, ValueError):
        raise InputError("a text is no valid Unicode", path=shown, column=str(position)) from None


def _whole(column: Stored, position: int, first: int, shown: str) -> Stored:
    """Ids in an array of doubles: whole numbers that doubles tell apart."""
    bad = np.flatnonzero(~((column == np.round(column)) & (np.abs(column) < 2.0**53)))
    if bad.size:
        raise InputError(
            f"{column[bad[0]]:.17g} is no whole number that could name a row", path=shown, row=first + int(bad[0]),
            column=str(position),
        )  # fmt: skip
    return column.astype(np.int64)


def _read_layout(path: str, shown: str) -> _Layout:
    with open(path, "rb") as file:
        head = file.read(12)
        if len(head) < 10 or not head.startswith(MAGIC):
            raise InputError("is no complete NPY file: its header is cut short", path=shown)
        version, wide = head[6], head[6] >= 2
        if version not in (1, 2, 3):
            raise InputError(f"NPY format version {version} is not known; expected 1, 2 or 3", path=shown)
        length = int.from_bytes(head[8 : 12 if wide else 10], "little")
        start = 12 if wide else 10
        if length > _LONGEST_HEADER:
            raise InputError(
                f"the NPY header claims {length:,} bytes; expected at most {_LONGEST_HEADER:,}", path=shown
            )
        file.seek(start)
        text = file.read(length)
        if len(text) < length:
            raise InputError("is no complete NPY file: its header is cut short", path=shown)
        size = os.fstat(file.fileno()).st_size
    layout = _parse_layout(text, start + length, shown)
    _check_size(layout, size, shown)
    return layout


def _parse_layout(text: bytes, offset: int, path: str) -> _Layout:
    bad = InputError("the NPY header is damaged; expected a literal with descr, fortran_order and shape", path=path)
    try:
        # literal_eval builds plain values only; it runs nothing.
        fields = ast.literal_eval(text.decode("latin1").strip())
        descr, fortran, shape = fields["descr"], fields["fortran_order"], fields["shape"]
        if "O" in str(descr) or np.dtype(descr).hasobject:
            raise InputError(
                "holds Python objects (a pickle), which divtool never loads",
                path=path,
                hint="save plain numbers: np.save(file, np.asarray(array.tolist(), dtype=float))",
            )
        if not isinstance(descr, str):
            raise InputError("holds records with fields; expected one plain type", path=path)
        dtype = np.dtype(descr)
    except InputError:
        raise
    except Exception:
        raise bad from None
    whole = isinstance(shape, tuple) and all(type(side) is int and 0 <= side < 1 << 62 for side in shape)
    if not (whole and isinstance(fortran, bool)) or len(shape) > 32:
        raise bad
    return _Layout(dtype, shape, fortran and len(shape) > 1, offset)


def _check_size(layout: _Layout, size: int, path: str) -> None:
    promised = layout.offset + math.prod(layout.shape) * layout.dtype.itemsize
    if promised != size:
        state = "is cut short" if promised > size else "has bytes after its end"
        raise InputError(f"{state}: the header promises {promised:,} bytes, the file has {size:,}", path=path)


def _table_shape(shape: tuple[int, ...], path: str) -> tuple[int, int]:
    if len(shape) == 1:
        return shape[0], 1
    if len(shape) == 2:
        return shape
    said = " x ".join(map(str, shape)) or "a single number"
    raise InputError(
        f"is an array of shape {said}; expected rows x classes",
        path=path,
        hint="save it as rows x classes: np.save(file, np.moveaxis(array, CLASS_AXIS, -1).reshape(-1, CLASSES))",
    )


def _type_name(dtype: np.dtype[Any]) -> str:
    return "text" if dtype.kind in "US" else dtype.newbyteorder("=").name


class NpyWriter:
    """Rows of doubles as they come: the header is written last, into space kept for it, once their number is known."""

    def __init__(self, stream: IO[bytes], key_names: Sequence[str], number_names: Sequence[str], single: bool) -> None:
        self._stream, self._width, self._single, self._rows = stream, len(number_names), single, 0
        self._stream.write(self._header())

    def write(self, keys: Sequence[Keys], numbers: Stored) -> None:
        """Append rows; keys have no place in an array of numbers."""
        self._stream.write(np.ascontiguousarray(numbers, np.dtype("<f8")).data)
        self._rows += numbers.shape[0]

    def close(self) -> None:
        """Write the true header."""
        self._stream.seek(0)
        self._stream.write(self._header())

    def _header(self) -> bytes:
        shape = f"({self._rows},)" if self._single else f"({self._rows}, {self._width})"
        text = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}"
        return MAGIC + b"\x01\x00" + (118).to_bytes(2, "little") + text.ljust(117).encode() + b"\n"

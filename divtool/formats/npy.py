"""NPY: arrays in files and in memory, read by plain reads at offsets into fresh buffers (never a memory map, which a
file that shrinks turns into a crash)."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from copy import copy
from functools import partial
from typing import IO, Any

import numpy as np

from divtool.errors import InputError
from divtool.formats.fingerprint import check_fingerprint, fingerprint
from divtool.formats.keys import IntegerKeys, Keys, text_keys
from divtool.formats.npy_axes import Arrangement, Places, boxes, places_of, unit_steps
from divtool.formats.npy_header import MAGIC, read_layout
from divtool.formats.source import FLOAT, INTEGER, OTHER, TEXT, Block, Extent, Header, Selection, Stored

_TYPES = {"f": FLOAT, "i": INTEGER, "u": INTEGER, "b": INTEGER, "U": TEXT, "S": TEXT}


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
    _unit: int

    def extents(self, target_bytes: int) -> Iterator[Extent]:
        """Stretches of rows."""
        for first, stop in unit_steps(Extent(0, self.count()), target_bytes // self._row_bytes, self._unit):
            yield Extent(first, stop)

    def locate(self, first: int, stop: int) -> Extent:
        """Any rows."""
        return Extent(min(first, self.count()), min(stop, self.count()))

    def count(self) -> int:
        """The number of rows."""
        return self.header.rows or 0

    def estimate(self) -> int:
        """The number of rows."""
        return self.count()

    def line_of(self, row: int) -> None:
        """There are no lines."""

    def check_unchanged(self) -> None:
        """Nothing to check."""


class ArraySource(_Rows):
    """An array in memory: rows by columns, or of any dimensions once it is told where its classes are."""

    def __init__(self, array: Stored, name: str, arrangement: Arrangement | None = None, arranged: str = "") -> None:
        self._array, self._arrangement = array, arrangement or _usual(array.shape, name)
        self._view = self._arrangement.view(array)
        self._row_bytes = max(1, array.dtype.itemsize * self._arrangement.classes)
        self._unit = max(1, math.prod(self._arrangement.positions[1:]))
        self.header = _header(name, "array", array.dtype, self._arrangement, arranged)

    def with_class_axis(self, axis: int | None, arranged: str) -> ArraySource:
        """The same array with its classes on another axis; None: each cell is a row. ``arranged`` says so."""
        return ArraySource(self._array, self.header.path, Arrangement(self._array.shape, axis), arranged)

    def blocks(self, extent: Extent, selection: Selection, block_bytes: int) -> Iterator[Block]:
        """Rows in the stored type (in this machine's byte order)."""
        for first, stop in unit_steps(extent, block_bytes // self._row_bytes, self._unit):
            stored = _native(np.ascontiguousarray(self._rows(first, stop)))
            yield Block(
                first,
                _columns(stored, selection.matrix),
                tuple(_keys(stored[:, i], i, first, self.header.path) for i in selection.keys),
            )

    def _rows(self, first: int, stop: int) -> Stored:
        width = self.header.width
        cuts = [tuple(slice(*each) for each in box) for box in boxes(first, stop, self._view.shape[:-1])]
        pieces = [self._view[cut] for cut in cuts]
        pieces = [piece.reshape(math.prod(piece.shape[:-1]), width) for piece in pieces]
        return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)


class NpySource(_Rows):
    """An array in a file: rows by columns, or of any dimensions once it is told where its classes are."""

    def __init__(self, path: str, shown: str) -> None:
        self.path = path
        self._before = fingerprint(path)
        self._layout = read_layout(path, shown)
        self._arrange(_usual(self._layout.shape, shown), shown, "")

    def _arrange(self, arrangement: Arrangement, shown: str, arranged: str) -> None:
        dtype = self._layout.dtype
        self._places: Places = places_of(arrangement, fortran=self._layout.fortran)
        self._unit = self._places.unit
        self._row_bytes = max(1, dtype.itemsize * arrangement.classes)
        self.header = _header(shown, "npy", dtype, arrangement, arranged, size=self._before[2])

    def with_class_axis(self, axis: int | None, arranged: str) -> NpySource:
        """The same file with its classes on another axis; None: each cell is a row. ``arranged`` says so."""
        other = copy(self)
        other._arrange(Arrangement(self._layout.shape, axis), self.header.path, arranged)
        return other

    def check_unchanged(self) -> None:
        """Refuse if the file is not what it was when it was opened."""
        check_fingerprint(self.path, self._before, self.header.path)

    def blocks(self, extent: Extent, selection: Selection, block_bytes: int) -> Iterator[Block]:
        """Rows in the stored type (in this machine's byte order)."""
        with open(self.path, "rb", buffering=0) as file:
            for first, stop in unit_steps(extent, block_bytes // self._row_bytes, self._unit):
                stored = _native(self._places.read(first, stop, self._layout.dtype, partial(self._fill, file)))
                keys = tuple(_keys(stored[:, i], i, first, self.header.path) for i in selection.keys)
                yield Block(first, _columns(stored, selection.matrix), keys)

    def _fill(self, file: IO[bytes], block: Stored, place: int) -> None:
        """A stretch of the file into ``block``, from a place counted in cells."""
        if block.size == 0:
            return
        into, offset = block.reshape(-1).view(np.uint8).data, self._layout.offset + place * block.dtype.itemsize
        done = 0
        while done < len(into):
            count = os.preadv(file.fileno(), [into[done:]], offset + done)
            if count == 0:
                raise InputError("the file ends early: it was cut while it was read", path=self.header.path)
            done += count


def _header(
    shown: str, format: str, dtype: np.dtype[Any], arrangement: Arrangement, arranged: str, *, size: int = 0
) -> Header:
    return Header(
        shown, format, None, Repeated(_type_of(dtype), arrangement.classes), arrangement.rows, _type_name(dtype),
        size=size, shape=arrangement.shape, class_axis=arrangement.axis, arranged=arranged,
    )  # fmt: skip


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


def _usual(shape: tuple[int, ...], path: str) -> Arrangement:
    """Rows by columns; of more dimensions each cell is a row until a class axis is named."""
    if not shape:
        raise InputError(
            "is a single number; expected rows x classes",
            path=path,
            hint="save it with an axis of rows: np.save(file, np.atleast_2d(array))",
        )
    return Arrangement(shape, 1 if len(shape) == 2 else None)


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

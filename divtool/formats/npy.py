"""NPY: arrays in files and in memory, read by plain reads at offsets into fresh buffers (never a memory map, which a
file that shrinks turns into a crash)."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import IO, Any, Self

import numpy as np

from divtool.errors import InputError
from divtool.formats.fingerprint import Fingerprint, check_fingerprint, fingerprint
from divtool.formats.keys import IntegerKeys, Keys, text_keys
from divtool.formats.npy_axes import (
    Arrangement,
    Cut,
    DirectRows,
    Places,
    boxes,
    cut_of,
    places_of,
    unit_steps,
)
from divtool.formats.npy_header import MAGIC, Layout, read_layout
from divtool.formats.source import FLOAT, INTEGER, OTHER, TEXT, Block, Extent, Header, Selection, Stored, Ways
from divtool.numerics.kernels import BFLOAT16, widened

_TYPES = {"f": FLOAT, "i": INTEGER, "u": INTEGER, "b": INTEGER, "U": TEXT, "S": TEXT}


class Repeated(Sequence[str]):
    """The same word many times, in no memory."""

    def __init__(self, word: str, times: int) -> None:
        self.word, self.times = word, times

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Repeated) and (self.word, self.times) == (other.word, other.times)

    def __hash__(self) -> int:
        return hash((self.word, self.times))

    def __len__(self) -> int:
        return self.times

    def __getitem__(self, at: Any) -> Any:
        if isinstance(at, slice):
            return [self.word] * len(range(*at.indices(self.times)))
        if not -self.times <= at < self.times:
            raise IndexError(at)
        return self.word


class ArraySource(DirectRows):
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

    def at(self, axis: int, place: int) -> ArraySource:
        """What lies at one place of an axis, as an array of its own."""
        return ArraySource(np.moveaxis(self._array, axis, 0)[place], place_name(self.header.path, axis, place))

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


class NpySource(DirectRows):
    """An array in a file: rows by columns, or of any dimensions once it is told where its classes are.

    ``path`` is the file that is read, ``shown`` how messages call the array, ``format`` what it was found in;
    ``before`` is what the file was when its layout was read.
    """

    def __init__(
        self, path: str, shown: str, layout: Layout | None = None, format: str = "npy",
        before: Fingerprint | None = None,
    ) -> None:  # fmt: skip
        self.path = path
        self._before = before or fingerprint(path, shown)
        self._layout = layout or read_layout(path, shown)
        self._cut: Cut | None = None
        self._arrange(_usual(self._layout.shape, shown), shown, "", format)

    def _arrange(self, arrangement: Arrangement, shown: str, arranged: str, format: str) -> None:
        layout = self._layout
        self._places: Places = places_of(arrangement, fortran=layout.fortran)
        self._unit = self._places.unit
        self._row_bytes = max(1, layout.widened.itemsize * arrangement.classes)
        header = _header(shown, format, layout.widened, arrangement, arranged, size=self._size)
        self.header = replace(header, dtype=layout.type_name, notes=layout.notes, origin=layout.origin)

    def with_class_axis(self, axis: int | None, arranged: str) -> Self:
        """The same file with its classes on another axis; None: each cell is a row. ``arranged`` says so."""
        other = object.__new__(type(self))
        vars(other).update(vars(self))
        other._arrange(Arrangement(self._layout.shape, axis), self.header.path, arranged, self.header.format)
        return other

    @property
    def _size(self) -> int:
        """The bytes of the file, or of the part of it that this is."""
        return self._before[2] if self._cut is None else self._before[2] // max(1, self._cut.length)

    def at(self, axis: int, place: int) -> Self:
        """What lies at one place of an axis of the array in the file, as an array of its own."""
        other, layout = object.__new__(type(self)), self._layout
        vars(other).update(vars(self))
        shape, shown = layout.shape, place_name(self.header.path, axis, place)
        other._cut = cut_of(shape, axis, place, fortran=layout.fortran)
        rest = shape[:axis] + shape[axis + 1 :]
        other._layout = replace(layout, shape=rest, fortran=layout.fortran and len(rest) > 1)
        other._arrange(_usual(rest, shown), shown, "", self.header.format)
        return other

    def check_unchanged(self) -> None:
        """Refuse if the file is not what it was when it was opened."""
        check_fingerprint(self.path, self._before, self.header.path)

    def blocks(self, extent: Extent, selection: Selection, block_bytes: int) -> Iterator[Block]:
        """Rows in the stored type (in this machine's byte order; bfloat16 as float32, which holds it exactly)."""
        with opened(self.path, self.header.path) as file:
            for first, stop in unit_steps(extent, block_bytes // self._row_bytes, self._unit):
                rows = self._places.read(first, stop, self._layout.dtype, partial(self._fill, file))
                stored = self._plain(rows)
                keys = tuple(_keys(stored[:, i], i, first, self.header.path) for i in selection.keys)
                yield Block(first, _columns(stored, selection.matrix), keys)

    def _fill(self, file: IO[bytes], block: Stored, place: int) -> None:
        """A stretch of the array into ``block``, from a place counted in cells."""
        if self._cut is None:
            self._read(file, block, place)
        else:
            self._cut.fill(block, place, partial(self._read, file))

    def _read(self, file: IO[bytes], block: Stored, place: int) -> None:
        cells = block.reshape(-1)
        for first, stop, offset in self._layout.stretches(place, place + cells.size):
            read_into(file, cells[first - place : stop - place], offset, self.header.path)

    def _plain(self, rows: Stored) -> Stored:
        if self._layout.bfloat16:
            return widened(_native(rows).view(BFLOAT16))
        if rows.dtype.kind == "b" and rows.size and rows.view(np.uint8).max() > 1:
            raise InputError(
                "a byte of a truth is neither 0 nor 1: the file is damaged", path=self.header.path,
                hint="save the array again",
            )  # fmt: skip
        return _native(rows)


def place_name(shown: str, axis: int, place: int) -> str:
    """How messages call what lies at one place of an axis.

    >>> place_name("x.npy", 1, 4)
    'x.npy[:,4]'
    """
    return f"{shown}[{':,' * axis}{place}]"


def opened(path: str, shown: str) -> IO[bytes]:
    """A file to read at places; it was there when it was opened first."""
    try:
        return open(path, "rb", buffering=0)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", path=shown) from None


def read_into(file: IO[bytes], cells: Stored, offset: int, shown: str) -> None:
    """Fill a contiguous array with the bytes at this place of a file."""
    if cells.size == 0:
        return
    into, done = cells.view(np.uint8).data, 0
    while done < len(into):
        count = os.preadv(file.fileno(), [into[done:]], offset + done)
        if count == 0:
            raise InputError("the file ends early: it was cut while it was read", path=shown)
        done += count


# An array without cells may promise any number of columns, of which lists are made all the same.
_MOST_COLUMNS = 1 << 27


def _header(
    shown: str, format: str, dtype: np.dtype[Any], arrangement: Arrangement, arranged: str, *, size: int = 0
) -> Header:
    if arrangement.classes > _MOST_COLUMNS:
        raise InputError(f"has {arrangement.classes:,} columns; expected at most {_MOST_COLUMNS:,}", path=shown)
    return Header(
        shown, format, None, Repeated(_type_of(dtype), arrangement.classes), arrangement.rows, _type_name(dtype),
        size=size, shape=arrangement.shape, class_axis=arrangement.axis, arranged=arranged,
    )  # fmt: skip


def _type_of(dtype: np.dtype[Any]) -> str:
    """What an array holds; numbers wider than doubles are no plain numbers here."""
    return OTHER if dtype.kind == "f" and dtype.itemsize > 8 else _TYPES.get(dtype.kind, OTHER)


def _native(block: Stored) -> Stored:
    return block if block.dtype.isnative else block.astype(block.dtype.newbyteorder("="))


def open_npy(path: str, shown: str, ways: Ways) -> NpySource:
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
            f"{column[bad[0]]:.17g} is none of the whole numbers that ids and labels are", path=shown,
            row=first + int(bad[0]), column=str(position), hint="save them as whole numbers: array.astype(int)",
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


class ArrayWriter:
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
        raise NotImplementedError


class NpyWriter(ArrayWriter):
    """An NPY file of doubles."""

    def _header(self) -> bytes:
        shape = f"({self._rows},)" if self._single else f"({self._rows}, {self._width})"
        text = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}"
        return MAGIC + b"\x01\x00" + (118).to_bytes(2, "little") + text.ljust(117).encode() + b"\n"

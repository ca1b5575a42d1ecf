"""What every reader gives: a header before any row is computed, extents to share out, blocks of rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
import numpy.typing as npt

from divtool.errors import InputError
from divtool.formats.keys import Keys

Stored: TypeAlias = npt.NDArray[Any]

FLOAT, INTEGER, TEXT, OTHER = "float", "integer", "text", "other"


@dataclass(frozen=True)
class Vector:
    """A field of the file that holds a whole row of numbers in each cell: its columns first:first + width."""

    name: str
    first: int
    width: int

    @property
    def columns(self) -> range:
        """Its columns."""
        return range(self.first, self.first + self.width)


@dataclass(frozen=True)
class Place:
    """Where a row stands: its number in the table, its line in a text file, and, where the table lies in several files,
    the file and the row's number there."""

    path: str
    row: int
    line: int | None = None
    own: int | None = None

    def refusal(self, message: str, *, column: str | None = None, hint: str = "") -> InputError:
        """The error that speaks of this row."""
        return InputError(
            message, path=self.path, row=self.row, line=self.line, own_row=self.own, column=column, hint=hint
        )


@dataclass(frozen=True)
class Header:
    """What a source says of itself. ``names`` is None where columns have only positions; ``types`` holds one word a
    column; ``rows`` is None where only reading to the end would tell; ``decimals`` says that numbers are text,
    ``lines`` that rows are lines; ``size`` is in bytes, ``notes`` are for the reader of the result; ``vectors`` are the
    fields whose cells are rows of numbers; ``partial`` says why rows of log-probabilities need not sum to 1,
    ``origin`` how the table came out of the file: unpacked, of several parts; ``unordered``: the columns stand in the
    order of the first row's scores, which means nothing; ``index``: the columns that pandas says name the rows;
    ``renumbered`` is the one of these that had no name and holds the numbers of the rows, 0 to n-1, as a data frame has
    them that was sorted or shuffled; ``counted`` are the numbers of the rows in an index without a name that only
    counts, which is no column as a rule.

    An array has a ``shape``, and the ``class_axis`` along which its rows lie (None: each cell is a row of its own);
    ``arranged`` says how that was found, where it is not rows by columns.
    """

    path: str
    format: str
    names: tuple[str, ...] | None
    types: Sequence[str]
    rows: int | None
    dtype: str
    decimals: bool = False
    lines: bool = False
    size: int = 0
    notes: tuple[str, ...] = ()
    shape: tuple[int, ...] | None = None
    class_axis: int | None = None
    arranged: str = ""
    vectors: tuple[Vector, ...] = ()
    partial: str = ""
    origin: str = ""
    unordered: bool = False
    index: tuple[str, ...] = ()
    renumbered: str | None = None
    counted: range | None = None

    @property
    def positions(self) -> tuple[int, ...]:
        """The shape of an array without its class axis: rows are its positions in C order."""
        shape, axis = self.shape or (), self.class_axis
        return shape if axis is None else shape[:axis] + shape[axis + 1 :]

    @property
    def width(self) -> int:
        """The number of columns."""
        return len(self.types)

    def name(self, column: int) -> str:
        """A column's name, or its position where it has none."""
        return str(column) if self.names is None else self.names[column]

    def find(self, name: str) -> int | None:
        """The position of a column by its name, or by its position where columns have none."""
        if self.names is not None:
            return self.names.index(name) if name in self.names else None
        return int(name) if name.isascii() and name.isdigit() and int(name) < self.width else None


@dataclass(frozen=True)
class Extent:
    """Rows first:stop of a source, and where in the file they are (what that means is the format's affair)."""

    first: int
    stop: int
    place: tuple[int, ...] = ()


@dataclass(frozen=True)
class Selection:
    """The columns that a run needs: those of the matrix, in the order wanted, and those of ids and labels.

    ``missing``: rows with an empty cell are marked as such, not refused; ``cells``: each empty cell is, for itself.
    """

    matrix: Sequence[int]
    keys: tuple[int, ...] = ()
    missing: bool = False
    cells: bool = False


@dataclass(frozen=True)
class Block:
    """Some rows of the selected columns: ``matrix`` (n, columns) in a stored or wider type, C-order.

    ``missing`` (n,) marks rows with an empty cell, whose numbers are NaN and whose keys are empty text or 0; None where
    there are none. Where cells are marked each for itself, an empty one is NaN in the matrix, and ``absent`` holds for
    each key column the marks (n,) of its empty cells, or None where it has none; no marks at all where no key has any.
    """

    first: int
    matrix: Stored
    keys: tuple[Keys, ...] = ()
    missing: npt.NDArray[np.bool_] | None = None
    absent: tuple[npt.NDArray[np.bool_] | None, ...] = ()

    def __len__(self) -> int:
        return len(self.keys[0]) if self.keys else self.matrix.shape[0]

    def absent_in(self, key: int) -> npt.NDArray[np.bool_] | None:
        """The marks (n,) of the empty cells of a key column; None where it has none."""
        return self.absent[key] if self.absent else None

    def part(self, start: int, stop: int) -> Block:
        """The rows start:stop, counted from the block's own first."""
        return replace(
            self,
            first=self.first + start,
            matrix=self.matrix[start:stop],
            keys=tuple(key.part(start, stop) for key in self.keys),
            missing=None if self.missing is None else self.missing[start:stop],
            absent=tuple(None if marks is None else marks[start:stop] for marks in self.absent),
        )


class Source(Protocol):
    """A file (or array) that can be read from many threads and pickles as path and options, never as data."""

    header: Header

    def extents(self, target_bytes: int) -> Iterator[Extent]:
        """The whole source in order, cut along its own joints into extents of about that size."""

    def locate(self, first: int, stop: int) -> Extent:
        """Rows first:stop; ends early where the source does."""

    def blocks(self, extent: Extent, selection: Selection, block_bytes: int) -> Iterator[Block]:
        """The rows of an extent in order, in blocks of about that size."""

    def count(self) -> int:
        """The number of rows, reading to the end if need be."""

    def estimate(self) -> int:
        """About how many rows there are, without reading for it."""

    def place_of(self, row: int) -> Place:
        """Where a row stands, for a message."""

    def check_unchanged(self) -> None:
        """Refuse if the file is not what it was when it was opened."""


@dataclass(frozen=True)
class Ways:
    """How files are to be opened, where their content does not say it or is not to be asked. ``delimiter``,
    ``no_header`` and ``header`` are for text tables, ``format`` names the format, ``concat`` makes one table of a glob.
    """

    delimiter: str | None = None
    no_header: bool = False
    format: str | None = None
    concat: bool = False
    header: bool = False


@dataclass(frozen=True)
class Member:
    """An array among several in one file."""

    name: str
    shape: tuple[int, ...]
    dtype: str


@runtime_checkable
class Container(Protocol):
    """A file of several arrays, each of which is a source once it is chosen."""

    path: str
    format: str
    members: tuple[Member, ...]

    def open(self, name: str) -> Source:
        """One of the arrays."""


def joined(*words: str) -> str:
    """What there is to say, on one line."""
    return ", ".join(filter(None, words))


class Arranged(Source, Protocol):
    """An array, which can be read along any of its axes."""

    def with_class_axis(self, axis: int | None, arranged: str) -> Source:
        """The same array with its classes on this axis; None: each cell is a row. ``arranged`` says how it is known."""


def row_steps(extent: Extent, rows: int) -> Iterator[tuple[int, int]]:
    """The extent in steps of at most ``rows`` rows."""
    for first in range(extent.first, extent.stop, max(1, rows)):
        yield first, min(first + max(1, rows), extent.stop)


def empty_matrix(rows: int) -> Stored:
    """The matrix of a selection without matrix columns."""
    return np.empty((rows, 0))

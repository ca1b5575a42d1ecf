"""An input in its role: a source whose columns have a meaning, read, checked and decoded slab by slab."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from divtool.errors import InputError
from divtool.formats.keys import Keys
from divtool.formats.source import Block, Extent, Header, Selection, Source, Stored
from divtool.meaning.columns import Columns
from divtool.meaning.kinds import Kind, check_block, fault_of_row
from divtool.meaning.labels import Codes, LabelRule

# The role of the column that weighs the rows.
WEIGHT_ROLE = "weight"


@dataclass(frozen=True)
class Slab:
    """Rows of one input: the matrix in its role, class numbers, ids; what an input does not have is None.

    ``sums`` are the row sums of a probability table, ``normalized`` and ``rounded`` count rows that were divided by
    their sum, or whose sum is off by no more than their decimals explain.
    """

    first: int
    rows: int
    matrix: Stored | None
    codes: Codes | None
    ids: Keys | None
    normalized: npt.NDArray[np.bool_] | None = None
    rounded: npt.NDArray[np.bool_] | None = None

    def part(self, start: int, stop: int) -> Slab:
        """The rows start:stop, counted from the slab's own first."""
        cut = slice(start, stop)
        return Slab(
            self.first + start, stop - start, _cut(self.matrix, cut), _cut(self.codes, cut),
            None if self.ids is None else self.ids.part(start, stop),
            _cut(self.normalized, cut), _cut(self.rounded, cut),
        )  # fmt: skip


def _cut(array: Any, cut: slice) -> Any:
    return None if array is None else array[cut]


class Readable(Protocol):
    """What the fold needs of an input: an ordinary one, or one whose rows were put into another's order."""

    @property
    def title(self) -> str: ...

    @property
    def role(self) -> str | None: ...

    @property
    def kind(self) -> Kind | None: ...

    @property
    def size(self) -> int: ...

    def extents(self, target_bytes: int) -> Iterator[Extent]: ...

    def locate(self, first: int, stop: int) -> Extent: ...

    def count(self) -> int: ...

    def slabs(self, extent: Extent, block_bytes: int) -> Iterator[Slab]: ...

    @property
    def as_read(self) -> Input: ...

    def refuse_row(self, matrix: Stored, at: int, first: int) -> None: ...

    def check_unchanged(self) -> None: ...


@dataclass(frozen=True)
class Input:
    """One file and what is taken from it. ``order`` lists the class columns in the order common to all inputs,
    ``allowed`` the kinds that its operand may hold."""

    source: Source
    columns: Columns
    role: str | None = None
    kind: Kind | None = None
    order: tuple[int, ...] | range = ()
    labels: LabelRule | None = None
    allowed: frozenset[str] = frozenset()

    @property
    def header(self) -> Header:
        """What the file says of itself."""
        return self.source.header

    @property
    def as_read(self) -> Input:
        """The input as it stands in its file."""
        return self

    @property
    def title(self) -> str:
        """How the file is called."""
        return self.source.header.path

    @property
    def size(self) -> int:
        """The bytes of its file; 0 for what is in memory."""
        return self.source.header.size

    def ids_only(self) -> Input:
        """The same rows, of which only the ids are read."""
        return replace(self, role=None, kind=None, labels=None)

    @property
    def selection(self) -> Selection:
        """The columns to read: classes in the common order, then id and label."""
        if self.role is None:
            return Selection((), self._key_columns())
        classes = self.columns.classes
        identity = isinstance(self.order, range) and isinstance(classes, range)
        matrix = classes if identity else tuple(classes[i] for i in self.order)
        return Selection(matrix, self._key_columns())

    def _key_columns(self) -> tuple[int, ...]:
        label = self.columns.label if self.labels is not None else None
        return tuple(column for column in (self.columns.id, label) if column is not None)

    def extents(self, target_bytes: int) -> Iterator[Extent]:
        """The whole file in order, cut along its own joints."""
        return self.source.extents(target_bytes)

    def locate(self, first: int, stop: int) -> Extent:
        """Where rows first:stop are."""
        return self.source.locate(first, stop)

    def count(self) -> int:
        """The number of rows."""
        return self.source.count()

    def check_unchanged(self) -> None:
        """Refuse a file that was changed while it was read."""
        self.source.check_unchanged()

    def slabs(self, extent: Extent, block_bytes: int) -> Iterator[Slab]:
        """Rows, checked and decoded."""
        for block in self.source.blocks(extent, self.selection, block_bytes):
            yield self._slab(block)

    def _slab(self, block: Block) -> Slab:
        keys = list(block.keys)
        ids = keys.pop(0) if self.columns.id is not None else None
        codes = None
        if self.labels is not None:
            codes = self.labels.decode(keys[0], block.first, self.source.line_of)
        if self.role is None or self.kind is None:
            return Slab(block.first, len(block), None, codes, ids)
        matrix, normalized, rounded = self._checked(self.kind, block)
        return Slab(block.first, matrix.shape[0], matrix, codes, ids, normalized, rounded)

    def _checked(self, kind: Kind, block: Block) -> tuple[Stored, Any, Any]:
        matrix = block.matrix
        if matrix.dtype.kind in "iu" and matrix.dtype.itemsize == 8:
            self._refuse_inexact(matrix, block.first)
        fault, sums = check_block(kind, matrix, self.header.dtype)
        if fault is not None:
            self.refuse_row(matrix, fault.row, block.first)
        if sums is None:
            return matrix, None, None
        off = np.abs(sums - 1.0) > kind.strict
        if kind.name == "log-probs":
            return matrix, np.zeros_like(off), off
        if kind.normalize:
            # Every row, or cross-entropy would not be entropy plus divergence; those off by more than rounding count.
            return matrix / sums[:, None], off, np.zeros_like(off)
        return matrix, np.zeros_like(off), off

    def _refuse_inexact(self, matrix: Stored, first: int) -> None:
        bad = np.argwhere((matrix > 1 << 53) | (matrix.astype(np.float64) < -(2.0**53)))
        if bad.size:
            row, place = bad[0].tolist()
            raise InputError(
                f"{int(matrix[row, place])} is no exact double", path=self.title, row=first + row,
                column=self.header.name(self.selection.matrix[place]), hint="save the numbers as float64",
            )  # fmt: skip

    def refuse_row(self, matrix: Stored, at: int, first: int) -> None:
        """Raise the :class:`InputError` that a row deserves; returns if nothing is wrong with it."""
        assert self.kind is not None
        fault = fault_of_row(self.kind, matrix, at, self.header.dtype)
        if fault is None:
            return
        column = None if fault.column is None else self.header.name(self.selection.matrix[fault.column])
        row = first + at
        raise InputError(
            fault.message, path=self.title, row=row, line=self.source.line_of(row), column=column, hint=fault.hint
        )

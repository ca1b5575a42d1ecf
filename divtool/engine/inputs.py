"""An input in its role: a source whose columns have a meaning, read, checked and decoded slab by slab."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from divtool.engine.grouping import EMPTY, Groups, groups_of
from divtool.formats.keys import Keys, empty_texts
from divtool.formats.source import Block, Extent, Header, Place, Selection, Source, Stored
from divtool.meaning.binary import SPREAD, as_cells, both_classes
from divtool.meaning.columns import Columns
from divtool.meaning.kinds import Kind, check_block, fault_of_row
from divtool.meaning.labels import Codes, LabelRule
from divtool.meaning.vocabulary import filled, mass_beyond

# The roles of the column that weighs the rows, and of columns that say what rows have in common.
WEIGHT_ROLE, KEY_ROLE = "weight", "key"
ASIDE = (WEIGHT_ROLE, KEY_ROLE)


@dataclass(frozen=True)
class Slab:
    """Rows of one input: the matrix in its role, class numbers, ids; what an input does not have is None.

    ``normalized`` and ``rounded`` mark rows that were divided by their sum, or whose sum is off by no more than their
    decimals explain; ``missing`` those that are not to be scored, for an empty cell or for an id that no other file
    has; ``beyond`` is the mass of the classes beyond a vocabulary; ``groups`` is what the rows have in common.
    """

    first: int
    rows: int
    matrix: Stored | None
    codes: Codes | None
    ids: Keys | None
    normalized: npt.NDArray[np.bool_] | None = None
    rounded: npt.NDArray[np.bool_] | None = None
    missing: npt.NDArray[np.bool_] | None = None
    beyond: npt.NDArray[np.float64] | None = None
    groups: Groups | None = None

    def part(self, start: int, stop: int) -> Slab:
        """The rows start:stop, counted from the slab's own first."""
        cut = slice(start, stop)
        return Slab(
            self.first + start, stop - start, _cut(self.matrix, cut), _cut(self.codes, cut),
            None if self.ids is None else self.ids.part(start, stop),
            _cut(self.normalized, cut), _cut(self.rounded, cut), _cut(self.missing, cut), _cut(self.beyond, cut),
            None if self.groups is None else self.groups.cut(cut),
        )  # fmt: skip

    def where(self, kept: npt.NDArray[np.bool_]) -> Slab:
        """Some of the rows, which then need not stand one after the other in the file."""
        return Slab(
            self.first, int(kept.sum()), _cut(self.matrix, kept), _cut(self.codes, kept),
            None if self.ids is None else self.ids.where(kept),
            _cut(self.normalized, kept), _cut(self.rounded, kept), None, _cut(self.beyond, kept),
            None if self.groups is None else self.groups.cut(kept),
        )  # fmt: skip


def _cut(array: Any, cut: Any) -> Any:
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

    @property
    def lost(self) -> tuple[int, int]: ...

    def extents(self, target_bytes: int) -> Iterator[Extent]: ...

    def locate(self, first: int, stop: int) -> Extent: ...

    def count(self) -> int: ...

    def slabs(self, extent: Extent, block_bytes: int) -> Iterator[Slab]: ...

    @property
    def as_read(self) -> Input: ...

    def refuse_row(self, matrix: Stored, at: int, first: int) -> None: ...

    def check_unchanged(self) -> None: ...

    def place_of(self, row: int) -> Place: ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class Input:
    """One file and what is taken from it. ``order`` lists the class columns in the order common to all inputs,
    ``allowed`` the kinds that its operand may hold. ``single``: its one column speaks of two classes; ``vocabulary``:
    only so many of the columns are classes that count; ``drop_missing``: rows with an empty cell are marked;
    ``by_id``: rows are matched by their ids, so that each must have one; ``key`` is the one column that is read, beside
    the id, by an input that says what rows have in common; ``each_named``: no cell of it may be empty."""

    source: Source
    columns: Columns
    role: str | None = None
    kind: Kind | None = None
    order: tuple[int, ...] | range = ()
    labels: LabelRule | None = None
    allowed: frozenset[str] = frozenset()
    single: bool = False
    vocabulary: int | None = None
    drop_missing: bool = False
    by_id: bool = False
    key: int | None = None
    each_named: bool = False

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
    def lost(self) -> tuple[int, int]:
        """How many ids only the leading input has, and only this one, where such rows are left out: none here."""
        return (0, 0)

    @property
    def size(self) -> int:
        """The bytes of its file; 0 for what is in memory."""
        return self.source.header.size

    @property
    def width(self) -> int:
        """The number of classes."""
        if self.single:
            return 2
        return len(self.columns.classes) if self.vocabulary is None else self.vocabulary

    @property
    def class_names(self) -> tuple[str, ...] | None:
        """The names of the class columns that count, in the order of the file; None where they have but positions."""
        header, classes = self.header, self.columns.classes
        inside = next((each for each in header.vectors if classes == each.columns), None)
        alone = self.role == "target" and len(classes) == 1
        if header.names is None or inside is not None or self.single or alone:
            # A single column of answers is called by what it is, not by the class.
            return None
        return tuple(header.name(column) for column in classes[: self.width])

    @property
    def kind_of_rows(self) -> str:
        """What the rows hold as they are handed on."""
        assert self.kind is not None
        return SPREAD[self.kind.name] if self.single else self.kind.name

    def ids_only(self) -> Input:
        """The same rows, of which only the ids are read."""
        return replace(self, role=None, kind=None, labels=None, key=None)

    @property
    def selection(self) -> Selection:
        """The columns to read: classes in the common order, then id and label."""
        if self.key is not None:
            return Selection((), (*self._key_columns(), self.key), cells=True)
        if self.role is None:
            return Selection((), self._key_columns(), self.drop_missing)
        classes = self.columns.classes
        if self.single or (isinstance(self.order, range) and isinstance(classes, range)):
            return Selection(classes, self._key_columns(), self.drop_missing)
        # The columns beyond a vocabulary are read as well: what is left out has mass.
        matrix = (*(classes[i] for i in self.order), *classes[self.width :])
        return Selection(matrix, self._key_columns(), self.drop_missing)

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

    def place_of(self, row: int) -> Place:
        """Where a row of the run stands."""
        return self.source.place_of(row)

    def close(self) -> None:
        """Nothing is held open."""

    def slabs(self, extent: Extent, block_bytes: int) -> Iterator[Slab]:
        """Rows, checked and decoded."""
        for block in self.source.blocks(extent, self.selection, block_bytes):
            yield self._slab(self._with_names(block) if self.by_id else block)

    def _with_names(self, block: Block) -> Block:
        """The block with rows that have no id marked, or refused: an empty id is the same as no other."""
        empty = empty_texts(block.keys[0])
        if empty is None:
            return block
        missing = empty if block.missing is None else empty | block.missing
        if not self.drop_missing:
            assert self.columns.id is not None
            raise self.source.place_of(block.first + int(np.argmax(missing))).refusal(
                "the id is missing", column=self.header.name(self.columns.id),
                hint="fill it in, or leave such rows out: --missing drop",
            )  # fmt: skip
        return replace(block, missing=missing)

    def _slab(self, block: Block) -> Slab:
        keys = list(block.keys)
        ids = keys.pop(0) if self.columns.id is not None else None
        if self.key is not None:
            groups = groups_of(keys[0], block.absent_in(len(block.keys) - 1))
            return Slab(block.first, len(block), None, None, ids, missing=self._unnamed(groups, block), groups=groups)
        codes = None
        if self.labels is not None:
            codes = self.labels.decode(keys[0], block.first, self.source.place_of, block.missing)
        if self.role is None or self.kind is None:
            return Slab(block.first, len(block), None, codes, ids, missing=block.missing)
        matrix, beyond = self._within_vocabulary(
            self.kind, filled(self.kind, block.matrix, block.missing, single=self.single)
        )
        matrix, normalized, rounded = self._checked(self.kind, matrix, block.first)
        if self.single:
            matrix = both_classes(self.kind, matrix)
        return Slab(block.first, len(block), matrix, codes, ids, normalized, rounded, block.missing, beyond)

    def _unnamed(self, groups: Groups, block: Block) -> npt.NDArray[np.bool_] | None:
        """The rows that have no name where each must have one: marked if such rows are left out, else refused."""
        assert self.key is not None
        if not self.each_named or EMPTY not in groups.names:
            return None
        empty = groups.codes == list(groups.names).index(EMPTY)
        if not empty.any() or self.drop_missing:
            return empty if empty.any() else None
        raise self.source.place_of(block.first + int(np.argmax(empty))).refusal(
            "it is not said what the row belongs to (--cluster)", column=self.header.name(self.key),
            hint="fill it in, or leave such rows out: --missing drop",
        )  # fmt: skip

    def _within_vocabulary(self, kind: Kind, matrix: Stored) -> tuple[Stored, Any]:
        """The classes that count, and the mass of the others."""
        if self.width >= matrix.shape[1]:
            return matrix, None
        return np.ascontiguousarray(matrix[:, : self.width]), mass_beyond(kind, matrix, self.width)

    def _checked(self, kind: Kind, matrix: Stored, first: int) -> tuple[Stored, Any, Any]:
        if matrix.dtype.kind in "iu" and matrix.dtype.itemsize == 8:
            self._refuse_inexact(matrix, first)
        fault, sums = check_block(as_cells(kind) if self.single else kind, matrix, self.header.dtype)
        if fault is not None:
            self.refuse_row(matrix, fault.row, first)
        if sums is None:
            return matrix, None, None
        off = np.abs(sums - 1.0) > kind.strict
        if kind.name == "log-probs":
            return matrix, np.zeros_like(off), off
        if kind.unnormalized or kind.tolerance == np.inf:
            return matrix, None, None
        if kind.normalize:
            # Every row, or cross-entropy would not be entropy plus divergence; those off by more than rounding count.
            return matrix / sums[:, None], off, np.zeros_like(off)
        return matrix, np.zeros_like(off), off

    def _refuse_inexact(self, matrix: Stored, first: int) -> None:
        bad = np.argwhere((matrix > 1 << 53) | (matrix.astype(np.float64) < -(2.0**53)))
        if bad.size:
            row, place = bad[0].tolist()
            raise self.source.place_of(first + row).refusal(
                f"{int(matrix[row, place])} is no exact double",
                column=self.header.name(self.selection.matrix[place]), hint="save the numbers as float64",
            )  # fmt: skip

    def refuse_row(self, matrix: Stored, at: int, first: int) -> None:
        """Raise the :class:`InputError` that a row deserves; returns if nothing is wrong with it."""
        assert self.kind is not None
        kind = as_cells(self.kind) if self.single and matrix.shape[1] == 1 else self.kind
        fault = fault_of_row(kind, matrix, at, self.header.dtype)
        if fault is None:
            return
        place = 0 if self.single else fault.column
        column = None if place is None else self.header.name(self.selection.matrix[place])
        raise self.source.place_of(first + at).refusal(fault.message, column=column, hint=fault.hint)

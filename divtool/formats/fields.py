"""The fields of a file as columns: most hold one number a cell, some a whole row of them, which is as many columns.

Every reader of tables goes through here: it reads the fields that a selection needs as Arrow arrays, and these become
the block's matrix and keys.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from divtool.errors import InputError
from divtool.formats.arrow_types import decoded, is_list, readable, word_of
from divtool.formats.keys import IntegerKeys, Keys, integers_of, keys_of_arrow
from divtool.formats.source import (
    FLOAT,
    INTEGER,
    OTHER,
    Block,
    Place,
    Selection,
    Stored,
    Vector,
    empty_matrix,
)

PlaceOf = Callable[[int], Place]
_LEAVE_OUT = "fill it in, or leave such rows out: --missing drop"
_EXACT = 1 << 53
# More numbers than this in a cell are no classes, and their names alone would fill the memory.
_WIDEST = 1 << 20


@dataclass(frozen=True)
class Field:
    """A field: what its cells hold, and how many numbers each (None: one, and no more)."""

    name: str
    type: str
    width: int | None = None


@dataclass(frozen=True)
class Fields:
    """All fields of a file in order. A column of the header is a field, or one number of each of its cells."""

    fields: tuple[Field, ...]

    @cached_property
    def starts(self) -> list[int]:
        """The first column of each field, and how many columns there are."""
        return list(accumulate((1 if each.width is None else each.width for each in self.fields), initial=0))

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns: those of fields, and ``field[i]``."""
        return tuple(
            name for each in self.fields
            for name in ([each.name] if each.width is None else [f"{each.name}[{i}]" for i in range(each.width)])
        )  # fmt: skip

    @property
    def types(self) -> tuple[str, ...]:
        """What each column holds."""
        return tuple(each.type for each in self.fields for _ in range(1 if each.width is None else each.width))

    @property
    def vectors(self) -> tuple[Vector, ...]:
        """The fields whose cells are rows of numbers."""
        pairs = zip(self.fields, self.starts, strict=False)
        return tuple(Vector(each.name, first, each.width) for each, first in pairs if each.width is not None)

    def field_of(self, column: int) -> int:
        """The field that a column of the header stands in."""
        return bisect_right(self.starts, column) - 1

    def fields_of(self, columns: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """The same for many columns."""
        return np.searchsorted(np.array(self.starts), columns, side="right") - 1

    def needed(self, selection: Selection) -> list[int]:
        """The fields that a selection needs, each once, in the order of the file."""
        if not self.vectors:
            return sorted({*selection.matrix, *selection.keys})
        columns = np.fromiter((*selection.matrix, *selection.keys), np.int64)
        found: list[int] = np.unique(self.fields_of(columns)).tolist()
        return found


class Cells:
    """Some rows of some fields as Arrow arrays, about to become a block.

    ``first`` is the number of the first row, ``empty`` what is said of a null; ``rows`` tells how many rows there are
    where no field is needed.
    """

    def __init__(
        self,
        fields: Fields,
        arrays: dict[int, pa.Array],
        first: int,
        place_of: PlaceOf,
        *,
        empty: str,
        rows: int | None = None,
    ) -> None:
        self.fields, self.first, self.place_of, self.empty = fields, first, place_of, empty
        self.arrays = {field: decoded(array) for field, array in arrays.items()}
        self.rows = rows if rows is not None else len(next(iter(arrays.values()))) if arrays else 0
        self._known_lists: dict[int, Lists] = {}

    def block(self, selection: Selection) -> Block:
        """The columns of a selection. Raises :class:`InputError` for an empty cell, unless it or its row is to be
        marked."""
        if selection.cells:
            return self._cell_by_cell(selection)
        missing = self._missing(selection)
        matrix = self._matrix(selection.matrix, doubles=missing is not None)
        if missing is not None:
            # A row with an empty key has no numbers either.
            matrix = np.array(matrix)
            matrix[missing] = np.nan
        keys = tuple(self._keys(self._key_array(column), column) for column in selection.keys)
        return Block(self.first, matrix, keys, missing)

    def _cell_by_cell(self, selection: Selection) -> Block:
        """The columns of a selection with each empty cell marked for itself."""
        used = np.unique(self.fields.fields_of(np.asarray(selection.matrix, np.int64))).tolist()
        gaps = any(self.arrays[field].null_count for field in used)
        matrix = self._matrix(selection.matrix, doubles=gaps)
        arrays = [self._key_array(column) for column in selection.keys]
        keys = tuple(self._keys(array, column) for array, column in zip(arrays, selection.keys, strict=True))
        absent = tuple(_mask(array.is_null()) if array.null_count else None for array in arrays)
        return Block(self.first, matrix, keys, absent=absent if any(each is not None for each in absent) else ())

    def _missing(self, selection: Selection) -> npt.NDArray[np.bool_] | None:
        marked = np.zeros(self.rows, np.bool_)
        for field in self.fields.needed(selection):
            array, vector = self.arrays[field], self.fields.fields[field].width is not None
            nulls = _mask(array.is_null()) if array.null_count else None
            if nulls is not None and not selection.missing:
                raise self._refusal(field, int(np.argmax(nulls)), self.empty, hint=_LEAVE_OUT)
            if nulls is not None:
                marked |= nulls
            if vector and (gaps := self._lists(field).gaps()) is not None:
                row, place = gaps
                if not selection.missing:
                    message = f"number {place[0]} of the list is missing (null)"
                    raise self._refusal(field, int(row[0]), message, hint=_LEAVE_OUT)
                marked[row] = True
        return marked if marked.any() else None

    def _refusal(self, field: int, at: int, message: str, *, hint: str = "") -> InputError:
        return self.place_of(self.first + at).refusal(message, column=self.fields.fields[field].name, hint=hint)

    def _matrix(self, wanted: Sequence[int], *, doubles: bool) -> Stored:
        if len(wanted) == 0:
            return empty_matrix(self.rows)
        if not self.fields.vectors:
            return _tensor(self._alike(wanted, doubles=doubles))
        vector = self._whole_vector(wanted)
        if vector is not None:
            rows = self._rows_of(vector, doubles=doubles)
            return rows if rows.flags.c_contiguous else np.ascontiguousarray(rows)
        return self._picked(wanted)

    def _alike(self, wanted: Sequence[int], *, doubles: bool) -> list[pa.Array]:
        """Columns of one type: their own, or doubles where types are mixed or rows are to be marked as missing."""
        columns = [self._numbers(column, self.arrays[column]) for column in wanted]
        alike = len({str(column.type) for column in columns}) <= 1
        if alike and not (doubles and pa.types.is_integer(columns[0].type)):
            return columns
        return [self._doubles(column, array) for column, array in zip(wanted, columns, strict=True)]

    def _whole_vector(self, wanted: Sequence[int]) -> int | None:
        """The field whose columns are asked for, all of them and in their order."""
        field = self.fields.field_of(wanted[0])
        width, start = self.fields.fields[field].width, self.fields.starts[field]
        if width is None or len(wanted) != width:
            return None
        whole = range(start, start + width)
        return field if wanted == whole or tuple(wanted) == tuple(whole) else None

    def _picked(self, wanted: Sequence[int]) -> npt.NDArray[np.float64]:
        """Any columns, of several fields or in another order than theirs."""
        columns = np.asarray(wanted)
        fields = self.fields.fields_of(columns)
        matrix = np.empty((self.rows, len(columns)))
        for field in np.unique(fields).tolist():
            here = fields == field
            if self.fields.fields[field].width is None:
                array = self._doubles(field, self._numbers(field, self.arrays[field]))
                matrix[:, here] = _tensor([array])
            else:
                matrix[:, here] = self._rows_of(field, doubles=True)[:, columns[here] - self.fields.starts[field]]
        return matrix

    def _lists(self, field: int) -> Lists:
        if field not in self._known_lists:
            lists = Lists(self.arrays[field], self.fields.fields[field].width or 0)
            if lists.odd is not None:
                at, length = lists.odd
                message = f"holds {length} numbers; expected {lists.width} as in the first list"
                raise self._refusal(field, at, message)
            self._known_lists[field] = lists
        return self._known_lists[field]

    def _rows_of(self, field: int, *, doubles: bool) -> Stored:
        """A field of lists as a matrix; rows without a list are NaN."""
        lists = self._lists(field)
        values = self._numbers(field, lists.values, lists)
        if doubles or lists.there is not None:
            values = self._doubles(field, values, lists)
        found = _tensor([values]).reshape(-1, lists.width)
        if lists.there is None:
            return found
        rows = np.full((self.rows, lists.width), np.nan)
        rows[lists.there] = found
        return rows

    def _numbers(self, field: int, array: pa.Array, lists: Lists | None = None) -> pa.Array:
        """A column of plain numbers as such: truths as 0 and 1, decimals as the doubles next to them."""
        if pa.types.is_decimal(array.type):
            # By way of text, which is rounded once.
            found = pc.cast(pc.cast(array, pa.string()), pa.float64())
            if array.type.scale <= 0:
                self._refuse_inexact(field, found, lists, array, most=_EXACT - 1)
            return found
        if pa.types.is_boolean(array.type):
            return pc.cast(array, pa.uint8())
        if word_of(array.type) in (FLOAT, INTEGER):
            return array
        name = self.fields.fields[field].name
        raise InputError(
            f"holds {array.type}, no plain numbers", path=self.place_of(self.first).path, column=name,
            hint=f"leave the column out: --columns '!{name}'",
        )  # fmt: skip

    def _doubles(self, field: int, array: pa.Array, lists: Lists | None = None) -> pa.Array:
        """The same as doubles, where each is one."""
        if pa.types.is_integer(array.type) and array.type.bit_width == 64:
            self._refuse_inexact(field, array, lists, array)
        return pc.cast(array, pa.float64())

    def _refuse_inexact(
        self, field: int, array: pa.Array, lists: Lists | None, stored: pa.Array, *, most: int = _EXACT
    ) -> None:
        """Refuse whole numbers beyond ``most``; ``stored`` are they as the file has them."""
        low, high = (pc.min_max(array)[name].as_py() for name in ("min", "max"))
        if high is None or -most <= low <= high <= most:
            return
        at = pc.index(array, pa.scalar(high if high > most else low, array.type)).as_py()
        row = at if lists is None else lists.row_of(at)
        raise self._refusal(field, row, f"{stored[at].as_py()} is no exact double", hint="save the numbers as float64")

    def _key_array(self, column: int) -> pa.Array:
        field = self.fields.field_of(column)
        if self.fields.fields[field].width is None:
            return self.arrays[field]
        return self._lists(field).column(column - self.fields.starts[field])

    def _keys(self, array: pa.Array, column: int) -> Keys:
        try:
            array.validate(full=True)
        except pa.ArrowInvalid:
            message, path = "holds text that is no UTF-8", self.place_of(self.first).path
            name = self.fields.fields[self.fields.field_of(column)].name
            raise InputError(message, path=path, column=name) from None
        return _filled(array) if array.null_count else keys_of_arrow(array)


class Lists:
    """A column of lists of numbers, ``width`` of them each: ``values`` are those of all rows that have a list, which
    are marked in ``there`` (None: all have). ``odd`` is the first row with another number of them, and that number."""

    def __init__(self, array: pa.Array, width: int) -> None:
        self.width = width
        self.there = _mask(array.is_valid()) if array.null_count else None
        kept = array if self.there is None else array.drop_null()
        self._rows = None if self.there is None else np.flatnonzero(self.there)
        # Arrow's comparisons with a number would import pandas.
        lengths = integers_of(pc.list_value_length(kept))
        odd = np.flatnonzero(lengths != width)
        self.odd = (self._row(int(odd[0])), int(lengths[odd[0]])) if odd.size else None
        self.values = decoded(kept.flatten())

    def row_of(self, place: int) -> int:
        """The row that one of the values stands in."""
        return self._row(place // max(1, self.width))

    def gaps(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]] | None:
        """Row and place of each null inside a list; None if there are none."""
        if not self.values.null_count:
            return None
        row, place = np.divmod(np.flatnonzero(_mask(self.values.is_null())), self.width)
        return row if self._rows is None else self._rows[row], place

    def column(self, place: int) -> pa.Array:
        """The numbers at one place of all lists; null where there is no list."""
        there = np.ones(len(self.values) // self.width, np.bool_) if self.there is None else self.there
        places = np.zeros(len(there), np.int64)
        places[there] = np.arange(there.sum()) * self.width + place
        valid = pa.py_buffer(np.packbits(there, bitorder="little"))
        return self.values.take(pa.Array.from_buffers(pa.int64(), len(there), [valid, pa.py_buffer(places)]))

    def _row(self, at: int) -> int:
        return at if self._rows is None else int(self._rows[at])


def _tensor(columns: list[pa.Array]) -> Stored:
    batch = pa.RecordBatch.from_arrays(columns, names=[str(i) for i in range(len(columns))])
    return np.from_dlpack(batch.to_tensor(row_major=True, null_to_nan=True))


def _mask(array: pa.Array) -> npt.NDArray[np.bool_]:
    """Arrow's truths as NumPy's (``to_numpy`` would import pandas)."""
    return np.from_dlpack(pc.cast(array, pa.uint8())).astype(np.bool_)


def _lengths(lists: pa.Array) -> npt.NDArray[np.int64]:
    """How many numbers each list holds, none of which is null."""
    return integers_of(pc.list_value_length(lists))


def _filled(array: pa.Array) -> Keys:
    """Keys of a column with nulls, which are 0 or empty text (Arrow's own filling would import pandas)."""
    if pa.types.is_integer(array.type) and array.type != pa.uint64():
        return IntegerKeys(np.where(_mask(array.is_valid()), integers_of(array), 0))
    offsets = pa.py_buffer(np.zeros(len(array) + 1, np.int32))
    empty = pa.Array.from_buffers(pa.string(), len(array), [None, offsets, pa.py_buffer(b"")])
    return keys_of_arrow(pc.coalesce(pc.cast(array, pa.string()), empty))


def fields_of(schema: pa.Schema, length_of: Callable[[str], int]) -> Fields:
    """The fields of a schema; ``length_of`` tells how many numbers the first list of a field holds, where its type does
    not say."""
    return Fields(tuple(_field(each, length_of) for each in readable(schema)))


def _field(each: Any, length_of: Callable[[str], int]) -> Field:
    if not is_list(each.type):
        return Field(each.name, word_of(each.type))
    width = each.type.list_size if pa.types.is_fixed_size_list(each.type) else length_of(each.name)
    return Field(each.name, word_of(each.type.value_type), width) if 0 < width <= _WIDEST else Field(each.name, OTHER)


def first_width(array: pa.Array) -> int:
    """How many numbers the first list of a column holds that holds any; 0 if there is none."""
    lengths = _lengths(decoded(array).drop_null())
    filled = lengths[lengths > 0]
    return int(filled[0]) if filled.size else 0


def refuse_twins(names: Sequence[str], path: str) -> None:
    """Refuse columns of the same name: columns go by name."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise InputError(f'two columns are named "{name}"', path=path, hint="rename one; columns go by name")
        seen.add(name)

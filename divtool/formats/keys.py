"""Columns that are not numbers to compute with: ids and labels, as text or as whole numbers.

They never pass through a float: 2**53 + 1 stays what it is, and "001" is not "1".
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np
import numpy.typing as npt

from divtool.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa

Integers = npt.NDArray[np.int64]

_CLOSE = 1 << 16
_EXACT = 2.0**53


class Keys(Protocol):
    """A column of ids or labels."""

    def __len__(self) -> int: ...

    def part(self, first: int, stop: int) -> Self:
        """The rows first:stop."""

    def where(self, kept: npt.NDArray[np.bool_]) -> Self:
        """Some of the rows."""

    def text(self, row: int) -> str:
        """One entry, as it would be typed."""

    def encode(self) -> tuple[Integers, list[str]]:
        """For each row the number of its entry in a list of distinct entries, and that list."""

    def same(self, other: Keys) -> bool:
        """Whether both hold the same entries in the same order."""

    def arrow(self) -> pa.Array:
        """The entries as Arrow strings."""


class IntegerKeys:
    """Whole numbers."""

    def __init__(self, values: Integers) -> None:
        self.values = values

    def __len__(self) -> int:
        return int(self.values.size)

    def part(self, first: int, stop: int) -> IntegerKeys:
        """The rows first:stop."""
        return IntegerKeys(self.values[first:stop])

    def where(self, kept: npt.NDArray[np.bool_]) -> IntegerKeys:
        """Some of the rows."""
        return IntegerKeys(self.values[kept])

    def text(self, row: int) -> str:
        """One entry, as it would be typed."""
        return str(int(self.values[row]))

    def encode(self) -> tuple[Integers, list[str]]:
        """Distinct numbers in rising order."""
        distinct, codes = distinct_of(self.values)
        return codes, [str(value) for value in distinct.tolist()]

    def same(self, other: Keys) -> bool:
        """Numbers are compared as numbers, with text as text."""
        if isinstance(other, IntegerKeys):
            return bool(np.array_equal(self.values, other.values))
        return bool(self.arrow().equals(other.arrow()))

    def arrow(self) -> pa.Array:
        """The decimal text of each number."""
        import pyarrow as pa
        import pyarrow.compute as pc

        return pc.cast(as_arrow(self), pa.string())


class TextKeys:
    """Strings, held as Arrow does."""

    def __init__(self, values: pa.Array) -> None:
        self.values = values

    def __len__(self) -> int:
        return len(self.values)

    def part(self, first: int, stop: int) -> TextKeys:
        """The rows first:stop."""
        return TextKeys(self.values.slice(first, stop - first))

    def where(self, kept: npt.NDArray[np.bool_]) -> TextKeys:
        """Some of the rows."""
        places = as_arrow(IntegerKeys(np.flatnonzero(kept)))
        return TextKeys(self.values.take(places))

    def text(self, row: int) -> str:
        """One entry."""
        return str(self.values[row].as_py())

    def encode(self) -> tuple[Integers, list[str]]:
        """Distinct strings in the order of their first appearance."""
        coded = self.values.dictionary_encode()
        return integers_of(coded.indices), coded.dictionary.to_pylist()

    def same(self, other: Keys) -> bool:
        """The same strings in the same order."""
        return bool(self.values.equals(other.arrow()))

    def arrow(self) -> pa.Array:
        """The strings."""
        return self.values


def distinct_of(values: Integers) -> tuple[Integers, Integers]:
    """The distinct whole numbers in rising order, and for each row its place among them.

    >>> [each.tolist() for each in distinct_of(np.array([7, 3, 7]))]
    [[3, 7], [1, 0, 1]]
    """
    low, high = (int(values.min()), int(values.max())) if values.size else (0, 0)
    if high - low > _CLOSE:
        distinct, codes = np.unique(values, return_inverse=True)
        return distinct, codes.astype(np.int64, copy=False)
    # No sorting: numbers that lie close to each other are places in a list.
    places = values - low
    there = np.bincount(places, minlength=1) > 0
    distinct = np.flatnonzero(there)[: values.size]
    if len(distinct) == high - low + 1:
        return distinct + low, places
    return distinct + low, (np.cumsum(there) - 1)[places]


def integers_of(array: pa.Array) -> Integers:
    """An Arrow array of integers without nulls as int64 (without pandas, which ``to_numpy`` imports)."""
    width = array.type.bit_width // 8
    kind = "i" if str(array.type).startswith("int") else "u"
    data = np.frombuffer(array.buffers()[1], dtype=f"{kind}{width}", count=array.offset + len(array))
    return data[array.offset :].astype(np.int64, copy=False)


def whole_numbers(keys: Keys) -> Integers | None:
    """Text that is whole numbers, as digits up to 64 bits or as doubles that hold them exactly (7.0, 7e3), at the speed
    of Arrow; None where some of it is not, or has to be looked at more closely."""
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = keys.arrow()
    # Arrow reads 0x10 as well.
    if pc.any(pc.match_substring(texts, "x", ignore_case=True)).as_py():
        return None
    with suppress(pa.ArrowInvalid):
        return integers_of(pc.cast(texts, pa.int64()))
    with suppress(pa.ArrowInvalid):
        doubles = np.from_dlpack(pc.cast(texts, pa.float64()))
        if ((np.abs(doubles) < _EXACT) & (doubles == np.floor(doubles))).all():
            return doubles.astype(np.int64)
    return None


def empty_texts(keys: Keys) -> npt.NDArray[np.bool_] | None:
    """The rows (n,) with an empty text, None where there are none; whole numbers are never empty."""
    if isinstance(keys, IntegerKeys) or not len(keys):
        return None
    texts = keys.arrow()
    ends = np.frombuffer(texts.buffers()[1], np.int32)[texts.offset : texts.offset + len(texts) + 1]
    empty = ends[1:] == ends[:-1]
    return empty if empty.any() else None


def text_keys(texts: Sequence[str]) -> TextKeys:
    """Keys from Python strings."""
    import pyarrow as pa

    # ``pa.array`` would import pandas.
    pieces = [text.encode() for text in texts]
    ends = np.cumsum([0, *map(len, pieces)], dtype=np.int64)
    if ends[-1] >= 1 << 31:
        raise InputError(f"{len(pieces):,} texts at once have {ends[-1]:,} bytes; expected less than 2 GiB")
    buffers = [None, pa.py_buffer(ends.astype(np.int32)), pa.py_buffer(b"".join(pieces))]
    return TextKeys(pa.Array.from_buffers(pa.string(), len(pieces), buffers))


def as_arrow(keys: Keys) -> pa.Array:
    """The column as Arrow holds it: integers as integers, text as text (``pa.array`` would import pandas)."""
    if not isinstance(keys, IntegerKeys):
        return keys.arrow()
    import pyarrow as pa

    data = pa.py_buffer(np.ascontiguousarray(keys.values))
    return pa.Array.from_buffers(pa.int64(), len(keys), [None, data])


def keys_of_arrow(column: Any) -> Keys:
    """An Arrow column without nulls, of integers, strings, booleans or a dictionary of them."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_integer(column.type) and column.type != pa.uint64():
        return IntegerKeys(integers_of(column))
    return TextKeys(pc.cast(column, pa.string()))

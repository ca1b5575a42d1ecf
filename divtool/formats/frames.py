"""What pandas holds as an Arrow table: its index becomes columns, and what Arrow has no plain type for becomes text."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from numbers import Number
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from divtool.errors import InputError
from divtool.formats.arrow_types import is_list, word_of
from divtool.formats.source import OTHER

# Known by their names: pandas is loaded by those who have it, never by us.
_WRITTEN = {"IntervalDtype", "PeriodDtype"}
_WRITTEN_VALUES = {"Interval", "Period", "Timestamp"}
# What pandas calls an index without a name once it is a column.
UNNAMED = "index"


@dataclass(frozen=True)
class Frame:
    """A data frame as a table. ``index`` are the columns that were its index; ``renumbered`` and ``counted`` are those
    of a :class:`~divtool.formats.source.Header`."""

    table: pa.Table
    index: tuple[str, ...] = ()
    renumbered: str | None = None
    counted: range | None = None


def holds_columns(thing: Any) -> bool:
    """Whether something of pandas is a table or a row of values, not one value, a grouping or an index of tuples."""
    return type(thing).__name__ in ("DataFrame", "Series") or (
        hasattr(thing, "dtype") and hasattr(thing, "isna") and getattr(thing, "nlevels", 1) == 1
    )


def frame_of(thing: Any, name: str) -> Frame:
    """A pandas DataFrame, Series or array as a table; ``name`` is what messages call it.

    An index that says more than the place of a row names the rows, as it does in pandas: each of its levels becomes a
    column. A Series without a name is the column ``values``. Raises :class:`InputError` for a column that Arrow cannot
    hold, or that would be there twice.
    """
    if type(thing).__name__ not in ("DataFrame", "Series"):
        thing = sys.modules["pandas"].Series(thing)
    frame = thing.to_frame(name=thing.name or "values") if type(thing).__name__ == "Series" else thing
    frame = frame.set_axis([_title(each) for each in frame.columns], axis=1)
    counted = _counted(frame.index)
    if counted is not None:
        return Frame(_table(frame, name), counted=counted)
    index, numbers = _levels(frame.index), _numbers(frame.index)
    table = _table(frame.reset_index(names=list(index), allow_duplicates=True), name)
    if numbers is None:
        return Frame(table, index)
    in_order = bool((numbers[1:] > numbers[:-1]).all())
    return Frame(table, index, UNNAMED, range(len(numbers)) if in_order else None)


def with_index(frame: Frame) -> Frame:
    """The same with the numbers of its rows as a column, where they were none."""
    if frame.counted is None or UNNAMED in frame.table.column_names:
        return frame
    numbers = pa.array(np.arange(frame.counted.start, frame.counted.stop, frame.counted.step, dtype=np.int64))
    return Frame(frame.table.add_column(0, UNNAMED, numbers), (UNNAMED,))


def _title(name: Any) -> str:
    """The name of a column; of one with several levels, those."""
    return str(tuple(map(str, name))) if isinstance(name, tuple) else str(name)


def _levels(index: Any) -> tuple[str, ...]:
    """The names of the columns that become of an index."""
    if index.nlevels == 1:
        return (_title(UNNAMED if index.name is None else index.name),)
    return tuple(f"level_{i}" if each is None else _title(each) for i, each in enumerate(index.names))


def _counted(index: Any) -> range | None:
    """The numbers of an index that nobody made: it has no name, and counts the rows upwards."""
    if index.nlevels != 1 or index.name is not None or type(index).__name__ != "RangeIndex" or index.step < 1:
        return None
    return range(index.start, index.stop, index.step)


def _numbers(index: Any) -> npt.NDArray[np.integer[Any]] | None:
    """An index without a name that holds the numbers of the rows, 0 to n-1, in any order; None for any other."""
    if index.nlevels != 1 or index.name is not None:
        return None
    values = np.asarray(index)
    holds = values.dtype.kind in "iu" and np.array_equal(np.sort(values), np.arange(len(values)))
    return values if holds else None


def _table(frame: Any, name: str) -> pa.Table:
    frame = frame.copy(deep=False)
    for place, dtype in enumerate(frame.dtypes):
        own = getattr(getattr(dtype, "categories", None), "dtype", dtype)
        if type(own).__name__ in _WRITTEN or (own is not dtype and own.kind == "O"):
            _write(frame, place, name)
    try:
        table = pa.Table.from_pandas(frame, preserve_index=False)
    except (ValueError, TypeError, pa.ArrowException):
        table = _column_by_column(frame, name)
    for each in table.schema:
        if isinstance(each.type, pa.BaseExtensionType) and word_of(each.type) == OTHER and not is_list(each.type):
            raise _unreadable(f"holds {each.type}", name, each.name)
    return table.replace_schema_metadata(None)


def _column_by_column(frame: Any, name: str) -> pa.Table:
    """A frame of which some columns hold objects of several types, or some name is there twice."""
    arrays = []
    for place, title in enumerate(frame.columns):
        try:
            array = pa.Array.from_pandas(frame.iloc[:, place])
        except (ValueError, TypeError, pa.ArrowException) as error:
            if frame.dtypes.iloc[place].kind != "O":
                raise _unreadable(f"cannot be read: {error}", name, title) from None
            _write(frame, place, name)
            array = pa.Array.from_pandas(frame.iloc[:, place])
        arrays.append(array)
    return pa.Table.from_arrays(arrays, names=list(frame.columns))


def _write(frame: Any, place: int, name: str) -> None:
    """Make the entries of a column text: texts, numbers, and what pandas writes as such; what is missing stays so."""
    column = frame.iloc[:, place]
    # Categories are few; -1 stands for none, and is the last of these.
    few = type(column.dtype).__name__ == "CategoricalDtype"
    values = np.asarray(column.cat.categories if few else column, object)
    absent = np.zeros(len(values), bool) if few else np.asarray(column.isna(), bool)
    for value in values[~absent]:
        if not (isinstance(value, str | Number) or type(value).__name__ in _WRITTEN_VALUES):
            raise _unreadable(f"holds {type(value).__name__} among other things", name, frame.columns[place])
    texts = [None if gone else str(value) for value, gone in zip(values, absent, strict=True)]
    written = np.array([*texts, None], object)
    frame.isetitem(place, written[np.asarray(column.cat.codes)] if few else written[:-1])


def _unreadable(what: str, path: str, column: str) -> InputError:
    return InputError(
        f"{what}; expected numbers, or text", path=path, column=column,
        hint=f'make it text (.astype(str)), or leave it out: .drop(columns="{column}")',
    )  # fmt: skip

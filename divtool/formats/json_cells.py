"""Python's values as Arrow columns: numbers as the nearest doubles, text as it is, null as null."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from divtool.errors import InputError
from divtool.formats.first_line import NUMBER
from divtool.formats.json_shape import unwrapped

# Makes the error that speaks of a row, counted from the first of the column.
Refuse = Callable[[int, str], InputError]
Valid = npt.NDArray[np.bool_]

_SHOWN = 60
_MISSING = (None, "")


def numbers_of(cells: Sequence[Any], refuse: Refuse) -> pa.Array:
    """Numbers, and texts of numbers, as doubles. Raises what ``refuse`` makes for any other value."""
    return _doubles(*_parsed(cells, refuse))


def _parsed(cells: Sequence[Any], refuse: Refuse) -> tuple[npt.NDArray[np.float64], Valid | None]:
    if set(map(type, cells)) <= {float}:
        return np.array(cells, np.float64), None
    values = [_double(cell, row, refuse) for row, cell in enumerate(cells)]
    valid = np.array([cell not in _MISSING if isinstance(cell, str | None) else True for cell in cells], np.bool_)
    return np.array(values, np.float64), valid if not valid.all() else None


def _double(cell: Any, row: int, refuse: Refuse) -> float:
    if isinstance(cell, float):
        return cell
    if cell in _MISSING:
        return math.nan
    if isinstance(cell, bool) or not isinstance(cell, int | str):
        raise refuse(row, f"{_as_written(cell)} is not a number")
    if isinstance(cell, str) and not NUMBER.fullmatch(cell):
        raise refuse(row, f'"{_short(cell)}" is not a number')
    try:
        value = float(cell)
    except OverflowError:
        value = math.inf
    if math.isinf(value) and (isinstance(cell, int) or "inf" not in cell.lower()):
        raise refuse(row, f'"{_short(str(cell))}" is too large for a double')
    return value


def _as_written(cell: Any) -> str:
    words = {True: "true", False: "false"}
    if isinstance(cell, bool):
        return words[cell]
    return "a list" if isinstance(cell, list) else "an object"


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."


def _doubles(values: npt.NDArray[np.float64], valid: Valid | None) -> pa.Array:
    return pa.Array.from_buffers(pa.float64(), len(values), [_bits(valid), pa.py_buffer(values)])


def _bits(valid: Valid | None) -> pa.Buffer | None:
    return None if valid is None else pa.py_buffer(np.packbits(valid, bitorder="little"))


def texts_of(cells: Sequence[Any], refuse: Refuse, *, empty_is_missing: bool) -> pa.Array:
    """Ids and labels as text: whole numbers with all their digits, truths as JSON writes them."""
    encoded = [_text(cell, row, refuse) for row, cell in enumerate(cells)]
    offsets = np.zeros(len(cells) + 1, np.int32)
    np.cumsum([len(each) for each in encoded], out=offsets[1:])
    missing = _MISSING if empty_is_missing else (None,)
    valid = np.array([cell not in missing for cell in cells], np.bool_)
    buffers = [_bits(valid if not valid.all() else None), pa.py_buffer(offsets), pa.py_buffer(b"".join(encoded))]
    return pa.Array.from_buffers(pa.string(), len(cells), buffers)


def _text(cell: Any, row: int, refuse: Refuse) -> bytes:
    if isinstance(cell, bool):
        return b"true" if cell else b"false"
    if cell is None:
        return b""
    if not isinstance(cell, str | int | float):
        raise refuse(row, f"{_as_written(cell)} is neither text nor a number")
    try:
        return (cell if isinstance(cell, str) else str(cell)).encode("utf-8")
    except UnicodeEncodeError:
        raise refuse(row, "the text holds half a character (a lone surrogate)") from None


def lists_of(cells: Sequence[Any], place: int | None, refuse: Refuse) -> pa.Array:
    """Lists of numbers; of lists of lists the number that stands at a ``place`` of each."""
    lists = [_list(cell, row, place, refuse) for row, cell in enumerate(cells)]
    offsets = np.zeros(len(cells) + 1, np.int32)
    np.cumsum([len(each) for each in lists], out=offsets[1:])

    def of_row(at: int, message: str) -> InputError:
        return refuse(int(np.searchsorted(offsets, at, side="right")) - 1, message)

    values = numbers_of(list(chain.from_iterable(lists)), of_row)
    valid = np.array([cell is not None for cell in cells], np.bool_)
    buffers = [_bits(valid if not valid.all() else None), pa.py_buffer(offsets)]
    return pa.Array.from_buffers(pa.list_(pa.float64()), len(cells), buffers, children=[values])


def _list(cell: Any, row: int, place: int | None, refuse: Refuse) -> list[Any]:
    if cell is None:
        return []
    if not isinstance(cell, list):
        raise refuse(row, "is no list; expected a list of numbers as in the first rows")
    inner = unwrapped(cell)
    if place is None:
        return inner
    if not all(isinstance(each, list) and len(each) > place for each in inner):
        raise refuse(row, "is no list of lists with a number each, as in the first rows")
    return [each[place] for each in inner]

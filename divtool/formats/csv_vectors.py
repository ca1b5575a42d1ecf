"""Cells that hold a row of numbers in brackets: ``[0.1, 0.9]``, ``(0.1 0.9)``, and what NumPy prints over several
lines."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from divtool.formats.csv_cells import NUMBER_PATTERN, Refuse, first_true, said_odd, shortened
from divtool.formats.keys import integers_of

ELIDED = re.compile(r"\.\.\.|…")
WORDED = re.compile(r"^\s*(np\.|torch\.)?(array|tensor|Tensor|ndarray)\(")
_WAY_OUT = "save the array itself: np.save('array.npy', np.stack(column))"


def pieces_of(cell: str) -> list[str]:
    """The numbers of one cell, still as text."""
    inner = cell.strip()[1:-1]
    return [piece.strip() for piece in inner.split(",")] if "," in inner else inner.split()


def lists_of(texts: pa.Array, first: int, field: int, refuse: Refuse) -> pa.Array:
    """A column of such cells as lists of doubles, each the nearest to its text; an empty cell stays one.

    ``first`` is the number of the first row. Raises :class:`InputError` for the first cell that is no row of numbers.
    """
    trimmed = pc.utf8_trim_whitespace(texts)
    _refuse_other(trimmed, first, field, refuse)
    inner = pc.utf8_trim_whitespace(pc.utf8_slice_codeunits(trimmed, 1, -1))
    at = first_true(pc.match_substring_regex(inner, "^$"))
    if at is not None:
        raise refuse(first + at, field, "the list is empty; expected as many numbers as in the first row", "")
    pieces = _split(inner, first, field, refuse)
    values = _doubles(pieces, first, field, refuse)
    validity, offsets = pieces.buffers()[:2]
    return pa.Array.from_buffers(
        pa.list_(pa.float64()), len(pieces), [validity, offsets], offset=pieces.offset, children=[values]
    )


def _refuse_other(cells: pa.Array, first: int, field: int, refuse: Refuse) -> None:
    bracketed = pc.or_(
        pc.and_(pc.starts_with(cells, "["), pc.ends_with(cells, "]")),
        pc.and_(pc.starts_with(cells, "("), pc.ends_with(cells, ")")),
    )
    at = first_true(pc.invert(bracketed))
    if at is not None:
        hint = _WAY_OUT if WORDED.match(cells[at].as_py()) else "expected [0.1, 0.9] or [0.1 0.9]"
        raise refuse(first + at, field, f'"{shortened(cells[at].as_py())}" is no row of numbers in brackets', hint)
    at = first_true(pc.or_(pc.match_substring(cells, "..."), pc.match_substring(cells, "…")))
    if at is not None:
        raise refuse(first + at, field, "numbers are left out (...); expected all numbers of the row", _WAY_OUT)


def _split(inner: pa.Array, first: int, field: int, refuse: Refuse) -> pa.Array:
    """The cells cut at commas or at white space, all of them in the same way."""
    commas = pc.match_substring(inner, ",")
    if not pc.any(commas).as_py():
        return pc.ascii_split_whitespace(inner)
    at = first_true(pc.and_(pc.invert(commas), pc.match_substring_regex(inner, r"\s")))
    if at is not None:
        raise refuse(first + at, field, "the numbers stand without commas, those of other rows with them", "")
    return pc.split_pattern(inner, ",")


def _doubles(pieces: pa.Array, first: int, field: int, refuse: Refuse) -> pa.Array:
    texts = pc.ascii_trim_whitespace(pieces.values)
    try:
        values = pc.cast(texts, pa.float64())
        wrong = said_odd(values, texts)
    except pa.ArrowInvalid:
        wrong = pc.invert(pc.match_substring_regex(texts, NUMBER_PATTERN, ignore_case=True))
    at = first_true(wrong)
    if at is None:
        return values
    row = int(np.searchsorted(integers_of(pieces.offsets), at, side="right")) - 1
    text = texts[at].as_py()
    what = f'"{shortened(text)}" is not a number' if text else "a number is missing between commas"
    if re.fullmatch(NUMBER_PATTERN, text, re.ASCII) and "nan" not in text.lower():
        what = f'"{shortened(text)}" is too large for a double'
    raise refuse(first + row, field, what, "")

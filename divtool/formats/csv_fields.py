"""What the fields of a text table hold, by its first rows: numbers, text, or rows of numbers. Only a first impression:
what contradicts it is refused where it stands."""

from __future__ import annotations

import csv
import io

from divtool.errors import InputError
from divtool.formats.csv_cells import MISSING
from divtool.formats.csv_vectors import ELIDED, WORDED, pieces_of
from divtool.formats.dialect import Dialect
from divtool.formats.fields import Field, Fields
from divtool.formats.first_line import DECIMAL_COMMA, NUMBER, VECTOR, WHOLE, decimal_commas
from divtool.formats.source import FLOAT, INTEGER, TEXT


def guess_fields(lines: bytes, dialect: Dialect, shown: str) -> Fields:
    """The fields by some whole lines, the first of the table.

    Raises :class:`InputError` for decimal commas, and where all that could be numbers was left out by who wrote it.
    """
    width = dialect.width - dialect.trailing
    names = dialect.names or [str(i) for i in range(width)]
    rows = _rows_of(dialect.tidied(lines), dialect.delimiter)
    if any(len(row) != dialect.width for row in rows):
        # What cannot be parsed is refused, with its place, when it is read.
        return Fields(tuple(Field(name, FLOAT) for name in names))
    columns = [[cell for cell in column if cell] for column in list(zip(*rows, strict=True))[:width]]
    columns = columns or [[] for _ in range(width)]
    fields = tuple(_guess_field(name, filled) for name, filled in zip(names, columns, strict=True))
    if not any(field.type == FLOAT for field in fields):
        _refuse_decimal_commas(columns, shown, dialect.delimiter)
        _refuse_left_out(names, columns, shown)
    return Fields(fields)


def _rows_of(data: bytes, delimiter: str) -> list[list[str]]:
    """The cells of some lines. Not by Arrow's parser, which keeps several kilobytes for each column it has parsed."""
    try:
        # A cell may hold a row of numbers, and is then longer than Python's parser expects of one.
        csv.field_size_limit(max(csv.field_size_limit(), len(data)))
        return list(csv.reader(io.StringIO(data.decode("utf-8", "replace"), newline=""), delimiter=delimiter))
    except csv.Error:
        return [[]]


def _guess_field(name: str, filled: list[str]) -> Field:
    """Mostly numbers is numbers: the odd text among them is then refused where it stands, not its column left out."""
    vectors = [cell for cell in filled if VECTOR.fullmatch(cell)]
    if 2 * len(vectors) > len(filled) and not ELIDED.search(vectors[0]):
        pieces = pieces_of(vectors[0])
        return Field(name, INTEGER if all(WHOLE.fullmatch(piece) for piece in pieces) else FLOAT, len(pieces))
    filled = [cell for cell in filled if cell.strip().lower() not in MISSING] or filled
    numbers = sum(NUMBER.fullmatch(cell) is not None for cell in filled)
    if 2 * numbers < len(filled):
        return Field(name, TEXT)
    return Field(name, INTEGER if filled and all(WHOLE.fullmatch(cell) for cell in filled) else FLOAT)


def _refuse_decimal_commas(columns: list[list[str]], shown: str, delimiter: str) -> None:
    for cells in columns:
        if cells and 2 * sum(DECIMAL_COMMA.fullmatch(cell) is not None for cell in cells) > len(cells):
            raise decimal_commas(shown, delimiter)


def _refuse_left_out(names: list[str] | tuple[str, ...], columns: list[list[str]], shown: str) -> None:
    for name, cells in zip(names, columns, strict=True):
        found = next((way for way in (ELIDED, WORDED) if cells and way.search(cells[0])), None)
        if found is not None and (found is WORDED or VECTOR.fullmatch(cells[0])):
            what = "numbers are left out (...)" if found is ELIDED else "arrays are written as Python prints them"
            raise InputError(
                f"{what}; expected all numbers of a row", path=shown, column=name,
                hint="save the array itself: np.save('array.npy', np.stack(column))",
            )  # fmt: skip

"""Slices of a text table parsed by Arrow, more strictly than Arrow does, and its complaints as errors of ours."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv

from divtool.errors import InputError
from divtool.formats.dialect import Dialect
from divtool.formats.first_line import DECIMAL_COMMA
from divtool.formats.lines import record_places

# RE2 and Python read it alike.
NUMBER_PATTERN = r"^[+-]?([0-9]+\.?[0-9]*([eE][+-]?[0-9]+)?|\.[0-9]+([eE][+-]?[0-9]+)?|inf|infinity|nan)$"
_SAID = r"^\s*[+-]?(inf|infinity|nan)\s*$"
_BAD_CELL = re.compile(r"In CSV column #(\d+): (?:Row #(\d+): )?CSV conversion error to \w+: (.*)", re.DOTALL)
_BAD_WIDTH = re.compile(r"CSV parse error: (?:Row #(\d+): )?Expected (\d+) columns, got (\d+)")
# What people write where they have no number.
MISSING = {"na", "n/a", "#n/a", "<na>", "nil", "null", "none", "missing", "-", "--", "?", "."}
_SHOWN = 60
# Stands in hints for an option's value that leaves the cell's own column out.
EXCEPT_IT = "!NAME"


class Refuse(Protocol):
    """Makes the error that speaks of a row, and of a field of it."""

    def __call__(self, row: int, field: int | None, message: str, hint: str) -> InputError: ...


def parse(
    data: bytes, dialect: Dialect, used: Sequence[int], numbers: set[int], quoted: bool, first: int, refuse: Refuse
) -> pa.RecordBatch:
    """Some fields of some whole lines, tidied: ``numbers`` as doubles, the others as text, empty cells as nulls.

    ``first`` is the number of the first row. Raises :class:`InputError` for the cell or row that Arrow refuses.
    """
    try:
        table = arrow_csv.read_csv(
            pa.BufferReader(data),
            read_options=_reading(dialect.width, len(data)),
            parse_options=_parsing(dialect, quoted=quoted),
            convert_options=_conversion(tuple(used), frozenset(numbers)),
        )
    except pa.ArrowInvalid as error:
        raise _explained(str(error), first, refuse) from None
    except pa.ArrowMemoryError as error:
        raise MemoryError(str(error)) from None
    batches = table.to_batches()
    if len(batches) == 1:
        return batches[0]
    joined = table.combine_chunks().to_batches()
    return joined[0] if joined else pa.RecordBatch.from_arrays(
        [pa.nulls(0, field.type) for field in table.schema], schema=table.schema
    )  # fmt: skip


def as_texts(data: bytes, dialect: Dialect, used: Iterable[int], *, quoted: bool) -> pa.Table:
    """Some fields of some whole lines, tidied, with every cell as it is written."""
    names = [str(i) for i in used]
    return arrow_csv.read_csv(
        pa.BufferReader(data),
        read_options=_reading(dialect.width, len(data)),
        parse_options=_parsing(dialect, quoted=quoted),
        convert_options=arrow_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), include_columns=names),
    )


def _reading(width: int, size: int) -> arrow_csv.ReadOptions:
    return arrow_csv.ReadOptions(column_names=_names(width), use_threads=False, block_size=size + 64)


def _parsing(dialect: Dialect, *, quoted: bool) -> arrow_csv.ParseOptions:
    return arrow_csv.ParseOptions(delimiter=dialect.delimiter, ignore_empty_lines=False, newlines_in_values=quoted)


@lru_cache(maxsize=8)
def _names(width: int) -> list[str]:
    return [str(i) for i in range(width)]


@lru_cache(maxsize=8)
def _conversion(used: tuple[int, ...], numbers: frozenset[int]) -> arrow_csv.ConvertOptions:
    types = {str(i): pa.float64() if i in numbers else pa.string() for i in used}
    return arrow_csv.ConvertOptions(
        column_types=types, include_columns=list(types), null_values=[""], strings_can_be_null=True
    )


def _explained(message: str, first: int, refuse: Refuse) -> InputError:
    cell, width = _BAD_CELL.search(message), _BAD_WIDTH.search(message)
    if cell:
        row, field = first + (int(cell[2]) - 1 if cell[2] else 0), int(cell[1])
        if "invalid UTF8" in cell[3]:
            return refuse(row, None, "the text is no UTF-8", "Latin-1 text? iconv -f LATIN1 -t UTF-8 FILE > NEW")
        text = cell[3].removeprefix("invalid value '").removesuffix("'")
        return refuse(row, field, f'"{shortened(text)}" is not a number', _way_out(text))
    if width:
        row = first + (int(width[1]) - 1 if width[1] else 0)
        return refuse(
            row, None, f"has {width[3]} cell{'' if width[3] == '1' else 's'}; expected {width[2]} as in the first line",
            "a cell that holds the delimiter must stand in quotation marks",
        )  # fmt: skip
    return refuse(first, None, f"cannot be read as a table: {message}", "")


def _way_out(text: str) -> str:
    word = text.strip().lower()
    if word in MISSING:
        return "a missing value is an empty cell (pandas: read_csv(FILE).to_csv(NEW, index=False)); --missing drop then"
    if DECIMAL_COMMA.fullmatch(text):
        return "expected a decimal point, and no separators of thousands"
    return f"correct the cell; or, if it is no class column, leave it out: --columns {EXCEPT_IT}"


def shortened(text: str) -> str:
    """A text as a message may hold it."""
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."


def first_true(marks: pa.Array) -> int | None:
    """The place of the first truth, if there is one (``pc.index`` would import pandas)."""
    found = truths(marks)
    return int(np.argmax(found)) if found.any() else None


def truths(marks: pa.Array) -> npt.NDArray[np.bool_]:
    """Arrow's truths as NumPy's; null is none."""
    validity, bits = (
        None if each is None else np.unpackbits(np.frombuffer(each, np.uint8), bitorder="little")
        for each in marks.buffers()
    )
    rows = slice(marks.offset, marks.offset + len(marks))
    found = np.zeros(len(marks), np.uint8) if bits is None else bits[rows]
    return (found if validity is None else found & validity[rows]).astype(np.bool_)


def without_nulls(texts: pa.Array) -> pa.Array:
    """Text with nothing in place of nulls (``pc.fill_null`` would import pandas)."""
    if not texts.null_count:
        return texts
    offsets = pa.py_buffer(np.zeros(len(texts) + 1, np.int32))
    return pc.coalesce(texts, pa.Array.from_buffers(pa.string(), len(texts), [None, offsets, pa.py_buffer(b"")]))


def said_odd(values: pa.Array, texts: pa.Array) -> pa.Array:
    """Where doubles are no finite numbers though their texts do not say so: Arrow reads 1e999 as infinity, and more
    than ``nan`` as NaN."""
    odd = pc.invert(pc.is_finite(values))
    if not pc.any(odd).as_py():
        return odd
    return pc.and_(odd, pc.invert(pc.match_substring_regex(texts, _SAID, ignore_case=True)))


def refuse_odd_numbers(
    arrays: dict[int, pa.Array], numbers: set[int], data: bytes, dialect: Dialect, quoted: bool, first: int,
    refuse: Refuse,
) -> None:  # fmt: skip
    """Raise :class:`InputError` for the first cell whose number is not finite though its text does not say so."""
    odd = [field for field in sorted(numbers) if not pc.all(pc.is_finite(arrays[field])).as_py()]
    texts = as_texts(data, dialect, odd, quoted=quoted).combine_chunks() if odd else None
    for place, field in enumerate(odd):
        assert texts is not None
        written = texts.column(place).chunk(0)
        at = first_true(said_odd(arrays[field], written))
        if at is not None:
            text = written[at].as_py()
            what = "is not a number" if "nan" in text.lower() else "is too large for a double"
            raise refuse(first + at, field, f'"{shortened(text)}" {what}', "")


def stray_quotation(data: bytes, delimiter: str, *, spanning: bool) -> int | None:
    """The first record with a quotation mark that neither opens nor closes a cell; ``spanning``: among those that go
    over several lines."""
    newlines, ends = record_places(data)
    ends = np.append(ends, len(data))
    text = np.frombuffer(data + b"\n", np.uint8)
    quotes = np.flatnonzero(text == ord('"'))
    closing = np.arange(quotes.size) % 2 == 1
    before = np.where(quotes == 0, ord("\n"), text[quotes - 1])
    near = np.where(closing, text[quotes + 1], before)
    odd = quotes[~np.isin(near, [ord(delimiter), *b'\n\r"'])]
    records = np.searchsorted(ends, odd)
    if spanning:
        lines = np.searchsorted(newlines, ends) - np.searchsorted(newlines, np.append(0, ends[:-1] + 1))
        records = records[lines[records] > 0]
    return int(records[0]) if records.size else None

"""How a text table is written: its delimiter, whether it has a header, and what the header says. A pure decision."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.csv as arrow_csv

from divtool.errors import InputError, UsageError

NUMBER = re.compile(
    r"\s*[+-]?(\d+\.?\d*([eE][+-]?\d+)?|\.\d+([eE][+-]?\d+)?|inf|infinity|nan)\s*", re.ASCII | re.IGNORECASE
)
WHOLE = re.compile(r"[+-]?\d+", re.ASCII)
_DELIMITERS = (",", "\t", ";", "|")


@dataclass(frozen=True)
class Dialect:
    """``start`` is the byte at which the first row begins, ``first_line`` its line number."""

    delimiter: str
    names: tuple[str, ...] | None
    width: int
    start: int
    first_line: int


def decide_dialect(head: bytes, path: str, *, delimiter: str | None, no_header: bool) -> Dialect:
    """Read the beginning of a file (up to its first few records).

    Raises :class:`InputError` for an empty file, another encoding than UTF-8, or columns of the same name.
    """
    bom = 3 if head.startswith(b"\xef\xbb\xbf") else 0
    if head[bom : bom + 64].lstrip()[:1] in (b"{", b"["):
        raise InputError("holds JSON, which is written but not read; expected CSV, TSV, Parquet or NPY", path=path)
    text, sizes = _records(head[bom:], path)
    if text and not text[0]:
        raise InputError("the first line is blank; expected the names of the columns", path=path, line=1)
    if not text:
        raise InputError("the file is empty", path=path, hint="expected a header line and a row for each example")
    mark = delimiter or _guess_delimiter(text[0])
    if len(mark) != 1 or not mark.isascii():
        raise UsageError(f'--delimiter "{mark}": expected one character of ASCII (\\t for a tab)')
    rows = [_cells(record, mark, path) for record in text if record]
    if no_header or _is_data(rows):
        return Dialect(mark, None, len(rows[0]), bom, 1)
    _refuse_twins(rows[0], path)
    lines = text[0].count("\n") + 2
    return Dialect(mark, tuple(name.strip() for name in rows[0]), len(rows[0]), bom + sizes[0], lines)


def _records(head: bytes, path: str) -> tuple[list[str], list[int]]:
    """The first records as text without their line ends, and their sizes in bytes with them."""
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise InputError("is UTF-16 text; expected UTF-8", path=path, hint="iconv -f UTF-16 -t UTF-8 FILE > NEW")
    records: list[str] = []
    sizes: list[int] = []
    begin, odd = 0, False
    while begin < len(head) and len(records) < 3:
        end = begin
        while True:
            newline = head.find(b"\n", end)
            piece = head[end : newline + 1 if newline >= 0 else len(head)]
            odd ^= piece.count(b'"') % 2 == 1
            end += len(piece)
            if newline < 0 or not odd:
                break
        records.append(_decoded(head[begin:end], path, len(records)).rstrip("\r\n"))
        sizes.append(end - begin)
        begin, odd = end, False
    return ([] if not any(records) else records), sizes


def _decoded(record: bytes, path: str, number: int) -> str:
    try:
        return record.decode("utf-8")
    except UnicodeDecodeError:
        if number > 0:
            return record.decode("utf-8", "replace")
        raise InputError("is no UTF-8 text", path=path, line=1, hint="is it another kind of file?") from None


def _guess_delimiter(first: str) -> str:
    bare = re.sub(r'"[^"]*"', "", first)
    if any(mark in bare for mark in _DELIMITERS):
        return max(_DELIMITERS, key=bare.count)
    return " " if " " in bare and all(NUMBER.fullmatch(piece) for piece in bare.split(" ")) else ","


def _cells(record: str, delimiter: str, path: str) -> list[str]:
    """The cells of one record, by the parser that will read the rest."""
    data = record.encode("utf-8", "replace") + b"\n"
    try:
        table = arrow_csv.read_csv(
            pa.BufferReader(data),
            read_options=arrow_csv.ReadOptions(use_threads=False, block_size=len(data) + 64),
            parse_options=arrow_csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
        )
    except pa.ArrowInvalid:
        table = None
    if table is None or table.num_rows:
        raise InputError(
            "cannot be read as a text table: its lines do not end as lines do", path=path,
            hint="expected UTF-8 text whose lines end in \\n or \\r\\n; is it another kind of file?",
        )  # fmt: skip
    names: list[str] = table.column_names
    return names


def _is_data(rows: list[list[str]]) -> bool:
    """Whether the first record is a row of data: all numbers, unless they merely count the columns."""
    first = rows[0]
    if not all(NUMBER.fullmatch(cell) for cell in first):
        # A row of text under no header (a bare list of names) cannot be told from a header, so it is one.
        return False
    distinct_whole = len(first) > 1 and all(WHOLE.fullmatch(cell) for cell in first) and len(set(first)) == len(first)
    if not distinct_whole or not rows[1:]:
        return True
    # Whole numbers over other numbers are names of classes (pandas writes columns 1, 2, 3 so); over whole numbers only
    # a plain count is.
    below = rows[1]
    counts = first == [str(i) for i in range(len(first))] and below != first
    return not counts and all(WHOLE.fullmatch(cell) for cell in below)


def _refuse_twins(names: list[str], path: str) -> None:
    seen: set[str] = set()
    for name in names:
        if name.strip() in seen:
            raise InputError(
                f'two columns are named "{name.strip()}"', path=path, line=1, hint="rename one; columns go by name"
            )
        seen.add(name.strip())

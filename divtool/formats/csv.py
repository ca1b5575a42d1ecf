"""CSV and TSV: the file is cut at newlines into slices, each parsed by Arrow on its own, in as many threads as run."""

from __future__ import annotations

import csv
import io
import os
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv

from divtool.errors import InputError
from divtool.formats.dialect import NUMBER, WHOLE, Dialect, decide_dialect
from divtool.formats.fingerprint import check_fingerprint, fingerprint
from divtool.formats.keys import Keys, TextKeys, as_arrow
from divtool.formats.lines import LineIndex, record_ends
from divtool.formats.source import FLOAT, INTEGER, TEXT, Block, Extent, Header, Selection, Stored, empty_matrix

_HEAD = 1 << 16
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_LONGEST_HEAD = 1 << 25
_GUESSED = 20
_DECIMAL_COMMA = re.compile(r"\s*[+-]?\d+,\d+\s*", re.ASCII)
_BAD_CELL = re.compile(r"In CSV column #(\d+): (?:Row #(\d+): )?CSV conversion error to \w+: (.*)", re.DOTALL)
_BAD_WIDTH = re.compile(r"CSV parse error: (?:Row #(\d+): )?Expected (\d+) columns, got (\d+)")


class CsvSource:
    """A text table. Numbers are parsed as doubles, ids and labels stay text."""

    def __init__(self, path: str, shown: str, *, delimiter: str | None = None, no_header: bool = False) -> None:
        self.path, self._shown = path, shown
        self._before = fingerprint(path)
        head = _head(path, shown)
        if delimiter in ("\\t", "tab"):
            delimiter = "\t"
        self._dialect = decide_dialect(head, shown, delimiter=delimiter, no_header=no_header)
        self._index = LineIndex(path, shown, self._dialect.start, self._dialect.first_line)
        self.header = Header(
            shown, "csv" if self._dialect.delimiter != "\t" else "tsv", self._dialect.names,
            _guess_types(path, shown, self._dialect, self._index.end), None, "text",
            decimals=True, lines=True, size=self._before[2],
            notes=_notes(self._dialect, shown),
        )  # fmt: skip

    def extents(self, target_bytes: int) -> Iterator[Extent]:
        """Slices of whole lines; the newlines are looked for only as far as slices are asked for."""
        index, at = self._index, 0
        while index.total is None or index.rows[at] < index.total:
            index.reach_offset(index.offsets[at] + target_bytes)
            wanted = index.offsets[at] + target_bytes
            last = at + 1
            while last < len(index.offsets) and index.offsets[last] < wanted:
                last += 1
            if last < len(index.offsets):
                yield self._extent(index.rows[at], index.rows[last], at, last)
                at = last
            else:
                yield self._extent(index.rows[at], index.count(), at, last)
                return

    def _extent(self, first: int, stop: int, mark: int, last: int) -> Extent:
        """Rows first:stop between two marks; its place is row and offset of both."""
        index = self._index
        whole = last >= len(index.offsets)
        end = (index.count(), index.end) if whole else (index.rows[last], index.offsets[last])
        return Extent(first, stop, (index.rows[mark], index.offsets[mark], *end))

    def locate(self, first: int, stop: int) -> Extent:
        """The slice between the marks around these rows."""
        index = self._index
        index.reach_row(stop)
        if index.total is not None:
            first, stop = min(first, index.total), min(stop, index.total)
        return self._extent(first, stop, index.mark_before(first), index.mark_before(max(stop - 1, 0)) + 1)

    def count(self) -> int:
        """The number of rows."""
        return self._index.count()

    def estimate(self) -> int:
        """As many rows as the rest of the file would hold at the length of those found so far."""
        index = self._index
        if index.total is not None:
            return index.total
        found = index.offsets[-1] - index.offsets[0]
        return index.rows[-1] * (index.end - index.offsets[0]) // found if found else 0

    def line_of(self, row: int) -> int:
        """The line that a row begins on."""
        return self._index.line_of(row)

    def check_unchanged(self) -> None:
        """Refuse if the file is not what it was when it was opened."""
        check_fingerprint(self.path, self._before, self._shown)

    def blocks(self, extent: Extent, selection: Selection, block_bytes: int) -> Iterator[Block]:
        """Rows as doubles, slice by slice."""
        row, offset, end_row, end = extent.place or (0, 0, 0, 0)
        while offset < end and row < extent.stop:
            next_row, last = self._slice_end(offset, end, end_row, block_bytes)
            batch = self._parse(offset, last, row, selection)
            if batch.num_rows != next_row - row:
                raise InputError(
                    f"rows could not be told apart: expected {next_row - row:,} here, found {batch.num_rows:,}",
                    path=self._shown, row=row, line=self.line_of(row),
                    hint='a quotation mark (") inside a cell must be doubled, and the cell stand in quotation marks',
                )  # fmt: skip
            begin, stop = max(extent.first - row, 0), min(extent.stop - row, batch.num_rows)
            if begin < stop:
                yield self._block(batch.slice(begin, stop - begin), row + begin, selection)
            row, offset = next_row, last

    def _slice_end(self, offset: int, end: int, end_row: int, block_bytes: int) -> tuple[int, int]:
        """Row and offset at which the next slice ends: the last mark within the block, the first one after it if there
        is none, the end of the extent where that is nearer."""
        offsets, rows = self._index.offsets, self._index.rows
        if end - offset > block_bytes:
            low = bisect_right(offsets, offset + block_bytes) - 1
            low += offsets[low] <= offset
            if low < len(offsets) and offsets[low] < end:
                return rows[low], offsets[low]
        return end_row, end

    def _parse(self, offset: int, end: int, row: int, selection: Selection) -> pa.RecordBatch:
        with open(self.path, "rb", buffering=0) as file:
            data = os.pread(file.fileno(), end - offset, offset)
        if len(data) < end - offset:
            raise InputError("the file ends early: it was cut while it was read", path=self._shown)
        names = [str(i) for i in range(self._dialect.width)]
        wanted = [names[i] for i in (*selection.matrix, *selection.keys)]
        try:
            table = arrow_csv.read_csv(
                pa.BufferReader(data),
                read_options=arrow_csv.ReadOptions(column_names=names, use_threads=False, block_size=len(data) + 64),
                parse_options=arrow_csv.ParseOptions(
                    delimiter=self._dialect.delimiter, ignore_empty_lines=False, newlines_in_values=self._index.quoted
                ),
                convert_options=_conversion(wanted, len(selection.matrix)),
            )
        except pa.ArrowInvalid as error:
            raise self._explained(str(error), row) from None
        except pa.ArrowMemoryError as error:
            raise MemoryError(str(error)) from None
        batches = table.to_batches()
        batch = batches[0] if len(batches) == 1 else table.combine_chunks().to_batches()[0]
        self._refuse_overflow(batch, data, row, selection)
        return batch

    def _explained(self, message: str, first: int) -> InputError:
        cell, width = _BAD_CELL.search(message), _BAD_WIDTH.search(message)
        if cell:
            row = None if cell[2] is None else first + int(cell[2]) - 1
            line = None if row is None else self.line_of(row)
            if "invalid UTF8" in cell[3]:
                return InputError("the text is no UTF-8", path=self._shown, row=row, line=line)
            text = cell[3].removeprefix("invalid value '").removesuffix("'")
            name = self.header.name(int(cell[1]))
            return InputError(
                f'"{text}" is not a number', path=self._shown, row=row, line=line, column=name,
                hint=f"if it is no class column, leave it out: --columns '!{name}'",
            )  # fmt: skip
        if width:
            row = None if width[1] is None else first + int(width[1]) - 1
            return InputError(
                f"has {width[3]} cells; expected {width[2]} as in the first line", path=self._shown, row=row,
                line=None if row is None else self.line_of(row),
                hint="a cell that holds the delimiter must stand in quotation marks",
            )  # fmt: skip
        return InputError(f"cannot be read as a table: {message}", path=self._shown, row=first)

    def _block(self, batch: pa.RecordBatch, first: int, selection: Selection) -> Block:
        width = len(selection.matrix)
        for place in range(width):
            if batch.column(place).null_count:
                self._refuse_missing(batch.column(place), selection.matrix[place], first)
        matrix = _matrix(batch, width)
        keys = tuple(TextKeys(batch.column(width + i)) for i in range(len(selection.keys)))
        return Block(first, matrix, keys)

    def _refuse_missing(self, column: pa.Array, position: int, first: int) -> None:
        row = first + column.is_null().index(True).as_py()
        raise InputError(
            "the cell is empty; expected a number", path=self._shown, row=row, line=self.line_of(row),
            hint="fill it in, or remove the row",
            column=self.header.name(position),
        )  # fmt: skip

    def _refuse_overflow(self, batch: pa.RecordBatch, data: bytes, first: int, selection: Selection) -> None:
        """Arrow reads 1e999 as infinity; only text that says so may be infinite."""
        odd = [i for i in range(len(selection.matrix)) if pc.any(pc.is_inf(batch.column(i))).as_py()]
        if not odd:
            return
        texts = _as_texts(data, self._dialect, quoted=self._index.quoted)
        for place in odd:
            position = selection.matrix[place]
            written = texts.column(position)
            said = pc.match_substring(written, "inf", ignore_case=True)
            wrong = pc.and_(pc.is_inf(batch.column(place)), pc.invert(said)).combine_chunks()
            at = pc.index(wrong, True).as_py()
            if at >= 0:
                raise InputError(
                    f'"{written[at].as_py()}" is too large for a double', path=self._shown, row=first + at,
                    line=self.line_of(first + at), column=self.header.name(position),
                )  # fmt: skip


def _as_texts(data: bytes, dialect: Dialect, *, quoted: bool) -> pa.Table:
    """Some whole lines with every cell as it is written."""
    names = [str(i) for i in range(dialect.width)]
    return arrow_csv.read_csv(
        pa.BufferReader(data),
        read_options=arrow_csv.ReadOptions(column_names=names, use_threads=False, block_size=len(data) + 64),
        parse_options=arrow_csv.ParseOptions(
            delimiter=dialect.delimiter, ignore_empty_lines=False, newlines_in_values=quoted
        ),
        convert_options=arrow_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string())),
    )


def _notes(dialect: Dialect, shown: str) -> tuple[str, ...]:
    if dialect.names is None or not all(NUMBER.fullmatch(name) for name in dialect.names):
        return ()
    first = ", ".join(dialect.names[:6])
    return (f"{shown}: the first line ({first}{', ...' if dialect.width > 6 else ''}) is taken as names (--no-header)",)


def _conversion(wanted: Sequence[str], numbers: int) -> arrow_csv.ConvertOptions:
    types = {name: pa.float64() if i < numbers else pa.string() for i, name in enumerate(wanted)}
    return arrow_csv.ConvertOptions(
        column_types=types, include_columns=list(wanted), null_values=[""], strings_can_be_null=False
    )


def _matrix(batch: pa.RecordBatch, width: int) -> Stored:
    if width == 0:
        return empty_matrix(batch.num_rows)
    numbers = pa.RecordBatch.from_arrays([batch.column(i) for i in range(width)], names=[str(i) for i in range(width)])
    return np.from_dlpack(numbers.to_tensor(row_major=True))


def open_csv(path: str, shown: str, **options: Any) -> CsvSource:
    """Open a text table; ``delimiter`` and ``no_header`` as on the command line."""
    return CsvSource(path, shown, **options)


def _head(path: str, shown: str) -> bytes:
    """The beginning of a file: at least its first three lines where they are not absurdly long."""
    size = _HEAD
    with open(path, "rb") as file:
        head = file.read(size)
        while head.count(b"\n") < 3 and len(head) == size and size < _LONGEST_HEAD:
            size *= 2
            head += file.read(size - len(head))
    if b"\0" in head[:_HEAD] and head[:2] not in _UTF16:
        raise InputError(
            "is no text and no format that divtool knows", path=shown, hint="expected CSV, TSV, Parquet or NPY"
        )
    return head


def _guess_types(path: str, shown: str, dialect: Dialect, end: int) -> tuple[str, ...]:
    """What the first rows hold, column by column: whole numbers, other numbers or text. Only a first impression."""
    with open(path, "rb") as file:
        file.seek(dialect.start)
        sample = file.read(min(_HEAD, max(0, end - dialect.start)))
    ends = record_ends(sample)[:_GUESSED]
    lines = sample[: ends[-1] + 1] if ends.size else sample
    try:
        texts = _as_texts(lines, dialect, quoted=True)
    except pa.ArrowInvalid:
        # What cannot be parsed is refused, with its place, when it is read.
        return (FLOAT,) * dialect.width
    columns = [column.to_pylist() for column in texts.columns]
    types = tuple(_guess_type(cells) for cells in columns)
    if set(types) == {TEXT} and any(_DECIMAL_COMMA.fullmatch(cell) for cells in columns for cell in cells):
        raise InputError(
            "numbers are written with decimal commas; expected points", path=shown,
            hint="pandas: read_csv(FILE, sep=';', decimal=',').to_csv(NEW, index=False)",
        )  # fmt: skip
    return types


def _guess_type(cells: list[str]) -> str:
    """Mostly numbers is numbers: the odd text among them is then refused where it stands, not its column left out."""
    filled = [cell for cell in cells if cell]
    numbers = sum(NUMBER.fullmatch(cell) is not None for cell in filled)
    if 2 * numbers < len(filled):
        return TEXT
    return INTEGER if filled and all(WHOLE.fullmatch(cell) for cell in filled) else FLOAT


class CsvWriter:
    """Rows as text, doubles as the shortest digits that read back to the same double."""

    def __init__(
        self, stream: IO[bytes], key_names: Sequence[str], number_names: Sequence[str], single: bool,
        delimiter: str = ",",
    ) -> None:  # fmt: skip
        header = io.StringIO()
        csv.writer(header, delimiter=delimiter, lineterminator="\n").writerow([*key_names, *number_names])
        stream.write(header.getvalue().encode("utf-8"))
        self._stream, self._names = stream, [str(i) for i in range(len(key_names) + len(number_names))]
        self._bare, self._quoting = (
            arrow_csv.WriteOptions(include_header=False, delimiter=delimiter, quoting_style=style)
            for style in ("none", "needed")
        )
        self._special = f'["\r\n{re.escape(delimiter)}]'

    def write(self, keys: Sequence[Keys], numbers: Stored) -> None:
        """Append rows; text stands in quotation marks where a block of rows has any that needs them."""
        columns = [as_arrow(key) for key in keys]
        texts = [column for column in columns if pa.types.is_string(column.type)]
        special = any(pc.any(pc.match_substring_regex(column, self._special)).as_py() for column in texts)
        columns += [doubles(numbers[:, i]) for i in range(numbers.shape[1])]
        batch = pa.RecordBatch.from_arrays(columns, names=self._names)
        arrow_csv.write_csv(batch, self._stream, self._quoting if special else self._bare)

    def close(self) -> None:
        """Nothing is left to write."""


def tsv_writer(stream: IO[bytes], key_names: Sequence[str], number_names: Sequence[str], single: bool) -> CsvWriter:
    """The same with tabs."""
    return CsvWriter(stream, key_names, number_names, single, delimiter="\t")


def doubles(column: Stored) -> pa.Array:
    """A column of doubles as Arrow sees it (``pa.array`` would import pandas)."""
    data = pa.py_buffer(np.ascontiguousarray(column, np.float64))
    return pa.Array.from_buffers(pa.float64(), column.shape[0], [None, data])

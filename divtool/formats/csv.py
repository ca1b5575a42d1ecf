"""CSV and TSV: the file is cut at newlines into slices, each parsed by Arrow on its own, in as many threads as run."""

from __future__ import annotations

import csv
import io
import re
import shlex
from collections.abc import Sequence
from dataclasses import replace
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv

from divtool.errors import InputError
from divtool.formats.csv_cells import EXCEPT_IT, parse, refuse_odd_numbers, shortened, stray_quotation, without_nulls
from divtool.formats.csv_fields import guess_fields
from divtool.formats.csv_vectors import lists_of
from divtool.formats.dialect import Dialect, decide_dialect, header_notes
from divtool.formats.fields import Cells
from divtool.formats.keys import Keys, TextKeys, as_arrow
from divtool.formats.lines import LineIndex, record_ends
from divtool.formats.slices import LineSource
from divtool.formats.source import Block, Header, Selection, Stored, Ways

_LONE_RETURN = re.compile(rb"\r(?!\n)")
_HEAD = 1 << 16
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_LONGEST_HEAD = 1 << 25
_SAMPLED, _SAMPLED_CELLS = 20, 20_000
_EMPTY = "the cell is empty; expected a number"
_QUOTES = 'a quotation mark (") inside a cell must be doubled, and the cell stand in quotation marks'


class CsvSource(LineSource):
    """A text table. Numbers are parsed as doubles, ids and labels stay text."""

    def __init__(
        self, path: str, shown: str, *, delimiter: str | None = None, no_header: bool = False, header: bool = False
    ) -> None:
        super().__init__(path, shown)
        head = _head(path, shown)
        if delimiter in ("\\t", "tab"):
            delimiter = "\t"
        elif delimiter == "space":
            delimiter = " "
        self._dialect = decide_dialect(head, shown, delimiter=delimiter, no_header=no_header, header=header)
        self._index = LineIndex(path, shown, self._dialect.start, self._dialect.first_line)
        self._fields = guess_fields(_sample(path, self._dialect, self._index.end), self._dialect, shown)
        self.header = Header(
            shown, "csv" if self._dialect.delimiter != "\t" else "tsv",
            None if self._dialect.names is None else self._fields.names,
            self._fields.types, None, "text", decimals=True, lines=True, size=self._before[2],
            notes=header_notes(self._dialect, shown), vectors=self._fields.vectors,
        )  # fmt: skip

    def with_header(self, there: bool) -> CsvSource:
        """The same file with its first line taken for names, or for a row."""
        other = CsvSource(self.path, self._shown, delimiter=self._dialect.delimiter, no_header=not there, header=there)
        other.header = replace(other.header, origin=self.header.origin)
        return other

    def _parsed(self, data: bytes, first: int, rows: int, selection: Selection) -> Block:
        self._refuse_header_again(data, first)
        data = self._dialect.tidied(data)
        used = self._fields.needed(selection)
        numbers = self._numbers(selection)
        batch = parse(data, self._dialect, used, numbers, self._index.quoted, first, self._refuse)
        self._check_rows(data, first, rows, batch.num_rows)
        arrays = dict(zip(used, batch.columns, strict=True))
        for field in used:
            if self._fields.fields[field].width is not None:
                arrays[field] = lists_of(arrays[field], first, field, self._refuse)
            elif field not in numbers and not (selection.missing or selection.cells):
                arrays[field] = without_nulls(arrays[field])
        block = self._plain_block(arrays, first, selection)
        if block is None:
            block = Cells(self._fields, arrays, first, self.place_of, empty=_EMPTY, rows=rows).block(selection)
        if not np.isfinite(block.matrix).all():
            refuse_odd_numbers(arrays, numbers, data, self._dialect, self._index.quoted, first, self._refuse)
        return block

    def _plain_block(self, arrays: dict[int, pa.Array], first: int, selection: Selection) -> Block | None:
        """The usual case, in which no cell is empty and each holds one number: thousands of columns have little to be
        asked for each."""
        if self._fields.vectors or not len(selection.matrix) or any(each.null_count for each in arrays.values()):
            return None
        columns = [arrays[column] for column in selection.matrix]
        batch = pa.RecordBatch.from_arrays(columns, names=[str(i) for i in range(len(columns))])
        keys = tuple(TextKeys(arrays[column]) for column in selection.keys)
        return Block(first, np.from_dlpack(batch.to_tensor(row_major=True)), keys)

    def _numbers(self, selection: Selection) -> set[int]:
        """The fields that hold a number a cell and are wanted as numbers."""
        if not self._fields.vectors:
            return set(selection.matrix)
        fields = {self._fields.field_of(column) for column in selection.matrix}
        return {field for field in fields if self._fields.fields[field].width is None}

    def _refuse(self, row: int, field: int | None, message: str, hint: str) -> InputError:
        """The error that speaks of a cell."""
        column = None if field is None else self._fields.fields[field].name
        if column is not None and message.startswith(f'"{column}" is not'):
            hint = "the header again: were files joined? Remove the line"
        hint = hint.replace(EXCEPT_IT, shlex.quote(f"!{shortened(column or '')}"))
        return self.place_of(row).refusal(message, column=column, hint=hint)

    def _refuse_header_again(self, data: bytes, first: int) -> None:
        """Refuse a line that repeats names which are numbers: it would be a row like any other."""
        again = self._dialect.again
        if not again or again not in data:
            return
        found = re.search(rb"(?:\A|\n)" + re.escape(again) + rb"(?:\r?\n|\Z)", data)
        if found is not None:
            begin = found.start() + (data[found.start() : found.start() + 1] == b"\n")
            raise self._refuse(
                first + int(record_ends(data[:begin], quotes=self._index.quotes).size), None,
                "the header stands there again: were files joined with cat?",
                "remove the line" + ("; if it is a row: --header" if self._dialect.width < 3 else ""),
            )  # fmt: skip

    def _check_rows(self, data: bytes, first: int, rows: int, found: int) -> None:
        """Refuse quotation marks that would make several rows one, or a row several."""
        odd = None
        if self._index.quoted and b'"' in data and (found != rows or data.count(b"\n") > rows):
            odd = stray_quotation(data, self._dialect.delimiter, spanning=found == rows)
        if odd is not None:
            raise self._refuse(first + odd, None, "a quotation mark stands where none is expected", _QUOTES)
        if found != rows:
            lone = _LONE_RETURN.search(data)
            hint = "a carriage return inside a line? lines end in \\n or \\r\\n" if lone else _QUOTES
            at = 0 if lone is None or self._index.quoted else data.count(b"\n", 0, lone.start())
            raise self._refuse(
                first + at, None, f"rows could not be told apart: expected {rows:,} here, found {found:,}", hint
            )


def open_csv(path: str, shown: str, ways: Ways) -> CsvSource:
    """Open a text table; ``shown`` is how messages call it."""
    return CsvSource(path, shown, delimiter=ways.delimiter, no_header=ways.no_header, header=ways.header)


def open_tsv(path: str, shown: str, ways: Ways) -> CsvSource:
    """The same with tabs, whatever the first line looks like."""
    return CsvSource(path, shown, delimiter=ways.delimiter or "\t", no_header=ways.no_header, header=ways.header)


def _head(path: str, shown: str) -> bytes:
    """The beginning of a file: at least its first three records where they are not absurdly long."""
    size = _HEAD
    with open(path, "rb") as file:
        head = file.read(size)
        if b"\0" in head and head[:2] not in _UTF16:
            raise InputError(
                "is no text and no format that divtool knows", path=shown, hint="expected CSV, TSV, Parquet or NPY"
            )
        while len(head) == size and size < _LONGEST_HEAD and record_ends(head).size < 3:
            size *= 2
            head += file.read(size - len(head))
        # A line that is cut off would say something else than it does.
        cut = len(head) == size and record_ends(head).size >= 3 and bool(file.read(1))
    if len(head) >= _LONGEST_HEAD and b"\n" not in head:
        raise InputError(f"the first line is longer than {size >> 20} MiB; is this a text table?", path=shown, line=1)
    return head[: head.rfind(b"\n") + 1] if cut else head


def _sample(path: str, dialect: Dialect, end: int) -> bytes:
    """The first rows: at least one of them whole, where it is not absurdly long."""
    size = _HEAD
    while True:
        with open(path, "rb") as file:
            file.seek(dialect.start)
            sample = file.read(min(size, max(0, end - dialect.start)))
        ends = record_ends(sample)[: max(2, min(_SAMPLED, _SAMPLED_CELLS // dialect.width))]
        if ends.size:
            return sample[: int(ends[-1]) + 1]
        if len(sample) < size or size >= _LONGEST_HEAD:
            return sample
        size *= 4


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

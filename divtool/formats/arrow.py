"""Arrow IPC, which Feather is too: record batches are the joints, and of each only the columns asked for are read.

A stream has no index of its batches; it is rewritten into a file that has one.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.ipc as ipc

from divtool.errors import InputError
from divtool.formats.arrow_layout import Messages, is_stream
from divtool.formats.arrow_types import decoded, float_types, has_decimals, index_of, readable
from divtool.formats.csv import doubles
from divtool.formats.fields import Cells, fields_of, first_width, refuse_twins
from divtool.formats.fingerprint import Fingerprint, check_fingerprint, fingerprint
from divtool.formats.keys import Keys, as_arrow
from divtool.formats.scratch import discard, new_file, temporary
from divtool.formats.source import Block, Extent, Header, Place, Selection, Stored, Ways, row_steps

_NULL = "the value is missing (null)"
# Rows of a batch that is written: as many as Feather's own, and few enough of wide tables to be held.
_BATCH_ROWS, _BATCH_BYTES = 1 << 16, 16 << 20


class ArrowSource:
    """A table in one Arrow IPC file; ``origin`` is the stream that it was made from, if there is one."""

    def __init__(self, path: str, shown: str, origin: tuple[str, Fingerprint] | None = None) -> None:
        self.path, self._shown = path, shown
        self._origin = origin or (path, fingerprint(path))
        with Messages(path, shown) as messages:
            self._layout = messages.layout()
        self._rows = np.cumsum([0, *self._layout.rows], dtype=np.int64).tolist()
        with self._reader(None) as reader:
            schema, index = readable(reader.schema), index_of(reader.schema)
        if reader.num_record_batches != len(self._layout.batches):
            raise messages.refusal("its batches cannot be counted")
        refuse_twins(schema.names, shown)
        self._fields = fields_of(schema, lambda name: self._first_length(schema.names.index(name)))
        refuse_twins(self._fields.names, shown)
        self.header = Header(
            shown, "arrow", self._fields.names, self._fields.types, self.count(), float_types(schema),
            size=self._origin[1][2], vectors=self._fields.vectors, decimals=has_decimals(schema), index=index,
        )  # fmt: skip

    def _first_length(self, field: int) -> int:
        """How many numbers the first list of a column holds."""
        widths = (first_width(self._arrays(i, [field])[0]) for i, rows in enumerate(self._layout.rows) if rows)
        return next(filter(None, widths), 0)

    def extents(self, target_bytes: int) -> Iterator[Extent]:
        """Whole batches, small ones together."""
        begin = size = 0
        for number, batch in enumerate(self._layout.batches):
            size += batch.end - batch.first
            if size >= target_bytes or number == len(self._layout.batches) - 1:
                yield Extent(self._rows[begin], self._rows[number + 1])
                begin, size = number + 1, 0

    def locate(self, first: int, stop: int) -> Extent:
        """Any rows; their whole batches are read."""
        return Extent(min(first, self.count()), min(stop, self.count()))

    def count(self) -> int:
        """The number of rows."""
        rows: int = self._rows[-1]
        return rows

    def estimate(self) -> int:
        """The number of rows."""
        return self.count()

    def place_of(self, row: int) -> Place:
        """There are no lines."""
        return Place(self._shown, row)

    def check_unchanged(self) -> None:
        """Refuse if the file is not what it was when it was opened."""
        check_fingerprint(*self._origin, self._shown)

    def blocks(self, extent: Extent, selection: Selection, block_bytes: int) -> Iterator[Block]:
        """Rows of the selected columns."""
        used = self._fields.needed(selection)
        rows = max(1, block_bytes // max(1, 8 * (len(selection.matrix) + len(selection.keys))))
        batch, at = bisect_right(self._rows, extent.first) - 1, extent.first
        try:
            while at < extent.stop:
                end = min(self._rows[batch + 1], extent.stop)
                if at < end:
                    yield from self._pieces(batch, Extent(at, end), used, selection, rows)
                batch, at = batch + 1, end
        finally:
            # Each thread's heap keeps what a batch took, and the next batch may fall to another thread.
            pa.default_memory_pool().release_unused()

    def _pieces(
        self, batch: int, wanted: Extent, used: Sequence[int], selection: Selection, rows: int
    ) -> Iterator[Block]:
        """Rows of one batch."""
        arrays = self._arrays(batch, used)
        for first, stop in row_steps(wanted, rows):
            pieces = [array.slice(first - self._rows[batch], stop - first) for array in arrays]
            cells = Cells(
                self._fields, dict(zip(used, pieces, strict=True)), first, self.place_of,
                empty=_NULL, rows=stop - first,
            )  # fmt: skip
            yield cells.block(selection)

    def _arrays(self, batch: int, used: Sequence[int]) -> list[pa.Array]:
        """Some fields of a batch, whose offsets, lengths and texts have all been looked at."""
        if not used:
            return []
        with Messages(self.path, self._shown) as messages:
            for stretch in (self._layout.batches[batch], *self._layout.dictionaries):
                messages.check(stretch)
        with self._reader(list(used)) as reader:
            found = reader.get_batch(batch)
            # An offset that points outside would end the program where it is followed.
            found.validate(full=True)
        if found.num_rows != self._layout.rows[batch] or found.num_columns != len(used):
            raise messages.refusal("a batch holds another number of rows than it says")
        columns: list[pa.Array] = found.columns
        return columns

    @contextmanager
    def _reader(self, used: list[int] | None) -> Iterator[ipc.RecordBatchFileReader]:
        """The file open for some of its fields."""
        with refused(self._shown), pa.OSFile(self.path) as file:
            yield ipc.open_file(file, options=_options(used))


def _options(used: list[int] | None) -> ipc.IpcReadOptions:
    return ipc.IpcReadOptions(included_fields=used, use_threads=False)


@contextmanager
def refused(shown: str) -> Iterator[None]:
    """What Arrow finds wrong with a file, as an error of ours."""
    try:
        yield
    except pa.ArrowMemoryError as error:
        raise MemoryError(str(error)) from None
    except (pa.ArrowException, OSError, UnicodeDecodeError, KeyError) as error:
        said = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"the Arrow file is damaged: {said}", path=shown, hint="write it again") from None


def open_arrow(path: str, shown: str, ways: Ways) -> ArrowSource:
    """Open an Arrow IPC file or stream; ``shown`` is how messages call it."""
    with open(path, "rb") as file:
        head = file.read(8)
    if not is_stream(head):
        return ArrowSource(path, shown)
    before = fingerprint(path)
    return ArrowSource(_rewritten(path, shown), shown, (path, before))


def _rewritten(path: str, shown: str) -> str:
    """A stream as a temporary file; dictionaries, which a stream may replace and a file may not, are spelt out."""
    with Messages(path, shown) as messages:
        messages.check_stream()
    target = temporary()
    try:
        with new_file(target) as copy, refused(shown), pa.OSFile(path) as file:
            _copy(ipc.open_stream(file, options=_options(None)), copy)
    except BaseException:
        discard(target)
        raise
    return target


def _copy(stream: ipc.RecordBatchStreamReader, copy: IO[bytes]) -> None:
    schema = readable(stream.schema)
    with ipc.new_file(copy, schema) as writer:
        for batch in stream:
            batch.validate(full=True)
            for first, stop in row_steps(Extent(0, batch.num_rows), _BATCH_ROWS):
                columns = [decoded(column) for column in batch.slice(first, stop - first).columns]
                writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=schema))


class ArrowWriter:
    """Rows as float64 columns beside their keys, in batches compressed with LZ4: what Feather is."""

    def __init__(self, stream: IO[bytes], key_names: Sequence[str], number_names: Sequence[str], single: bool) -> None:
        self._stream, self._keys, self._numbers = stream, list(key_names), list(number_names)
        self._writer: ipc.RecordBatchFileWriter | None = None
        self._waiting: list[pa.RecordBatch] = []
        self._rows = 0

    def write(self, keys: Sequence[Keys], numbers: Stored) -> None:
        """Take rows; they are written when they fill a batch."""
        columns = [as_arrow(key) for key in keys] + [doubles(numbers[:, i]) for i in range(numbers.shape[1])]
        self._waiting.append(pa.RecordBatch.from_arrays(columns, names=[*self._keys, *self._numbers]))
        self._rows += len(columns[0]) if columns else 0
        if self._rows >= _BATCH_ROWS or 8 * self._rows * len(columns) >= _BATCH_BYTES:
            self._flush()

    def _flush(self) -> None:
        if self._waiting:
            table = pa.Table.from_batches(self._waiting).combine_chunks()
            self._open(table.schema).write_table(table, max_chunksize=_BATCH_ROWS)
            self._waiting, self._rows = [], 0

    def _open(self, schema: pa.Schema) -> ipc.RecordBatchFileWriter:
        if self._writer is None:
            options = ipc.IpcWriteOptions(compression="lz4", use_threads=False)
            self._writer = ipc.new_file(self._stream, schema, options=options)
        return self._writer

    def close(self) -> None:
        """Write the last rows and the footer."""
        self._flush()
        keys = [pa.field(name, pa.string()) for name in self._keys]
        self._open(pa.schema([*keys, *(pa.field(name, pa.float64()) for name in self._numbers)])).close()

"""Parquet: row groups are the joints; a group is streamed batch by batch, only the columns that are asked for."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from divtool.errors import InputError
from divtool.formats.arrow_types import float_types, has_decimals, index_of
from divtool.formats.csv import doubles
from divtool.formats.fields import Cells, fields_of, first_width, refuse_twins
from divtool.formats.fingerprint import check_fingerprint, fingerprint
from divtool.formats.keys import Keys, as_arrow
from divtool.formats.source import Block, Extent, Header, Place, Selection, Stored, Ways

MAGIC = b"PAR1"
_READ = 1 << 16
_FIRST_ROWS = 16
_MOST_ROWS = 1 << 48
_NULL = "the value is missing (null)"
# Rows and bytes of a written row group: large enough to compress, small enough to hold.
_GROUP_ROWS, _GROUP_BYTES = 50_000, 16 << 20


class ParquetSource:
    """A table in one Parquet file."""

    def __init__(self, path: str, shown: str) -> None:
        self.path, self._shown = path, shown
        self._before = fingerprint(path)
        self._open_files = threading.local()
        self._metadata: pq.FileMetaData | None = None
        file = self._file()
        # Parsed once for all threads: each copy would take as much memory as the file has row groups and columns.
        self._metadata = file.metadata
        with self._refused():
            schema = file.schema_arrow
            names = list(schema.names)
        groups = [file.metadata.row_group(i) for i in range(file.metadata.num_row_groups)]
        sizes = [group.num_rows for group in groups]
        if min(sizes, default=0) < 0 or sum(sizes) > _MOST_ROWS:
            raise self._damaged(f"it promises {sum(sizes):,} rows")
        self._rows = np.cumsum([0, *sizes], dtype=np.int64)
        self._bytes = [max(1, group.total_byte_size) for group in groups]
        refuse_twins(names, shown)
        self._fields = fields_of(schema, self._first_length)
        refuse_twins(self._fields.names, shown)
        self.header = Header(
            shown, "parquet", self._fields.names, self._fields.types, int(self._rows[-1]), float_types(schema),
            size=self._before[2], vectors=self._fields.vectors, decimals=has_decimals(schema),
            index=index_of(schema),
        )  # fmt: skip

    def _first_length(self, name: str) -> int:
        """How many numbers the first list of a column holds."""
        with self._refused():
            batches = self._file().iter_batches(batch_size=_FIRST_ROWS, columns=[name], use_threads=False)
            return next(filter(None, (first_width(batch.column(0)) for batch in batches)), 0)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name not in ("_open_files", "_metadata")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._open_files, self._metadata = threading.local(), None

    def _file(self) -> pq.ParquetFile:
        # A reader must not be shared by threads. The default pre_buffer would hold whole groups in memory, and without
        # a buffer size every column chunk is read whole before its first page is decoded.
        if not hasattr(self._open_files, "file"):
            with self._refused():
                self._open_files.file = pq.ParquetFile(
                    self.path,
                    metadata=self._metadata,
                    pre_buffer=False,
                    buffer_size=_READ,
                    page_checksum_verification=True,
                )
        file: pq.ParquetFile = self._open_files.file
        return file

    def extents(self, target_bytes: int) -> Iterator[Extent]:
        """Whole row groups, small ones together."""
        begin = 0
        for group in range(len(self._bytes)):
            if sum(self._bytes[begin : group + 1]) >= target_bytes or group == len(self._bytes) - 1:
                yield Extent(int(self._rows[begin]), int(self._rows[group + 1]))
                begin = group + 1

    def locate(self, first: int, stop: int) -> Extent:
        """Any rows; what precedes them in their row group is read and passed over."""
        return Extent(min(first, self.count()), min(stop, self.count()))

    def count(self) -> int:
        """The number of rows."""
        return int(self._rows[-1])

    def estimate(self) -> int:
        """The number of rows."""
        return self.count()

    def place_of(self, row: int) -> Place:
        """There are no lines."""
        return Place(self._shown, row)

    def check_unchanged(self) -> None:
        """Refuse if the file is not what it was when it was opened."""
        check_fingerprint(self.path, self._before, self._shown)

    def blocks(self, extent: Extent, selection: Selection, block_bytes: int) -> Iterator[Block]:
        """Rows of the selected columns."""
        used = self._fields.needed(selection)
        names = [self._fields.fields[i].name for i in used]
        rows = max(1, block_bytes // max(1, 8 * (len(selection.matrix) + len(selection.keys))))
        groups = [
            g for g in range(len(self._bytes)) if self._rows[g] < extent.stop and self._rows[g + 1] > extent.first
        ]
        at = int(self._rows[groups[0]]) if groups else 0
        try:
            with self._refused():
                for batch in self._file().iter_batches(
                    batch_size=min(rows, 1 << 20), row_groups=groups, columns=names, use_threads=False
                ):
                    begin, stop = max(extent.first - at, 0), min(extent.stop - at, batch.num_rows)
                    if begin < stop:
                        piece = batch.slice(begin, stop - begin).select(names)
                        arrays = dict(zip(used, piece.columns, strict=True))
                        cells = Cells(self._fields, arrays, at + begin, self.place_of, empty=_NULL, rows=stop - begin)
                        yield cells.block(selection)
                    at += batch.num_rows
                    if at >= extent.stop:
                        return
                if extent.first < extent.stop:
                    raise self._damaged("it holds fewer rows than it says")
        finally:
            # Each thread's heap keeps what a row group took, and the next group may fall to another thread.
            pa.default_memory_pool().release_unused()

    @contextmanager
    def _refused(self) -> Iterator[None]:
        """What Arrow finds wrong with the file, as an error of ours."""
        try:
            yield
        except pa.ArrowMemoryError as error:
            raise MemoryError(str(error)) from None
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            raise self._damaged((str(error).splitlines() or [type(error).__name__])[0]) from None

    def _damaged(self, said: str) -> InputError:
        if "crypt" in said:
            message, hint = "the Parquet file is encrypted", "write it again without encryption"
        else:
            message, hint = f"the Parquet file is damaged: {said}", "write it again"
        return InputError(message, path=self._shown, hint=hint)


def open_parquet(path: str, shown: str, ways: Ways) -> ParquetSource:
    """Open a Parquet file; ``shown`` is how messages call it."""
    return ParquetSource(path, shown)


class ParquetWriter:
    """Rows as float64 columns beside their keys, compressed."""

    def __init__(self, stream: IO[bytes], key_names: Sequence[str], number_names: Sequence[str], single: bool) -> None:
        self._stream, self._keys, self._numbers = stream, list(key_names), list(number_names)
        self._writer: pq.ParquetWriter | None = None
        self._waiting: list[pa.RecordBatch] = []
        self._waiting_rows = 0

    def write(self, keys: Sequence[Keys], numbers: Stored) -> None:
        """Take rows; they are written when they fill a row group."""
        columns = [as_arrow(key) for key in keys] + [doubles(numbers[:, i]) for i in range(numbers.shape[1])]
        self._waiting.append(pa.RecordBatch.from_arrays(columns, names=[*self._keys, *self._numbers]))
        self._waiting_rows += len(numbers)
        if self._waiting_rows >= _GROUP_ROWS or 8 * self._waiting_rows * len(columns) >= _GROUP_BYTES:
            self._flush()

    def _flush(self) -> None:
        if self._waiting:
            self._append(pa.Table.from_batches(self._waiting).combine_chunks())
            self._waiting, self._waiting_rows = [], 0

    def _append(self, table: pa.Table) -> None:
        if self._writer is None:
            self._writer = pq.ParquetWriter(
                self._stream, table.schema, compression="zstd", use_dictionary=self._keys,
                use_byte_stream_split=self._numbers, write_page_checksum=True,
            )  # fmt: skip
        self._writer.write_table(table, row_group_size=_GROUP_ROWS)

    def close(self) -> None:
        """Write the last rows and the footer."""
        self._flush()
        if self._writer is None:
            names = [pa.field(name, pa.string()) for name in self._keys]
            self._append(pa.schema([*names, *(pa.field(name, pa.float64()) for name in self._numbers)]).empty_table())
        assert self._writer is not None
        self._writer.close()

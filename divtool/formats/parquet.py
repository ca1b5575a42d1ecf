"""Parquet: row groups are the joints; a group is streamed batch by batch, only the columns that are asked for."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from divtool.errors import InputError
from divtool.formats.csv import doubles
from divtool.formats.fingerprint import check_fingerprint, fingerprint
from divtool.formats.keys import Keys, as_arrow, keys_of_arrow
from divtool.formats.source import FLOAT, INTEGER, OTHER, TEXT, Block, Extent, Header, Selection, Stored, empty_matrix

MAGIC = b"PAR1"
_READ = 1 << 16
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
        schema = file.schema_arrow
        refuse_twins(schema.names, shown)
        self._types = tuple(str(field.type) for field in schema)
        groups = [file.metadata.row_group(i) for i in range(file.metadata.num_row_groups)]
        self._rows = np.cumsum([0, *(group.num_rows for group in groups)])
        self._bytes = [max(1, group.total_byte_size) for group in groups]
        floats = {str(field.type) for field in schema if kind_of_type(field.type) == FLOAT}
        self.header = Header(
            shown, "parquet", tuple(schema.names), tuple(kind_of_type(field.type) for field in schema),
            int(self._rows[-1]), " and ".join(sorted(_SHORT.get(name, name) for name in floats)) or "text",
            size=self._before[2],
        )  # fmt: skip

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name not in ("_open_files", "_metadata")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._open_files, self._metadata = threading.local(), None

    def _file(self) -> pq.ParquetFile:
        # A reader must not be shared by threads. The default pre_buffer would hold whole groups in memory, and without
        # a buffer size every column chunk is read whole before its first page is decoded.
        if not hasattr(self._open_files, "file"):
            try:
                self._open_files.file = pq.ParquetFile(
                    self.path,
                    metadata=self._metadata,
                    pre_buffer=False,
                    buffer_size=_READ,
                    page_checksum_verification=True,
                )
            except pa.ArrowMemoryError as error:
                raise MemoryError(str(error)) from None
            except (pa.ArrowException, OSError) as error:
                raise _damaged(self._shown, error) from None
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

    def line_of(self, row: int) -> None:
        """There are no lines."""

    def check_unchanged(self) -> None:
        """Refuse if the file is not what it was when it was opened."""
        check_fingerprint(self.path, self._before, self._shown)

    def blocks(self, extent: Extent, selection: Selection, block_bytes: int) -> Iterator[Block]:
        """Rows of the selected columns."""
        columns = [self.header.name(i) for i in (*selection.matrix, *selection.keys)]
        rows = max(1, block_bytes // max(1, 8 * len(columns)))
        groups = [
            g for g in range(len(self._bytes)) if self._rows[g] < extent.stop and self._rows[g + 1] > extent.first
        ]
        at = int(self._rows[groups[0]]) if groups else 0
        try:
            for batch in self._file().iter_batches(
                batch_size=min(rows, 1 << 20), row_groups=groups, columns=columns, use_threads=False
            ):
                begin, stop = max(extent.first - at, 0), min(extent.stop - at, batch.num_rows)
                if begin < stop:
                    yield self._block(batch.slice(begin, stop - begin).select(columns), at + begin, selection)
                at += batch.num_rows
                if at >= extent.stop:
                    return
        except pa.ArrowMemoryError as error:
            raise MemoryError(str(error)) from None
        except (pa.ArrowException, OSError) as error:
            raise _damaged(self._shown, error) from None
        finally:
            # Each thread's heap keeps what a row group took, and the next group may fall to another thread.
            pa.default_memory_pool().release_unused()

    def _block(self, batch: pa.RecordBatch, first: int, selection: Selection) -> Block:
        width = len(selection.matrix)
        for place, position in enumerate((*selection.matrix, *selection.keys)):
            if batch.column(place).null_count:
                row = first + batch.column(place).is_null().index(True).as_py()
                raise InputError(
                    "the value is missing (null)", path=self._shown, row=row, column=self.header.name(position)
                )
        numbers = pa.RecordBatch.from_arrays(same_type(batch.columns[:width]), names=[str(i) for i in range(width)])
        matrix = np.from_dlpack(numbers.to_tensor(row_major=True)) if width else empty_matrix(batch.num_rows)
        return Block(first, matrix, tuple(keys_of_arrow(batch.column(width + i)) for i in range(len(selection.keys))))


_SHORT = {"double": "float64", "float": "float32", "halffloat": "float16"}


def kind_of_type(type_: pa.DataType) -> str:
    """What a column of this Arrow type holds."""
    if pa.types.is_floating(type_):
        return FLOAT
    if pa.types.is_integer(type_):
        return INTEGER
    if pa.types.is_dictionary(type_):
        return kind_of_type(type_.value_type)
    texts = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view, pa.types.is_boolean)
    return TEXT if any(test(type_) for test in texts) else OTHER


def same_type(columns: list[pa.Array]) -> list[pa.Array]:
    """Columns of one type: their own, or doubles where types are mixed."""
    if len({str(column.type) for column in columns}) <= 1:
        return columns
    return [pc.cast(column, pa.float64()) for column in columns]


def refuse_twins(names: list[str], path: str) -> None:
    """Refuse columns of the same name: columns go by name."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise InputError(f'two columns are named "{name}"', path=path, hint="rename one; columns go by name")
        seen.add(name)


def _damaged(path: str, error: Exception) -> InputError:
    return InputError(f"the Parquet file is damaged: {str(error).splitlines()[0]}", path=path, hint="write it again")


def open_parquet(path: str, shown: str) -> ParquetSource:
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

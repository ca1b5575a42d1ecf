"""Arrays, DataFrames and Arrow tables of a running program, read as if they were files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from divtool.errors import InputError, UsageError
from divtool.formats.keys import keys_of_arrow
from divtool.formats.npy import ArraySource
from divtool.formats.parquet import kind_of_type, refuse_twins, same_type
from divtool.formats.source import Block, Extent, Header, Selection, Source, empty_matrix, row_steps


class TableSource:
    """An Arrow table."""

    def __init__(self, table: pa.Table, name: str) -> None:
        self._table = table
        refuse_twins(table.schema.names, name)
        types = tuple(kind_of_type(field.type) for field in table.schema)
        self.header = Header(name, "table", tuple(table.schema.names), types, table.num_rows, "memory")

    def extents(self, target_bytes: int) -> Iterator[Extent]:
        """Stretches of rows."""
        for first, stop in row_steps(Extent(0, self.count()), target_bytes // (8 * max(1, self.header.width))):
            yield Extent(first, stop)

    def locate(self, first: int, stop: int) -> Extent:
        """Any rows."""
        return Extent(min(first, self.count()), min(stop, self.count()))

    def count(self) -> int:
        """The number of rows."""
        return int(self._table.num_rows)

    def estimate(self) -> int:
        """The number of rows."""
        return self.count()

    def line_of(self, row: int) -> None:
        """There are no lines."""

    def check_unchanged(self) -> None:
        """Nothing to check."""

    def blocks(self, extent: Extent, selection: Selection, block_bytes: int) -> Iterator[Block]:
        """Rows of the selected columns."""
        width = len(selection.matrix)
        chosen = self._table.select([*selection.matrix, *selection.keys])
        rows = block_bytes // (8 * max(1, width))
        for first, stop in row_steps(extent, rows):
            piece = chosen.slice(first, stop - first).combine_chunks()
            columns = [piece.column(i).combine_chunks() for i in range(piece.num_columns)]
            columns = [each.chunk(0) if isinstance(each, pa.ChunkedArray) else each for each in columns]
            for place, position in enumerate((*selection.matrix, *selection.keys)):
                if columns[place].null_count:
                    row = first + columns[place].is_null().index(True).as_py()
                    raise InputError(
                        "the value is missing", path=self.header.path, row=row, column=self.header.name(position)
                    )
            matrix = empty_matrix(stop - first)
            if width:
                numbers = pa.RecordBatch.from_arrays(same_type(columns[:width]), names=[str(i) for i in range(width)])
                matrix = np.from_dlpack(numbers.to_tensor(row_major=True))
            yield Block(first, matrix, tuple(keys_of_arrow(each) for each in columns[width:]))


def open_object(thing: Any, name: str) -> Source:
    """A source from a NumPy array, an Arrow table, a pandas DataFrame or Series, or a list of numbers or names."""
    module = type(thing).__module__.partition(".")[0]
    if isinstance(thing, pa.Table):
        return TableSource(thing, name)
    if module == "pandas":
        frame = thing.to_frame(name=thing.name or "values") if type(thing).__name__ == "Series" else thing
        # An index that says more than the place of a row names the rows, as it does in pandas.
        if frame.index.name is not None or type(frame.index).__name__ != "RangeIndex":
            frame = frame.reset_index(names=frame.index.name or "index")
        frame = frame.rename(columns=str)
        try:
            table = pa.Table.from_pandas(frame, preserve_index=False)
        except (ValueError, TypeError, pa.ArrowException) as error:
            raise InputError(f"cannot be read as a table: {error}", path=name) from None
        return TableSource(table.replace_schema_metadata(None), name)
    if isinstance(thing, np.ma.MaskedArray):
        raise UsageError(f"{name}: a masked array is not read; fill it, or leave the masked rows out")
    try:
        array = np.asarray(thing)
    except (TypeError, ValueError):
        array = np.asarray(None)
    if array.dtype.kind not in "fiubU":
        raise UsageError(
            f"{name}: a {type(thing).__name__} cannot be read; expected a path, an array, a DataFrame or an Arrow table"
        )
    return ArraySource(array, name)

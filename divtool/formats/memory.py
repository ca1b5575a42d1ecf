"""Arrays, DataFrames and Arrow tables of a running program, read as if they were files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from divtool.errors import UsageError
from divtool.formats.arrow_types import has_decimals
from divtool.formats.fields import Cells, fields_of, first_width, refuse_twins
from divtool.formats.frames import Frame, frame_of, holds_columns, with_index
from divtool.formats.npy import ArraySource
from divtool.formats.source import Block, Extent, Header, Place, Selection, Source, row_steps


class TableSource:
    """An Arrow table."""

    def __init__(self, table: pa.Table, name: str) -> None:
        self._table = table
        self._fields = fields_of(table.schema, self._first_length)
        refuse_twins(self._fields.names, name)
        self.header = Header(
            name, "table", self._fields.names, self._fields.types, table.num_rows, "memory",
            vectors=self._fields.vectors, decimals=has_decimals(table.schema),
        )  # fmt: skip

    def _first_length(self, name: str) -> int:
        return next(filter(None, map(first_width, self._table[name].chunks)), 0)

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

    def place_of(self, row: int) -> Place:
        """There are no lines."""
        return Place(self.header.path, row)

    def check_unchanged(self) -> None:
        """Nothing to check."""

    def blocks(self, extent: Extent, selection: Selection, block_bytes: int) -> Iterator[Block]:
        """Rows of the selected columns."""
        used = self._fields.needed(selection)
        chosen = self._table.select(used)
        rows = block_bytes // (8 * max(1, len(selection.matrix)))
        for first, stop in row_steps(extent, rows):
            piece = chosen.slice(first, stop - first).combine_chunks()
            columns = [piece.column(i).combine_chunks() for i in range(piece.num_columns)]
            arrays = [each.chunk(0) if isinstance(each, pa.ChunkedArray) else each for each in columns]
            cells = Cells(
                self._fields, dict(zip(used, arrays, strict=True)), first, self.place_of,
                empty="the value is missing", rows=stop - first,
            )  # fmt: skip
            yield cells.block(selection)


class FrameSource(TableSource):
    """A data frame of pandas, which also has an index."""

    def __init__(self, frame: Frame, name: str) -> None:
        super().__init__(frame.table, name)
        self._frame = frame
        self.header = replace(self.header, index=frame.index, renumbered=frame.renumbered, counted=frame.counted)

    def indexed(self) -> FrameSource:
        """The same with its index as a column, also where that only counts the rows."""
        return FrameSource(with_index(self._frame), self.header.path)


def open_object(thing: Any, name: str) -> Source:
    """A source from a NumPy array, an Arrow table, a pandas DataFrame or Series, or a list of numbers or names."""
    module = type(thing).__module__.partition(".")[0]
    if isinstance(thing, pa.Table):
        return TableSource(thing, name)
    if module == "pandas" and holds_columns(thing):
        return FrameSource(frame_of(thing, name), name)
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

"""Arrays, DataFrames and Arrow tables of a running program, read as if they were files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from divtool.errors import InputError, UsageError
from divtool.formats.arrow_types import has_decimals
from divtool.formats.fields import Cells, fields_of, first_width, refuse_twins
from divtool.formats.npy import ArraySource
from divtool.formats.source import Block, Extent, Header, Place, Selection, Source, row_steps


class TableSource:
    """An Arrow table."""

    def __init__(
        self, table: pa.Table, name: str, index: tuple[str, ...] = (), renumbered: str | None = None
    ) -> None:  # fmt: skip
        self._table = table
        self._fields = fields_of(table.schema, self._first_length)
        refuse_twins(self._fields.names, name)
        self.header = Header(
            name, "table", self._fields.names, self._fields.types, table.num_rows, "memory",
            vectors=self._fields.vectors, decimals=has_decimals(table.schema), index=index,
            renumbered=renumbered,
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


def open_object(thing: Any, name: str) -> Source:
    """A source from a NumPy array, an Arrow table, a pandas DataFrame or Series, or a list of numbers or names."""
    module = type(thing).__module__.partition(".")[0]
    if isinstance(thing, pa.Table):
        return TableSource(thing, name)
    if module == "pandas":
        frame = thing.to_frame(name=thing.name or "values") if type(thing).__name__ == "Series" else thing
        # An index that says more than the place of a row names the rows, as it does in pandas.
        index: tuple[str, ...] = ()
        renumbered = _renumbered(frame.index)
        if renumbered or frame.index.name is not None or type(frame.index).__name__ != "RangeIndex":
            index = (str(frame.index.name or "index"),)
            frame = frame.reset_index(names=frame.index.name or "index")
        frame = frame.rename(columns=str)
        try:
            table = pa.Table.from_pandas(frame, preserve_index=False)
        except (ValueError, TypeError, pa.ArrowException) as error:
            raise InputError(f"cannot be read as a table: {error}", path=name) from None
        return TableSource(table.replace_schema_metadata(None), name, index, renumbered)
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


def _renumbered(index: Any) -> str | None:
    """The name of the column that becomes of an index without a name that holds the numbers of the rows, 0 to n-1, in
    any order; None for any other, and for one that counts them as a data frame does that was never put in order."""
    if index.name is not None or index.nlevels != 1 or (type(index).__name__ == "RangeIndex" and index.step > 0):
        return None
    values = np.asarray(index)
    holds = values.dtype.kind in "iu" and np.array_equal(np.sort(values), np.arange(len(values)))
    return "index" if holds else None

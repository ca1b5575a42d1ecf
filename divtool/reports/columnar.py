"""Records as a Parquet file: columns of doubles, whole numbers, truth values and text, None as null."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from divtool.formats.keys import text_keys

# What columns are by their names, whatever their cells happen to be: a file keeps its types where a run has a single
# row, no interval or no test.
COUNTS = frozenset({
    "n", "rows", "ignored", "infinite", "nan", "dropped", "missing", "max_row", "rank", "cases", "degrees_of_freedom",
    "outcomes", "lag", "free", "infinite_at", "reverse_infinite_at", "bins", "first_row", "stop_row",
})  # fmt: skip
NUMBERS = frozenset({
    "value", "std_error", "finite_mean", "max", "denominator", "difference", "diff_low", "diff_high", "p_value",
    "log10_p_value", "gain", "share", "nmi", "expected", "excess", "null_high", "loss", "loss_nats", "loss_bits",
    "loss_bound", "reverse", "log_likelihood", "aic", "bic", "temperature", "accuracy", "nll_before", "nll_after",
    "std_error_before", "std_error_after", "ece_before", "ece_after",
})  # fmt: skip
FLAGS = frozenset({"tied", "rough"})


def parquet_of(records: Sequence[Mapping[str, object]]) -> bytes:
    """A Parquet file of records that have the same keys in the same order; without any, one without columns.

    A column is what its name says (:data:`COUNTS`, :data:`NUMBERS`, :data:`FLAGS`) and what its cells are: whole
    numbers (int64), numbers (float64, also where some are whole), truth values, or text. One of no such name that is
    empty throughout is text.
    """
    names = list(records[0]) if records else []
    arrays = [_column(name, [record[name] for record in records]) for name in names]
    table = pa.Table.from_batches([pa.RecordBatch.from_arrays(arrays, names=names)])
    stream = io.BytesIO()
    with pq.ParquetWriter(stream, table.schema, compression="zstd", write_page_checksum=True) as writer:
        writer.write_table(table)
    return stream.getvalue()


def _column(name: str, cells: Sequence[object]) -> pa.Array:
    """A column of the one type that holds its cells. ``pa.array`` would import pandas."""
    kinds = {_kind(cell) for cell in cells if cell is not None} | _named_kind(name)
    if kinds == {bool}:
        return _built(pa.bool_(), cells, lambda values: np.packbits(np.array(values, np.bool_), bitorder="little"))
    if kinds == {int}:
        return _built(pa.int64(), cells, lambda values: np.array(values, np.int64))
    if kinds and kinds <= {int, float}:
        return _built(pa.float64(), cells, lambda values: np.array(values, np.float64))
    texts = text_keys(["" if cell is None else _text(cell) for cell in cells]).values
    return pa.Array.from_buffers(pa.string(), len(cells), [_validity(cells), *texts.buffers()[1:]])


def _kind(cell: object) -> type:
    return next((kind for kind in (bool, int, float) if isinstance(cell, kind)), str)


def _named_kind(name: str) -> set[type]:
    found = [(COUNTS, int), (NUMBERS, float), (FLAGS, bool)]
    return {kind for names, kind in found if name in names}


def _built(type_: Any, cells: Sequence[object], packed: Callable[[list[Any]], Any]) -> pa.Array:
    data = pa.py_buffer(packed([0 if cell is None else cell for cell in cells]))
    return pa.Array.from_buffers(type_, len(cells), [_validity(cells), data])


def _validity(cells: Sequence[object]) -> pa.Buffer | None:
    there = [cell is not None for cell in cells]
    return None if all(there) else pa.py_buffer(np.packbits(np.array(there, np.bool_), bitorder="little"))


def _text(cell: object) -> str:
    """A cell as text; lists and the like as JSON."""
    return cell if isinstance(cell, str) else json.dumps(cell, default=str)

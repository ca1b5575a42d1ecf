"""One table written in every format that divtool reads, by other hands than divtool's own writers."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.ipc as ipc
import pyarrow.parquet as pq


@dataclass(frozen=True)
class Table:
    """``numbers`` (n, columns), and what a format may hold beside them. Without names there is no header."""

    numbers: np.ndarray
    names: Sequence[str] | None = None
    ids: Sequence[Any] | None = None
    labels: Sequence[Any] | None = None

    @property
    def columns(self) -> list[tuple[str, Sequence[Any]]]:
        """All columns with their names: id, numbers, label."""
        names = self.names or [str(i) for i in range(self.numbers.shape[1])]
        middle = list(zip(names, self.numbers.T, strict=True))
        before = [] if self.ids is None else [("id", self.ids)]
        return [*before, *middle, *([] if self.labels is None else [("label", self.labels)])]


@dataclass(frozen=True)
class TableFormat:
    """A format: whether it can hold column names, ids and text labels; how a table is written."""

    name: str
    suffix: str
    holds_names: bool
    save: Callable[[Path, Table], None]

    def write(
        self,
        path: Path,
        numbers: np.ndarray,
        *,
        names: Sequence[str] | None = None,
        ids: Sequence[Any] | None = None,
        labels: Sequence[Any] | None = None,
    ) -> str:
        """Write the table beside ``path``'s folder with the right suffix, as far as the format can hold it."""
        beside = (names, ids, labels) if self.holds_names else (None, None, None)
        target = path.with_suffix(self.suffix)
        self.save(target, Table(np.asarray(numbers), *beside))
        return str(target)

    def __str__(self) -> str:
        return self.name


def save_delimited(path: Path, table: Table, delimiter: str) -> None:
    """Doubles with ``repr``: 17 digits where they are needed."""
    names = [name for name, _ in table.columns]
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=delimiter, lineterminator="\n")
        if table.names is not None or table.ids is not None:
            writer.writerow(names)
        columns = [_plain(column) for _, column in table.columns]
        writer.writerows(zip(*columns, strict=True))


def _plain(column: Sequence[Any]) -> list[Any]:
    return column.tolist() if isinstance(column, np.ndarray) else list(column)


def save_parquet(path: Path, table: Table, rows_in_group: int = 1000) -> None:
    """Several row groups wherever there are rows enough; labels dictionary-coded, as pandas categories are."""
    columns = [pa.array(_plain(column), _arrow_type(column)) for _, column in table.columns]
    names = [name for name, _ in table.columns]
    if table.labels is not None and pa.types.is_string(columns[-1].type):
        columns[-1] = columns[-1].dictionary_encode()
    pq.write_table(pa.table(columns, names=names), path, row_group_size=rows_in_group)


def _arrow_type(column: Sequence[Any]) -> Any:
    return pa.from_numpy_dtype(column.dtype) if isinstance(column, np.ndarray) else None


def save_arrow(path: Path, table: Table, rows_in_batch: int = 37) -> None:
    """Several batches, compressed as Feather is; labels dictionary-coded, as pandas categories are."""
    columns = [pa.array(_plain(column), _arrow_type(column)) for _, column in table.columns]
    if table.labels is not None and pa.types.is_string(columns[-1].type):
        columns[-1] = columns[-1].dictionary_encode()
    whole = pa.table(columns, names=[name for name, _ in table.columns])
    feather.write_feather(whole, path, compression="lz4", chunksize=rows_in_batch)


def save_arrow_stream(path: Path, table: Table) -> None:
    """The same as a stream, which has no index of its batches."""
    columns = [pa.array(_plain(column), _arrow_type(column)) for _, column in table.columns]
    whole = pa.table(columns, names=[name for name, _ in table.columns])
    with ipc.new_stream(path, whole.schema) as writer:
        writer.write_table(whole, max_chunksize=37)


def save_npy(path: Path, table: Table) -> None:
    """Numbers alone: an array has no names and no text."""
    np.save(path, table.numbers)


def save_npz(path: Path, table: Table) -> None:
    """One array among others, stored as it is."""
    np.savez(path, allow_pickle=False, logits=table.numbers)


def save_packed_npz(path: Path, table: Table) -> None:
    """The same, deflated."""
    np.savez_compressed(path, allow_pickle=False, logits=table.numbers)


SAFETENSORS_TYPES = {
    "f8": "F64", "f4": "F32", "f2": "F16", "i8": "I64", "i4": "I32", "i2": "I16", "i1": "I8",
    "u8": "U64", "u4": "U32", "u2": "U16", "u1": "U8", "b1": "BOOL",
}  # fmt: skip


def safetensors_bytes(tensors: dict[str, tuple[str, tuple[int, ...], bytes]], **extra: Any) -> bytes:
    """A file by the published layout: the length of a JSON header, the header, the data of name -> (type, shape, data).

    ``extra`` are further fields of the header.
    """
    header, at = dict(extra), 0
    for name, (dtype, shape, data) in tensors.items():
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [at, at + len(data)]}
        at += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + b"".join(data for _, _, data in tensors.values())


def save_safetensors(path: Path, table: Table) -> None:
    """One tensor."""
    array = np.ascontiguousarray(table.numbers)
    little = array.astype(array.dtype.newbyteorder("<"))
    dtype = SAFETENSORS_TYPES[f"{array.dtype.kind}{array.dtype.itemsize}"]
    path.write_bytes(safetensors_bytes({"logits": (dtype, array.shape, little.tobytes())}))


def save_jsonl(path: Path, table: Table) -> None:
    """Objects where columns have names, arrays where they have none; infinities as Python's json writes them."""
    names, columns = zip(*table.columns, strict=True)
    rows = zip(*[_plain(column) for column in columns], strict=True)
    named = table.names is not None or table.ids is not None
    lines = [json.dumps(dict(zip(names, row, strict=True)) if named else row, ensure_ascii=False) for row in rows]
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")


CSV = TableFormat("csv", ".csv", True, lambda path, table: save_delimited(path, table, ","))
TSV = TableFormat("tsv", ".tsv", True, lambda path, table: save_delimited(path, table, "\t"))
PARQUET = TableFormat("parquet", ".parquet", True, save_parquet)
ARROW = TableFormat("arrow", ".arrow", True, save_arrow)
ARROW_STREAM = TableFormat("arrow", ".arrows", True, save_arrow_stream)
JSONL = TableFormat("jsonl", ".jsonl", True, save_jsonl)
NPY = TableFormat("npy", ".npy", False, save_npy)
NPZ = TableFormat("npz", ".npz", False, save_npz)
PACKED_NPZ = TableFormat("npz", ".npz", False, save_packed_npz)
SAFETENSORS = TableFormat("safetensors", ".safetensors", False, save_safetensors)

FORMATS = (CSV, TSV, JSONL, PARQUET, ARROW, ARROW_STREAM, NPY, NPZ, PACKED_NPZ, SAFETENSORS)

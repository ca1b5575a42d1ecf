"""One table written in every format that divtool reads, by other hands than divtool's own writers."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
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


def save_npy(path: Path, table: Table) -> None:
    """Numbers alone: an array has no names and no text."""
    np.save(path, table.numbers)


CSV = TableFormat("csv", ".csv", True, lambda path, table: save_delimited(path, table, ","))
TSV = TableFormat("tsv", ".tsv", True, lambda path, table: save_delimited(path, table, "\t"))
PARQUET = TableFormat("parquet", ".parquet", True, save_parquet)
NPY = TableFormat("npy", ".npy", False, save_npy)

FORMATS = (CSV, TSV, PARQUET, NPY)

"""From a suffix to a writer of rows."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import IO, Any, Protocol

from divtool.errors import UsageError
from divtool.formats.atomic import whole_file
from divtool.formats.keys import Keys
from divtool.formats.source import Stored

_WRITERS = {
    "csv": ("csv", "CsvWriter"),
    "tsv": ("csv", "tsv_writer"),
    "npy": ("npy", "NpyWriter"),
    "npz": ("npz", "NpzWriter"),
    "safetensors": ("safetensors", "SafetensorsWriter"),
    "parquet": ("parquet", "ParquetWriter"),
    "arrow": ("arrow", "ArrowWriter"),
    "jsonl": ("jsonl", "JsonlWriter"),
}
_SUFFIXES = {".csv": "csv", ".tsv": "tsv", ".txt": "tsv", ".npy": "npy",
             ".npz": "npz", ".safetensors": "safetensors", ".parquet": "parquet", ".pq": "parquet",
             ".arrow": "arrow", ".feather": "arrow",
             ".jsonl": "jsonl", ".ndjson": "jsonl"}  # fmt: skip


class RowWriter(Protocol):
    """Takes rows in order: columns of ids and labels, and a block of doubles (n, number_names)."""

    def write(self, keys: Sequence[Keys], numbers: Stored) -> None: ...

    def close(self) -> None: ...


def row_format(path: str) -> str:
    """The format that a file's suffix asks for."""
    suffix = os.path.splitext(path)[1].lower()
    if suffix in _SUFFIXES:
        return _SUFFIXES[suffix]
    raise UsageError(
        f'{path}: the suffix "{suffix}" names no format for rows; expected one of {", ".join(sorted(_SUFFIXES))}'
    )


def row_writer(
    format: str, stream: IO[bytes], key_names: Sequence[str], number_names: Sequence[str], *, single: bool = False
) -> RowWriter:
    """A writer onto an open stream. ``single``: an array format writes one number a row as one dimension."""
    module, name = _WRITERS[format]
    make: Any = getattr(import_module(f"divtool.formats.{module}"), name)
    writer: RowWriter = make(stream, key_names, number_names, single)
    return writer


@contextmanager
def row_file(
    path: str, key_names: Sequence[str], number_names: Sequence[str], *, single: bool = False
) -> Iterator[RowWriter]:
    """A file of rows that appears whole or not at all."""
    format = row_format(path)
    with whole_file(path) as stream:
        writer = row_writer(format, stream, key_names, number_names, single=single)
        try:
            yield writer
        except BaseException:
            # The file will not get its name; a writer left open would speak of it when it is collected.
            with suppress(Exception):
                writer.close()
            raise
        writer.close()

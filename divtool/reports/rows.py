"""Rows on the screen: written to a spool while they are computed, shown when the last check has passed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import IO

from divtool.formats.writing import RowWriter, row_writer
from divtool.reports.markdown import markdown_table
from divtool.reports.safetext import safe
from divtool.result import SCHEMA

_SPOOLED_AS = {"json": "jsonl", "jsonl": "jsonl", "csv": "csv", "tsv": "tsv", "md": "tsv", "table": "tsv"}
_AT_ONCE = 1 << 20
_WIDEST = 40


def spool_writer(form: str, spool: IO[bytes], keys: Sequence[str], numbers: Sequence[str]) -> RowWriter:
    """A writer of rows from which :func:`shown` can make the form that was asked for."""
    return row_writer(_SPOOLED_AS[form], spool, keys, numbers)


def shown(form: str, spool: IO[bytes], version: str, command: str) -> Iterator[bytes]:
    """The spooled rows in the form asked for, piece by piece."""
    spool.seek(0)
    if form == "json":
        yield from _as_document(spool, version, command)
    elif form == "md":
        yield from _as_markdown(spool)
    elif form == "table":
        yield from _as_columns(spool)
    else:
        while piece := spool.read(_AT_ONCE):
            yield piece


def _as_document(spool: IO[bytes], version: str, command: str) -> Iterator[bytes]:
    head = json.dumps({"schema": SCHEMA, "divtool": version, "command": command})
    yield head[:-1].encode() + b', "rows": [\n'
    before = b""
    for line in spool:
        yield before + line.rstrip(b"\n")
        before = b",\n"
    yield b"\n]}\n"


def _cells(line: bytes) -> list[str]:
    return [safe(cell, _WIDEST) for cell in line.decode("utf-8", "replace").rstrip("\n").split("\t")]


def _as_markdown(spool: IO[bytes]) -> Iterator[bytes]:
    head = _cells(spool.readline())
    yield markdown_table([head]).encode()
    for line in spool:
        yield markdown_table([_cells(line)]).splitlines(keepends=True)[0].encode()


def _as_columns(spool: IO[bytes]) -> Iterator[bytes]:
    """Aligned columns; their widths are those of all rows, found on a first reading."""
    widths: list[int] = []
    for line in spool:
        sizes = [len(cell) for cell in _cells(line)]
        widths = [max(pair) for pair in zip(sizes, widths or sizes, strict=True)]
    spool.seek(0)
    for line in spool:
        cells = [cell.rjust(width) for cell, width in zip(_cells(line), widths, strict=True)]
        yield ("  ".join(cells).rstrip() + "\n").encode()

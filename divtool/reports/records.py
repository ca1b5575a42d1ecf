"""Lines of named cells in the forms that programs read, and as aligned columns for people."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

from divtool.errors import UsageError
from divtool.formats.tab_cells import tab_cell
from divtool.reports.markdown import markdown_table
from divtool.reports.plain import jsonable
from divtool.reports.safetext import safe
from divtool.result import SCHEMA, InputReport

Record = Mapping[str, object]
_FORMS = ("jsonl", "csv", "tsv", "md")


def delimited(records: Sequence[Record], form: str) -> str:
    """Records as "tsv", "csv", "md" or "jsonl": numbers as the shortest text that reads back to the same double, an
    empty cell for None. Cells of TSV are those of :func:`divtool.formats.tab_cells.tab_cell`.

    >>> print(delimited([{"column": "a", "gain": 0.1, "p": None}], "csv"), end="")
    column,gain,p
    a,0.1,
    """
    if form not in _FORMS:
        raise UsageError(f"--format {form}: this result has the forms table, json, {', '.join(_FORMS)}")
    if form == "jsonl":
        return "".join(json.dumps(jsonable(record)) + "\n" for record in records)
    lines = [[_text(value) for value in record.values()] for record in records]
    if records:
        lines.insert(0, list(records[0]))
    if form == "md":
        return markdown_table([[safe(cell, 200) for cell in cells] for cells in lines])
    if form == "csv":
        return "".join(map(_csv_line, lines))
    return "".join("\t".join(map(tab_cell, cells)) + "\n" for cells in lines)


def report(
    records: Sequence[Record], form: str, *, title: str, inputs: Sequence[InputReport] = (), notes: Sequence[str] = ()
) -> str | bytes:
    """Records in any form but "table" and "json": those of :func:`delimited`, a Parquet file, or an HTML page with its
    title, the inputs, a table of the records, and notes."""
    if form == "parquet":
        from divtool.reports.columnar import parquet_of

        return parquet_of(records)
    if form == "html":
        from divtool.reports.recordpage import record_page

        return record_page(records, title, inputs, notes)
    return delimited(records, form)


def document(version: str, command: str, **parts: Any) -> str:
    """A JSON document of the schema ``divtool/1``; infinities are texts."""
    head = {"schema": SCHEMA, "divtool": version, "command": command}
    return json.dumps({**head, **{name: jsonable(part) for name, part in parts.items()}}, indent=2) + "\n"


def _text(value: object) -> str:
    if value is None:
        return ""
    return repr(value) if isinstance(value, float) else str(value)


def _csv_line(cells: Sequence[str]) -> str:
    """A line of CSV. Python's writer puts into quotation marks only what its own ends of lines consist of, and a
    carriage return ends a line for many readers."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue()[:-2] + "\n"

"""Lines of named cells in the forms that programs read, and as aligned columns for people."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

from divtool.formats.jsonl import plain
from divtool.reports.delimited import markdown_table
from divtool.reports.safetext import safe
from divtool.result import SCHEMA

Record = Mapping[str, object]


def delimited(records: Sequence[Record], form: str) -> str:
    """Records as "tsv", "csv", "md" or "jsonl": numbers as the shortest text that reads back to the same double, an
    empty cell for None.

    >>> print(delimited([{"column": "a", "gain": 0.1, "p": None}], "csv"), end="")
    column,gain,p
    a,0.1,
    """
    if form == "jsonl":
        return "".join(json.dumps(jsonable(record)) + "\n" for record in records)
    lines = [[_text(value) for value in record.values()] for record in records]
    if records:
        lines.insert(0, list(records[0]))
    if form == "md":
        return markdown_table([[safe(cell, 200) for cell in cells] for cells in lines])
    if form == "csv":
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(lines)
        return text.getvalue()
    return "".join("\t".join(_one_cell(cell) for cell in cells) + "\n" for cells in lines)


def document(version: str, command: str, **parts: Any) -> str:
    """A JSON document of the schema ``divtool/1``; infinities are texts."""
    head = {"schema": SCHEMA, "divtool": version, "command": command}
    return json.dumps({**head, **{name: jsonable(part) for name, part in parts.items()}}, indent=2) + "\n"


def jsonable(value: Any) -> Any:
    """The value as JSON can say it: infinite and undefined numbers as texts."""
    if isinstance(value, float):
        return plain(value)
    if isinstance(value, Mapping):
        return {str(name): jsonable(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(each) for each in value]
    return value


def _text(value: object) -> str:
    if value is None:
        return ""
    return repr(value) if isinstance(value, float) else str(value)


def _one_cell(text: str) -> str:
    """Text that neither ends a cell nor a line."""
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")

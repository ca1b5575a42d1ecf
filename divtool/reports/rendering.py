"""The forms of a result, by name; each is imported when it is asked for."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib import import_module
from typing import Any

from divtool.errors import UsageError
from divtool.registry import Registry
from divtool.result import Result


def _later(module: str, function: str) -> Callable[..., str | bytes]:
    def render_with(result: Result, **options: Any) -> str | bytes:
        text: str | bytes = getattr(import_module(f"divtool.reports.{module}"), function)(result, **options)
        return text

    return render_with


FORMS: Registry[Callable[..., str | bytes]] = Registry("format")
FORMS.add("table", _later("table", "as_table"))
FORMS.add("json", _later("plain", "as_json"))
FORMS.add("jsonl", _later("plain", "as_jsonl"))
FORMS.add("csv", _later("delimited", "as_csv"))
FORMS.add("tsv", _later("delimited", "as_tsv"))
FORMS.add("md", _later("delimited", "as_markdown"))
FORMS.add("parquet", _later("delimited", "as_parquet"))
FORMS.add("html", _later("html", "as_html"))

SUFFIXES = {
    ".json": "json", ".jsonl": "jsonl", ".csv": "csv", ".tsv": "tsv", ".md": "md", ".txt": "table",
    ".parquet": "parquet", ".html": "html", ".htm": "html",
}  # fmt: skip


def form_of_suffix(path: str) -> str:
    """The form of a report that a file's suffix asks for."""
    suffix = os.path.splitext(path)[1].lower()
    if suffix not in SUFFIXES:
        raise UsageError(
            f'{path}: the suffix "{suffix}" names no form of a report; expected one of {", ".join(SUFFIXES)}',
            hint="or say it: --format json",
        )
    return SUFFIXES[suffix]


def as_bytes(report: str | bytes) -> bytes:
    """A report as it is written."""
    return report if isinstance(report, bytes) else report.encode()


def render(
    result: Result, form: str, *, digits: int = 7, terminal: bool = False, ascii_only: bool = False
) -> str | bytes:
    """A result as text, or as the bytes of a Parquet file.

    ``digits`` matters to the table and the page alone, ``terminal`` and ``ascii_only`` (charts have no other signs) to
    the table: machine forms hold every bit.
    """
    if form == "table":
        return FORMS.get(form)(result, digits=digits, terminal=terminal, ascii_only=ascii_only)
    return FORMS.get(form)(result, digits=digits) if form == "html" else FORMS.get(form)(result)

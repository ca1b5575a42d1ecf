"""One line a measure, with a header: TSV, CSV and Markdown."""

from __future__ import annotations

import csv
import io

from divtool.reports.plain import record
from divtool.result import Result


def _lines(result: Result) -> list[list[str]]:
    records = [record(each) for each in result.results]
    return [list(records[0]), *(list(each.values()) for each in records)] if records else []


def as_tsv(result: Result) -> str:
    """Tabs between the cells."""
    return "".join("\t".join(cells) + "\n" for cells in _lines(result))


def as_csv(result: Result) -> str:
    """Commas between the cells."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(_lines(result))
    return text.getvalue()


def as_markdown(result: Result) -> str:
    """A Markdown table."""
    return markdown_table(_lines(result))


def markdown_table(lines: list[list[str]]) -> str:
    """Cells as a Markdown table; the first line is its head.

    >>> print(markdown_table([["a", "b"], ["1", "x|y"]]), end="")
    | a | b |
    |---|---|
    | 1 | x\\|y |
    """
    if not lines:
        return ""
    rows = ["| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n" for cells in lines]
    return rows[0] + "|" + "---|" * len(lines[0]) + "\n" + "".join(rows[1:])

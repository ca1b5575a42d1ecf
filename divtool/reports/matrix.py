"""Every two of several files: a table for people, a line for each pair for programs."""

from __future__ import annotations

import math
from collections.abc import Iterator

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from divtool.options import Writing
from divtool.reports.names import told_apart
from divtool.reports.plain import input_record
from divtool.reports.records import document, report
from divtool.reports.safetext import safe
from divtool.reports.table import drawn, header_lines, number
from divtool.result import Matrix, MatrixResult

_DIGITS, _WIDEST_NAME = 4, 28


def render_matrix(result: MatrixResult, form: str, *, digits: int = 7, terminal: bool = False) -> str | bytes:
    """The result in one of the forms of :data:`divtool.options.REPORTS`."""
    if form == "table":
        # Nobody reads seven digits of every pair; who asks for more or fewer gets them.
        shown = _DIGITS if digits == Writing().digits else digits
        return drawn(lambda width: _pieces(result, shown, width), terminal=terminal)
    if form == "json":
        return _as_json(result)
    if form == "html":
        from divtool.reports.matrixpage import matrix_page

        return matrix_page(result)
    records = [record for each in result.matrices for record in _records(each, result)]
    return report(records, form, title="Every two files", inputs=result.inputs, notes=result.warnings)


def _records(each: Matrix, result: MatrixResult) -> Iterator[dict[str, object]]:
    """A line for each pair; of a symmetric measure each two files once."""
    for i, row in enumerate(each.values):
        for j, value in enumerate(row):
            if each.symmetric and j < i:
                continue
            yield {
                "measure": each.label, "reference": result.names[i], "model": result.names[j], "value": value,
                "std_error": each.std_errors[i][j], "unit": each.unit, "n": each.n, "infinite": each.infinite[i][j],
            }  # fmt: skip


def _as_json(result: MatrixResult) -> str:
    return document(
        result.version, "matrix", settings=dict(result.settings),
        inputs={each.roles[0]: input_record(each) for each in result.inputs}, matched=list(result.matched),
        names=list(result.names), rows=result.rows, matrices=[_matrix(each) for each in result.matrices],
        warnings=list(result.warnings),
    )  # fmt: skip


def _matrix(each: Matrix) -> dict[str, object]:
    return {
        "measure": each.measure, "label": each.label, "direction": each.direction, "unit": each.unit,
        "symmetric": each.symmetric, "n": each.n, "values": [list(row) for row in each.values],
        "std_errors": [list(row) for row in each.std_errors], "infinite": [list(row) for row in each.infinite],
    }  # fmt: skip


def _pieces(result: MatrixResult, digits: int, width: int) -> list[RenderableType]:
    pieces = header_lines(result.inputs, result.matched, width)
    for each in result.matrices:
        pieces += [Text(""), _headline(each, result)]
        pieces += _tables(each, result, digits, width)
        pieces.append(Text(_closest(each, result, digits), "bold"))
    return pieces


def _headline(each: Matrix, result: MatrixResult) -> Text:
    unit = "" if each.unit == "1" else f" in {each.unit}"
    said = "" if each.symmetric else f": {each.direction or 'row and column'}, p the row, q the column"
    return Text.assemble((each.title, "bold"), f"{unit}, mean over {each.n:,} rows{said}")


def _tables(each: Matrix, result: MatrixResult, digits: int, width: int) -> Iterator[Table]:
    """The matrix, cut into so many columns as fit beside the names."""
    names = told_apart(result.names, _WIDEST_NAME)
    cells = [[number(value, digits) for value in row] for row in each.values]
    widths = [max(len(str(j + 1)) + 2, *(len(row[j]) for row in cells)) + 2 for j in range(len(names))]
    places = len(str(len(names))) + 2
    head = max(map(len, names)) + places + 1
    best = each.closest
    first = 0
    while first < len(names):
        stop = first + 1
        while stop < len(names) and head + sum(widths[first : stop + 1]) <= width:
            stop += 1
        table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
        table.add_column("", no_wrap=True)
        for j in range(first, stop):
            table.add_column(f"[{j + 1}]", justify="right", no_wrap=True)
        for i, row in enumerate(cells):
            shown = [Text(row[j], _style(i, j, best)) for j in range(first, stop)]
            table.add_row(Text(f"{f'[{i + 1}]':>{places}} {names[i]}"), *shown)
        yield table
        first = stop


def _style(i: int, j: int, best: tuple[int, int] | None) -> str:
    if i == j:
        return "dim"
    return "bold cyan" if best is not None and {i, j} == set(best) else ""


def _closest(each: Matrix, result: MatrixResult, digits: int) -> str:
    """The pair that is most alike, in a sentence."""
    best = each.closest
    if best is None:
        return ""
    i, j = best
    value = each.values[i][j]
    unit = "" if each.unit == "1" else f" {each.unit}"
    if math.isinf(value) and each.better != "higher":
        return "every pair is infinite"
    names = f"{safe(result.names[i], 60)} and {safe(result.names[j], 60)}"
    return f"closest: {names}, {number(value, digits)}{unit}"

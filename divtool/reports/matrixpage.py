"""A page for every two of several files: a table for each measure, the darker the farther apart."""

from __future__ import annotations

import math

from divtool.reports.htmlparts import inputs_html
from divtool.reports.names import told_apart
from divtool.reports.page import Cell, escaped, listed, page, table_html
from divtool.result import Matrix, MatrixResult

# More files than these have smaller numbers, with a digit less.
_MANY = 8


def matrix_page(result: MatrixResult) -> str:
    """The matrices as tables with shades; every number whole in its ``title``."""
    sections = [(_heading(each), _table(each, result)) for each in result.matrices]
    sections += [("Warnings", listed(result.warnings)), ("What was read", inputs_html(result.inputs, result.matched))]
    many = len(result.names) > _MANY
    return page(f"{len(result.names)} files compared with each other", sections, broad=many)


def _heading(each: Matrix) -> str:
    unit = "" if each.unit == "1" else f" ({each.unit})"
    return f"{each.title}{unit}"


def _table(each: Matrix, result: MatrixResult) -> str:
    finite = [value for row in each.values for value in row if math.isfinite(value)]
    low, high = min(finite, default=0.0), max(finite, default=0.0)
    many = len(result.names) > _MANY
    digits, names = (3, told_apart(result.names, 30)) if many else (4, list(result.names))
    rows = [
        [Cell(f"[{i + 1}] {names[i]}", result.names[i], "name"), *(_cell(value, low, high, digits) for value in row)]
        for i, row in enumerate(each.values)
    ]
    head = ["", *(f"[{j + 1}]" for j in range(len(result.names)))]
    said = f"Mean over {each.n:,} rows"
    said += "" if each.symmetric else f"; {each.direction or 'p, q'}: p is the row, q the column"
    return table_html(head, rows, range(1, len(head)), caption=said, sticky=True, small=many)


def _cell(value: float, low: float, high: float, digits: int) -> Cell:
    """A number on a shade of its size."""
    share = 1.0 if not math.isfinite(value) else (value - low) / (high - low) if high > low else 0.0
    shade = f"background:rgba(0,114,178,{0.55 * share:.3f});display:block;padding:.1em .45em;border-radius:3px"
    shown = escaped(f"{value:.{digits}g}")
    return Cell(f'<span style="{shade}">{shown}</span>', title=repr(value), style="n", trusted=True)

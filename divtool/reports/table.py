"""The table for people: what was read and matched, the number with its unit, and how the rows are spread."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Sequence
from math import isfinite
from typing import TYPE_CHECKING

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from divtool.reports.narrow import head_of, leave_out, left_out
from divtool.reports.safetext import safe
from divtool.reports.wording import basis_said, bound_said, directed, meaning_said, name_said, oddities, shape_said
from divtool.reports.wording import number as number
from divtool.result import InputReport, MeasureResult, Result, Shape

if TYPE_CHECKING:
    from divtool.reports.ranked import Ranking

_ROLES = {"target": "labels"}
_WIDEST_PATH, _GAP = 44, 3


def as_table(result: Result, *, digits: int, terminal: bool, width: int | None = None, ascii_only: bool = False) -> str:
    """Colour only for a terminal; elsewhere a fixed width, so that nothing is cut or depends on a window.
    ``ascii_only``: charts have no other signs."""
    pieces = _of_several if result.candidates else _of_one

    def laid_out(width: int) -> list[RenderableType]:
        return pieces(result, digits, width, terminal, ascii_only)

    return drawn(laid_out, terminal=terminal, width=width)


def input_lines(inputs: Sequence[InputReport], matched: Sequence[str], *, terminal: bool) -> str:
    """What was read and how it was matched."""
    return drawn(lambda width: header_lines(inputs, matched, width), terminal=terminal)


def drawn(pieces: Callable[[int], list[RenderableType]], *, terminal: bool, width: int | None = None) -> str:
    """Pieces that are told their width, as text; with colour on a terminal."""
    stream = io.StringIO()
    console = Console(
        file=stream, force_terminal=terminal, no_color=not terminal or bool(os.environ.get("NO_COLOR")),
        width=width if width is not None else None if terminal else 120, markup=False, highlight=False, emoji=False,
        legacy_windows=False,
    )  # fmt: skip
    console.print(Group(*pieces(console.width)))
    return "".join(line.rstrip() + "\n" for line in stream.getvalue().splitlines())


def header_lines(inputs: Sequence[InputReport], matched: Sequence[str], width: int) -> list[RenderableType]:
    """What was read, a line a file, and how the rows were matched."""
    pieces: list[RenderableType] = [_inputs(inputs, width)]
    if matched:
        said = "; ".join(matched).replace(" matched", "")
        pieces.append(Text.assemble(("matched ", "dim"), safe(said, 400)))
    return pieces


def _of_one(result: Result, digits: int, width: int, terminal: bool, ascii_only: bool) -> list[RenderableType]:
    pieces = header_lines(result.inputs, result.matched, width)
    for each in result.results[:1]:
        pieces += [
            Text(""),
            _headline(each, result, digits, width),
            Text(basis_said(each, result), "dim"),
            Text(""),
            *_spread(each, digits, width),
        ]
        if terminal and each.shape is not None and each.shape.counts:
            pieces.append(_histogram(each, each.shape, ascii_only=ascii_only))
    if len(result.results) > 1:
        pieces += [Text(""), *_others(result, digits, width)]
    return pieces + _parts(result, None, digits, width, ascii_only)


def _of_several(result: Result, digits: int, width: int, terminal: bool, ascii_only: bool) -> list[RenderableType]:
    from divtool.reports.candidates import candidate_pieces
    from divtool.reports.ranked import ranking_of

    ranking = ranking_of(result)
    if ranking is None:
        return _of_one(result, digits, width, terminal, ascii_only)
    pieces = candidate_pieces(result, ranking, digits, width, ascii_only=ascii_only)
    return pieces + _parts(result, ranking, digits, width, ascii_only)


def _parts(result: Result, ranking: Ranking | None, digits: int, width: int, ascii_only: bool) -> list[RenderableType]:
    """Groups, worst rows and thresholds, which few runs have."""
    if not (result.groups or result.gates or any(len(each.worst) > 1 for each in result.results)):
        return []
    from divtool.reports.parts import part_pieces

    return part_pieces(result, ranking, digits, width, ascii_only=ascii_only)


def _histogram(each: MeasureResult, shape: Shape, *, ascii_only: bool) -> Text:
    """How many rows lie where, a sign for each interval. Its ends are named and not numbered: they are edges of
    intervals, near the least and the greatest row and not equal to them."""
    from divtool.reports.charts import sparkline

    low = f"{shape.below:,} rows lower" if shape.below else "min" if isfinite(each.minimum) else "least finite"
    high = f"{shape.above:,} rows higher" if shape.above else "max" if isfinite(each.maximum) else "greatest finite"
    signs = sparkline(shape.counts, ascii_only=ascii_only)
    text = Text.assemble((f"{low} ", "dim"), (signs, "cyan"), (f" {high}", "dim"))
    return text.append(", log scale", "dim") if shape.logarithmic else text


# The columns of the other measures in the order in which they are left out where a screen is too narrow.
_LEAST_WANTED = ("p95", "median", "where", "+-", "max")


def _others(result: Result, digits: int, width: int) -> list[RenderableType]:
    """The other measures of the run, a line each; what does not fit is left out and named, never cut."""
    rows = [_line(each, digits) for each in result.results[1:]]
    shown = [name for name in rows[0] if not name.endswith(" head")]
    hidden = leave_out(rows, shown, width, _LEAST_WANTED, _GAP)
    table = Table(box=None, padding=(0, _GAP, 0, 0), pad_edge=False, header_style="dim")
    for name in shown:
        right = name not in ("also", "unit", "where")
        table.add_column(head_of(rows, name), justify="right" if right else "left", no_wrap=name != "also",
                         overflow="fold")  # fmt: skip
    styles = {"value": "bold cyan", "where": "dim"}
    for row in rows:
        table.add_row(*(Text(row[name], styles.get(name, "")) for name in shown))
    where = "row of the max" + (", infinite and NaN rows" if any(map(oddities, result.results[1:])) else "")
    return [table, *left_out([name or where for name in hidden])]


def _line(each: MeasureResult, digits: int) -> dict[str, str]:
    where = "" if each.max_row is None or each.better == "higher" else f"in row {each.max_row}"
    return {
        "also": name_said(each),
        "value": number(each.value, digits),
        "+-": "" if each.std_error is None else number(each.std_error, min(digits, 3)),
        "unit": "" if each.unit == "1" else each.unit,
        "median": number(each.quantiles["p50"], min(digits, 5)),
        "p95": number(each.quantiles["p95"], min(digits, 5)),
        "max": number(each.maximum, min(digits, 5)),
        "where": "; ".join(filter(None, [where, *oddities(each)])), "where head": "",
    }  # fmt: skip


def _inputs(inputs: Sequence[InputReport], width: int) -> Table:
    table = Table.grid(padding=(0, 2))
    for place in range(4):
        table.add_column(overflow="fold", no_wrap=place < 2)
    for each in inputs:
        table.add_row(
            Text("+".join(_ROLES.get(role, role) for role in each.roles), "dim"),
            Text(_short(each.path, min(_WIDEST_PATH, width // 3)), "bold"),
            Text(shape_said(each)), Text(meaning_said(each)),
        )  # fmt: skip
    return table


def _short(path: str, widest: int) -> str:
    """The end of a long path: what tells files apart stands there."""
    shown = safe(path, 4096)
    return shown if len(shown) <= widest else "..." + shown[-widest + 3 :]


def _headline(each: MeasureResult, result: Result, digits: int, width: int) -> Text:
    """Name and number on one line, on two where they would not fit."""
    text = Text()
    name = each.title if each.direction is None else f"{each.title}  {directed(each.direction, result)}"
    text.append(name, "bold")
    value = Text(number(each.value, digits), "bold cyan")
    if each.std_error is not None:
        value.append(f" +- {number(each.std_error, min(digits, 3))}", "not bold default")
    value.append("" if each.unit == "1" else f" {each.unit}", "not bold default")
    text.append("   " if len(text) + 3 + len(value) <= width else "\n   ")
    return text.append_text(value)


def _spread(each: MeasureResult, digits: int, width: int) -> list[RenderableType]:
    """Percentiles of the rows, as many as fit."""
    between = {"median" if name == "p50" else name: value for name, value in each.quantiles.items()}
    cells = {"min": each.minimum, **between, "max": each.maximum}
    shown = {name: number(value, min(digits, 5)) for name, value in cells.items()}
    where = "" if each.max_row is None or each.better == "higher" else f"in row {each.max_row}"
    names = list(shown)
    hidden = leave_out([shown], names, width - len(where) - _GAP, ("p99.9", "p95", "p90", "min", "p99"), _GAP)
    table = Table(box=None, padding=(0, _GAP, 0, 0), pad_edge=False, header_style="dim")
    for name in names:
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_row(*(shown[name] for name in names), Text(where, "dim"))
    rough = [Text(bound_said(each.quantile_bound), "dim")] if each.quantile_bound else []
    return [table, *left_out(hidden), *rough]

"""The table for people: what was read and matched, the number with its unit, and how the rows are spread."""

from __future__ import annotations

import io
import os

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from divtool.options import KINDS
from divtool.reports.safetext import safe
from divtool.result import InputReport, MeasureResult, Result

_ROLES = {"target": "labels"}
_WIDEST_PATH, _WIDEST_NAME = 44, 40


def as_table(result: Result, *, digits: int, terminal: bool, width: int | None = None) -> str:
    """Colour only for a terminal; elsewhere a fixed width, so that nothing is cut or depends on a window."""
    stream = io.StringIO()
    console = Console(
        file=stream, force_terminal=terminal, no_color=not terminal or bool(os.environ.get("NO_COLOR")),
        width=width if width is not None else None if terminal else 120, markup=False, highlight=False, emoji=False,
        legacy_windows=False,
    )  # fmt: skip
    console.print(Group(*_pieces(result, digits, console.width)))
    return "".join(line.rstrip() + "\n" for line in stream.getvalue().splitlines())


def _pieces(result: Result, digits: int, width: int) -> list[RenderableType]:
    pieces: list[RenderableType] = [_inputs(result)]
    matched = "; ".join(result.matched)
    if matched:
        pieces.append(Text.assemble(("matched ", "dim"), safe(matched.replace(" matched", ""), 400)))
    for each in result.results[:1]:
        pieces += [
            Text(""),
            _headline(each, result, digits, width),
            _basis(each, result),
            Text(""),
            _spread(each, digits),
        ]
    if len(result.results) > 1:
        pieces += [Text(""), _others(result, digits)]
    return pieces


def _others(result: Result, digits: int) -> Table:
    """The other measures of the run, a line each."""
    table = Table(box=None, padding=(0, 3, 0, 0), pad_edge=False, header_style="dim")
    table.add_column("also", overflow="fold")
    for name in ("value", "+-"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("unit", no_wrap=True)
    for name in ("median", "p95", "max"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for each in result.results[1:]:
        error = "" if each.std_error is None else number(each.std_error, min(digits, 3))
        shown = (each.quantiles["p50"], each.quantiles["p95"], each.maximum)
        spread = [number(value, min(digits, 5)) for value in shown]
        where = f"in row {each.worst[0].row}" if each.worst else ""
        table.add_row(
            Text(_name(each, result)), Text(number(each.value, digits), "bold cyan"), error,
            "" if each.unit == "1" else each.unit, *spread, Text("; ".join([where, *_oddities(each)]), "dim"),
        )  # fmt: skip
    return table


def _name(each: MeasureResult, result: Result) -> str:
    """A direction with the files in it, else the measure's name with its options."""
    if each.direction is None:
        return each.name + (f" of {safe(os.path.basename(each.of), 40)}" if each.of else "")
    options = each.name.partition("(")[2].removesuffix("_reversed").removesuffix(")")
    tail = f", {options}" if options else ""
    named = _directed(each.direction, result) + tail
    # The header says which file is p and which is q.
    return named if len(named) <= _WIDEST_NAME else each.direction + tail


def _inputs(result: Result) -> Table:
    table = Table.grid(padding=(0, 2))
    for _ in range(4):
        table.add_column(overflow="fold")
    for each in result.inputs:
        table.add_row(
            Text("+".join(_ROLES.get(role, role) for role in each.roles), "dim"), Text(_short(each.path), "bold"),
            Text(_shape(each)), Text(_meaning(each)),
        )  # fmt: skip
    return table


def _short(path: str) -> str:
    """The end of a long path: what tells files apart stands there."""
    shown = safe(path, 4096)
    return shown if len(shown) <= _WIDEST_PATH else "..." + shown[-_WIDEST_PATH + 3 :]


def _shape(each: InputReport) -> str:
    return f"{each.format}, {each.rows:,} x {each.classes:,}" if each.classes else f"{each.format}, {each.rows:,} rows"


def _meaning(each: InputReport) -> str:
    said = []
    if each.kind is not None:
        said.append(f"{KINDS[each.kind]} ({each.evidence})")
    if each.class_names is not None:
        shown = ", ".join(safe(name, 24) for name in each.class_names[:6])
        said.append(f"classes {shown}" + (f", ... ({len(each.class_names)})" if len(each.class_names) > 6 else ""))
    if each.labels is not None:
        said.append(each.labels + (f' in "{safe(each.label_column, 40)}"' if each.label_column else ""))
    said += [each.arranged] if each.arranged else []
    odd = [(name, reason) for name, reason in each.excluded if reason not in ("names the rows", "label")]
    if odd:
        shown = ", ".join(f'"{safe(name, 24)}" ({reason})' for name, reason in odd[:4])
        said.append(f"left out {shown}" + (f" and {len(odd) - 4} more" if len(odd) > 4 else ""))
    return "; ".join(said)


def _headline(each: MeasureResult, result: Result, digits: int, width: int) -> Text:
    """Name and number on one line, on two where they would not fit."""
    text = Text()
    name = each.title if each.direction is None else f"{each.title}  {_directed(each.direction, result)}"
    text.append(name, "bold")
    value = Text(number(each.value, digits), "bold cyan")
    if each.std_error is not None:
        value.append(f" +- {number(each.std_error, min(digits, 3))}", "not bold default")
    value.append("" if each.unit == "1" else f" {each.unit}", "not bold default")
    text.append("   " if len(text) + 3 + len(value) <= width else "\n   ")
    return text.append_text(value)


def _directed(direction: str, result: Result) -> str:
    """``KL(p || q)`` with the files in place of the roles."""
    if "(" not in direction:
        return direction
    inner = direction[direction.index("(") + 1 : -1]
    for each in result.inputs:
        if each.roles and each.roles[0] in ("p", "q"):
            inner = " ".join(
                safe(os.path.basename(each.path), 40) if w == each.roles[0] else w for w in inner.split(" ")
            )
    return f"{direction[: direction.index('(')]}({inner})"


def _basis(each: MeasureResult, result: Result) -> Text:
    name, value = each.denominator
    said = [
        f"{each.reduction} over {each.n:,} rows" + ("" if name != "sum of weights" else f", weights sum to {value:.7g}")
    ]
    said += [f"{each.ignored:,} ignored"] if each.ignored else []
    said += [f"{name.replace('_', ' ')} {value}" for name, value in each.parameters.items() if value not in ("", False)]
    said += _oddities(each)
    said += [
        f"{name.replace('_', ' ')} {value}"
        for name, value in result.settings.items()
        if name in ("temperature", "label_smoothing", "zeros", "like", "mean", "sample_weight")
    ]
    return Text("; ".join(said), "dim")


def _oddities(each: MeasureResult) -> list[str]:
    """Rows that are no ordinary numbers."""
    said = [f"{each.dropped:,} infinite dropped"] if each.dropped else []
    if each.infinite:
        rows = ", ".join(map(str, each.first_infinite))
        said.append(f"{each.infinite:,} infinite (first rows {rows}), finite rows alone {each.finite_mean:.7g}")
    if each.nan:
        said.append(f"{each.nan:,} NaN (first rows {', '.join(map(str, each.first_nan))})")
    return said


def _spread(each: MeasureResult, digits: int) -> RenderableType:
    table = Table(box=None, padding=(0, 3, 0, 0), pad_edge=False, header_style="dim")
    names = {"p50": "median"}
    for name in ("min", *(names.get(name, name) for name in each.quantiles), "max"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    cells = [number(value, min(digits, 5)) for value in (each.minimum, *each.quantiles.values(), each.maximum)]
    where = f"in row {each.worst[0].row}" if each.worst else ""
    table.add_row(*cells, Text(where, "dim"))
    if each.quantile_bound:
        return Group(table, Text(f"quantiles to within a relative {each.quantile_bound:.1g}", "dim"))
    return Padding(table, 0)


def number(value: float, digits: int) -> str:
    """A number for people: so many significant digits, without a tail of zeros.

    >>> number(0.000123456789, 5), number(float("inf"), 5), number(2.0, 5)
    ('0.00012346', 'inf', '2')
    """
    return f"{value:.{digits}g}"

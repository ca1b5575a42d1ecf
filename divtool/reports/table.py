"""The table for people: what was read and matched, the number with its unit, and how the rows are spread."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Sequence

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from divtool.options import KINDS
from divtool.reports.safetext import safe
from divtool.result import InputReport, MeasureResult, Result

_ROLES = {"target": "labels"}
_WIDEST_PATH = 44


def as_table(result: Result, *, digits: int, terminal: bool, width: int | None = None) -> str:
    """Colour only for a terminal; elsewhere a fixed width, so that nothing is cut or depends on a window."""
    return drawn(lambda width: _pieces(result, digits, width), terminal=terminal, width=width)


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


def _pieces(result: Result, digits: int, width: int) -> list[RenderableType]:
    pieces = header_lines(result.inputs, result.matched, width)
    for each in result.results[:1]:
        pieces += [
            Text(""),
            _headline(each, result, digits, width),
            _basis(each, result),
            Text(""),
            _spread(each, digits, width),
        ]
    if len(result.results) > 1:
        pieces += [Text(""), _others(result, digits, width)]
    return pieces


# The columns of the other measures in the order in which they are left out where a screen is too narrow.
_LEAST_WANTED = ("p95", "median", "where", "+-", "max")


def _others(result: Result, digits: int, width: int) -> Table:
    """The other measures of the run, a line each; what does not fit is left out, never cut."""
    rows = [_line(each, digits) for each in result.results[1:]]
    shown = list(rows[0])
    for name in _LEAST_WANTED:
        if sum(max(len(name), *(len(row[name]) for row in rows)) + 3 for name in shown) - 3 <= width:
            break
        shown.remove(name)
    table = Table(box=None, padding=(0, 3, 0, 0), pad_edge=False, header_style="dim")
    for name in shown:
        right = name not in ("also", "unit", "where")
        table.add_column("" if name == "where" else name, justify="right" if right else "left", no_wrap=name != "also",
                         overflow="fold")  # fmt: skip
    styles = {"value": "bold cyan", "where": "dim"}
    for row in rows:
        table.add_row(*(Text(row[name], styles.get(name, "")) for name in shown))
    return table


def _line(each: MeasureResult, digits: int) -> dict[str, str]:
    where = f"in row {each.worst[0].row}" if each.worst else ""
    return {
        "also": _name(each),
        "value": number(each.value, digits),
        "+-": "" if each.std_error is None else number(each.std_error, min(digits, 3)),
        "unit": "" if each.unit == "1" else each.unit,
        "median": number(each.quantiles["p50"], min(digits, 5)),
        "p95": number(each.quantiles["p95"], min(digits, 5)),
        "max": number(each.maximum, min(digits, 5)),
        "where": "; ".join([where, *_oddities(each)]),
    }


def _name(each: MeasureResult) -> str:
    """The measure with its options, and which way it was computed: the header says which file is p and which is q."""
    name = each.name.removesuffix("_reversed")
    if each.direction is not None:
        return name + (" (q || p)" if each.name != name else " (p || q)")
    return name + (f" of {safe(os.path.basename(each.of), 24)}" if each.of else "")


def _inputs(inputs: Sequence[InputReport], width: int) -> Table:
    table = Table.grid(padding=(0, 2))
    for place in range(4):
        table.add_column(overflow="fold", no_wrap=place < 2)
    for each in inputs:
        table.add_row(
            Text("+".join(_ROLES.get(role, role) for role in each.roles), "dim"),
            Text(_short(each.path, min(_WIDEST_PATH, width // 3)), "bold"),
            Text(_shape(each)), Text(_meaning(each)),
        )  # fmt: skip
    return table


def _short(path: str, widest: int) -> str:
    """The end of a long path: what tells files apart stands there."""
    shown = safe(path, 4096)
    return shown if len(shown) <= widest else "..." + shown[-widest + 3 :]


def _shape(each: InputReport) -> str:
    what = f"{each.format} ({safe(each.origin, 60)})" if each.origin else each.format
    return f"{what}, {each.rows:,} x {each.classes:,}" if each.classes else f"{what}, {each.rows:,} rows"


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
    odd = [
        (name, reason)
        for name, reason in each.excluded
        if reason not in ("names the rows", "label", "a label by its name")
    ]
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
        f"{each.reduction} over {f'{value:,.0f} cells of ' if name == 'cells' else ''}{each.n:,} rows"
        + ("" if name != "sum of weights" else f", weights sum to {value:.7g}")
    ]
    said += [f"{each.ignored:,} ignored"] if each.ignored else []
    own = {name: value for name, value in each.parameters.items() if not isinstance(value, str | bool)}
    said += [f"{name.replace('_', ' ')} {value}" for name, value in own.items()]
    said += _oddities(each)
    said += [
        f"{name.replace('_', ' ')} {value}"
        for name, value in result.settings.items()
        if name in ("temperature", "label_smoothing", "zeros", "like", "mean", "sample_weight", "rows", "vocab")
    ]
    return Text("; ".join(said), "dim")


def _oddities(each: MeasureResult) -> list[str]:
    """Rows that are no ordinary numbers."""
    said = [f"{each.dropped:,} infinite dropped"] if each.dropped else []
    said += [f"{each.missing:,} left out"] if each.missing else []
    if each.infinite:
        rows = ", ".join(map(str, each.first_infinite))
        said.append(f"{each.infinite:,} infinite (first rows {rows}), finite rows alone {each.finite_mean:.7g}")
    if each.nan:
        said.append(f"{each.nan:,} NaN (first rows {', '.join(map(str, each.first_nan))})")
    return said


def _spread(each: MeasureResult, digits: int, width: int) -> RenderableType:
    """Percentiles of the rows, as many as fit."""
    names = {"p50": "median"}
    between = {names.get(name, name): value for name, value in each.quantiles.items()}
    cells = {"min": each.minimum, **between, "max": each.maximum}
    shown = {name: number(value, min(digits, 5)) for name, value in cells.items()}
    where = f"in row {each.worst[0].row}" if each.worst else ""
    for name in ("p99.9", "p95", "p90", "min", "p99"):
        if sum(max(len(head), len(text)) + 3 for head, text in shown.items()) + len(where) <= width:
            break
        shown.pop(name, None)
    table = Table(box=None, padding=(0, 3, 0, 0), pad_edge=False, header_style="dim")
    for name in shown:
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_row(*shown.values(), Text(where, "dim"))
    if each.quantile_bound:
        return Group(table, Text(f"quantiles to within a relative {each.quantile_bound:.1g}", "dim"))
    return Padding(table, 0)


def number(value: float, digits: int) -> str:
    """A number for people: so many significant digits, without a tail of zeros.

    >>> number(0.000123456789, 5), number(float("inf"), 5), number(2.0, 5)
    ('0.00012346', 'inf', '2')
    """
    return f"{value:.{digits}g}"

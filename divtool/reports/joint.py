"""What two variables say of each other: a screenful for people, records for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from divtool.findings import CellFigure, Figure, JointResult, VariableReport
from divtool.reports.plain import input_record
from divtool.reports.records import document, report
from divtool.reports.safetext import safe
from divtool.reports.table import drawn, header_lines, number

# A table of so many rows and columns is drawn; of a larger one, the cells that say most.
_WIDEST, _TALLEST, _FEW = 8, 12, 8
MISSING = "(missing)"


def render_joint(result: JointResult, form: str, *, digits: int = 7, terminal: bool = False) -> str | bytes:
    """The result in one of the forms of :data:`divtool.options.REPORTS`."""
    if form == "table":
        return drawn(lambda width: _pieces(result, digits, width), terminal=terminal)
    if form == "json":
        return _as_json(result)
    x, y = result.variables
    records = [_record(each, result) for each in result.results]
    return report(records, form, title=f"{x.name} and {y.name}", inputs=result.inputs, notes=result.warnings)


def _record(each: Figure, result: JointResult) -> dict[str, object]:
    return {
        "measure": each.name, "value": each.value, "unit": each.unit, "cases": result.cases,
        "degrees_of_freedom": each.degrees_of_freedom, "p_value": each.p_value, "log10_p_value": each.log10_p_value,
        "estimator": each.estimator, "family": each.family,
    }  # fmt: skip


def _as_json(result: JointResult) -> str:
    x, y = result.variables
    return document(
        result.version, result.command, settings=dict(result.settings),
        inputs=_inputs(result), matched=list(result.matched),
        x=asdict(x), y=asdict(y), cases=result.cases, rows=result.rows, left_out=result.left_out,
        estimator=result.estimator, unit=result.unit, results=[_figure(each) for each in result.results],
        cells=[asdict(each) for each in result.cells], written=list(result.written), warnings=list(result.warnings),
    )  # fmt: skip


def _inputs(result: JointResult) -> dict[str, object]:
    names = ("x", "y") if len(result.inputs) > 1 else ("table",)
    return {name: input_record(each) for name, each in zip(names, result.inputs, strict=True)}


def _figure(each: Figure) -> dict[str, object]:
    said = {name: value for name, value in asdict(each).items() if name != "also"}
    return {"measure": said.pop("name"), **said}


def _pieces(result: JointResult, digits: int, width: int) -> list[RenderableType]:
    pieces = header_lines(result.inputs, result.matched, width)
    x, y = result.variables
    pieces += [Text(_variable("X", x)), Text(_variable("Y", y)), Text(_basis(result), "dim"), Text("")]
    drawn_cells = _crossed(result, digits, width)
    if drawn_cells is not None:
        pieces += [drawn_cells, Text("")]
    pieces.append(figure_lines(result.results, digits))
    if drawn_cells is None and result.cells:
        pieces += [Text(""), Text("the cells that tell most, by count times PMI", "dim")]
        pieces.append(_telling(result.cells, result.unit, digits))
        more = len(result.cells) - _FEW
        pieces += [Text(f"and {more:,} more (--cells FILE writes all)", "dim")] if more > 0 else []
    return pieces


def _variable(role: str, each: VariableReport) -> str:
    said = f"{role}  {safe(each.name, 60)}: {each.outcomes:,} outcome{'' if each.outcomes == 1 else 's'}"
    said += f", one of them a missing value ({each.missing:,} cases)" if each.missing else ""
    return said + (f"; {safe(each.rule, 200)}" if each.rule else "")


def _basis(result: JointResult) -> str:
    said = [f"{result.cases:,} cases" if result.cases is not None else f"probabilities, {result.rows:,} rows"]
    said += [f"{result.left_out:,} left out"] if result.left_out else []
    said.append("entropies of the observed frequencies" if result.estimator == "plug-in" else
                f"entropies estimated by {result.estimator}")  # fmt: skip
    return "; ".join(said)


def _name(entry: str | None) -> str:
    return MISSING if entry is None else safe(entry, 24)


def _crossed(result: JointResult, digits: int, width: int) -> Table | None:
    """The table itself, if it is small: counts, and below each its pointwise mutual information."""
    rows, columns = (each.entries for each in result.variables)
    if not (0 < len(rows) <= _TALLEST and 0 < len(columns) <= _WIDEST):
        return None
    known = {(each.x, each.y): each for each in result.cells}
    names = [_name(each) for each in columns]
    if sum(max(len(name), 10) + 3 for name in names) + 28 > width:
        return None
    table = Table(box=None, padding=(0, 3, 0, 0), pad_edge=False, header_style="dim", title_justify="left")
    table.add_column("count, PMI")
    for name in names:
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        cells = [known.get((row, column)) for column in columns]
        table.add_row(_name(row), *(_cell(each, digits) for each in cells))
    return table


def _cell(each: CellFigure | None, digits: int) -> Text:
    if each is None:
        return Text("0  -inf", "dim")
    return Text.assemble(_count(each, digits), (f"  {number(each.pmi, 3)}", "dim"))


def _count(each: CellFigure, digits: int) -> str:
    return f"{each.count:,.0f}" if each.count == int(each.count) else number(each.count, min(digits, 5))


def figure_lines(results: Sequence[Figure], digits: int) -> Table:
    """Figures, a line each, with a gap between families."""
    table = Table(box=None, padding=(0, 3, 0, 0), pad_edge=False, show_header=False)
    table.add_column(overflow="fold")
    # Numbers are never cut: what gives way on a narrow screen are words.
    widest = max(len(number(each.value, digits)) for each in results)
    table.add_column(justify="right", no_wrap=True, min_width=widest)
    table.add_column(no_wrap=True, min_width=max(len(each.unit) for each in results))
    table.add_column(overflow="fold")
    family = results[0].family if results else ""
    for each in results:
        if each.family != family:
            family = each.family
            table.add_row("")
        unit = "" if each.unit == "1" else each.unit
        table.add_row(each.title, Text(number(each.value, digits), "bold cyan"), unit, Text(_tested(each), "dim"))
    return table


def _tested(each: Figure) -> str:
    if each.p_value is None or each.log10_p_value is None:
        return ", ".join(f"{name} {value}" for name, value in each.parameters.items())
    p = p_value(each.p_value, each.log10_p_value)
    plural = "" if each.degrees_of_freedom == 1 else "s"
    return f"p = {p}, {each.degrees_of_freedom:,} degree{plural} of freedom"


def p_value(p: float, log10_p: float) -> str:
    """A p-value for people, also one that is no double any more.

    >>> p_value(0.0123, -1.91), p_value(0.0, -4000.3)
    ('0.0123', '10^-4000.3')
    """
    return f"{p:.4g}" if p > 1e-300 or log10_p == -float("inf") else f"10^{log10_p:.1f}"


def _telling(cells: Sequence[CellFigure], unit: str, digits: int) -> Table:
    """The cells that contribute most to mutual information."""
    table = Table(box=None, padding=(0, 3, 0, 0), pad_edge=False, header_style="dim")
    for name in ("x", "y", "count", "expected", f"PMI in {unit}", "NPMI"):
        table.add_column(name, justify="left" if name in "xy" else "right", no_wrap=True)
    ranked = sorted(cells, key=lambda each: -abs(each.count * each.pmi))[:_FEW]
    for each in ranked:
        numbers = (each.expected, each.pmi, each.npmi)
        table.add_row(_name(each.x), _name(each.y), _count(each, digits), *(number(n, min(digits, 5)) for n in numbers))
    return table

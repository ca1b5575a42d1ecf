"""What the columns of a table tell: a ranking, a matrix, or the figures of all together."""

from __future__ import annotations

from dataclasses import asdict
from math import isnan

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from divtool.findings import Gain, GainResult, VariableReport
from divtool.reports.joint import figure_lines, p_value
from divtool.reports.plain import input_record
from divtool.reports.records import delimited, document
from divtool.reports.safetext import safe
from divtool.reports.table import drawn, header_lines, number

# Wider matrices are listed by pairs on a screen; the machine forms hold all pairs always.
_WIDEST, _FEW = 12, 20
_NAME = 32


def render_gains(result: GainResult, form: str, *, digits: int = 7, terminal: bool = False) -> str:
    """The result in one of the forms of :data:`divtool.options.REPORTS`."""
    if form == "table":
        return drawn(lambda width: _pieces(result, digits, width), terminal=terminal)
    if form == "json":
        return _as_json(result)
    return delimited(_records(result), form)


def _records(result: GainResult) -> list[dict[str, object]]:
    told = {"unit": result.unit, "estimator": result.estimator}
    if result.pairs:
        return [{"x": each.x, "y": each.y, "gain": each.gain, "nmi": each.share, "cases": each.cases, **told}
                for each in result.pairs]  # fmt: skip
    if result.figures:
        return [{"measure": each.name, "value": each.value, **told} for each in result.figures]
    return [_record(each) | told for each in result.ranking]


def _record(each: Gain) -> dict[str, object]:
    return {
        "column": each.name, "gain": each.gain, "share": each.share, "expected": each.expected, "excess": each.excess,
        "p_value": each.p_value, "log10_p_value": each.log10_p_value, "outcomes": each.outcomes,
        "missing": each.missing, "cases": each.cases, "rule": each.rule or None, "null_high": each.null_high,
    }  # fmt: skip


def _as_json(result: GainResult) -> str:
    of_target = None if result.target is None else _variable(result.target) | {"entropy": result.target_entropy}
    return document(
        result.version, result.command, settings=dict(result.settings),
        inputs={"table": input_record(result.inputs[0])}, notes=list(result.notes), question=result.question,
        conditions=list(result.conditions), target=of_target, rows=result.rows, cases=result.cases,
        estimator=result.estimator, null=result.null or None, unit=result.unit,
        variables=[_variable(each) for each in result.variables], results=_records(result),
        warnings=list(result.warnings),
    )  # fmt: skip


def _variable(each: VariableReport) -> dict[str, object]:
    return {name: value for name, value in asdict(each).items() if name != "entries"}


def _pieces(result: GainResult, digits: int, width: int) -> list[RenderableType]:
    pieces = header_lines(result.inputs, (), width)
    pieces += [Text(safe(note, 400), "dim") for note in result.notes]
    pieces += [Text(""), Text(_headline(result, digits), "bold"), Text(_basis(result), "dim"), Text("")]
    if result.pairs:
        pieces.append(_matrix(result, digits, width))
    elif result.figures:
        pieces.append(figure_lines(result.figures, digits))
    else:
        pieces.append(_ranking(result, digits, width))
    return pieces


def _headline(result: GainResult, digits: int) -> str:
    said = safe(result.question, 200)
    if result.target is not None and result.target_entropy is not None:
        given = f" | {', '.join(safe(name, _NAME) for name in result.conditions)}" if result.conditions else ""
        said += (
            f", in {result.unit}; H({safe(result.target.name, _NAME)}{given}) = {number(result.target_entropy, digits)}"
        )
    elif result.target is not None:
        said += f", in {result.unit}"
    return said[:1].upper() + said[1:]


def _basis(result: GainResult) -> str:
    said = [f"{result.rows:,} rows" + (f", {result.cases:,} cases" if result.cases != result.rows else "")]
    said.append("observed frequencies" if result.estimator == "plug-in" else f"estimated by {result.estimator}")
    variables = (*result.variables, *([result.target] if result.target else []))
    # A missing number is no outcome: its cases are left out, which a note says.
    lacking = sum(each.missing > 0 and each.rule != "numbers" for each in variables)
    if lacking:
        how = "left out" if result.settings.get("missing") == "drop" else "an outcome of their own"
        said.append(f"missing values are {how} ({lacking} column{'' if lacking == 1 else 's'})")
    return "; ".join([*said, f"by chance: {result.null}"] if result.null else said)


def _ranking(result: GainResult, digits: int, width: int) -> Table:
    """A line for each column; what does not fit is left out, never cut."""
    rows = [_cells(each, digits, result.cases) for each in result.ranking]
    shown = list(rows[0])
    for name in ("rule", "cases", "null 99%", "by chance", "share", "missing"):
        alike = name == "cases" and all(each.cases == result.cases for each in result.ranking)
        if alike or all(row[name] in ("", "0") for row in rows):
            shown.remove(name)
    for name in ("rule", "null 99%", "share", "by chance", "excess", "outcomes"):
        if sum(max(len(name), *(len(row[name]) for row in rows)) + 3 for name in shown) - 3 <= width:
            break
        if name in shown:
            shown.remove(name)
    table = Table(box=None, padding=(0, 3, 0, 0), pad_edge=False, header_style="dim")
    for name in shown:
        table.add_column(name, justify="left" if name in ("column", "rule") else "right", no_wrap=True)
    for row in rows:
        table.add_row(*(Text(row[name], "bold cyan" if name == "gain" else "") for name in shown))
    return table


def _cells(each: Gain, digits: int, cases: int) -> dict[str, str]:
    few = min(digits, 5)
    p = "" if each.p_value is None or each.log10_p_value is None else p_value(each.p_value, each.log10_p_value)
    return {
        "column": safe(each.name, _NAME), "gain": number(each.gain, digits),
        "share": "" if isnan(each.share) else f"{each.share:.1%}",
        "by chance": number(each.expected, 3), "null 99%": "" if each.null_high is None else number(each.null_high, 3),
        "excess": number(each.excess, few), "p": p, "outcomes": f"{each.outcomes:,}",
        "missing": f"{each.missing / max(1, cases):.1%}" if each.missing else "0", "cases": f"{each.cases:,}",
        "rule": safe(each.rule, 40),
    }  # fmt: skip


def _matrix(result: GainResult, digits: int, width: int) -> Table:
    names = [each.name for each in result.variables]
    known = {(each.x, each.y): each for each in result.pairs}
    shown = [safe(name, 10) for name in names]
    fits = len(names) <= _WIDEST and 14 + sum(max(len(name), 8) + 2 for name in shown) <= width
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    if not fits:
        return _pairs(result, digits, table)
    table.add_column("")
    for name in shown:
        table.add_column(name, justify="right", no_wrap=True)
    for i, name in enumerate(names):
        cells = [known.get((other, name)) if j <= i else None for j, other in enumerate(names)]
        table.add_row(safe(name, 14), *("" if each is None else number(each.gain, min(digits, 5)) for each in cells))
    return table


def _pairs(result: GainResult, digits: int, table: Table) -> Table:
    """The pairs that share most."""
    for name in ("x", "y", f"I(X;Y) in {result.unit}", "NMI"):
        table.add_column(name, justify="left" if name in "xy" else "right", no_wrap=True)
    pairs = sorted((each for each in result.pairs if each.x != each.y), key=lambda each: -each.gain)
    for each in pairs[:_FEW]:
        table.add_row(
            safe(each.x, _NAME), safe(each.y, _NAME), number(each.gain, digits),
            "" if isnan(each.share) else number(each.share, min(digits, 5)),
        )  # fmt: skip
    if len(pairs) > _FEW:
        table.add_row(Text(f"and {len(pairs) - _FEW:,} more (-f tsv lists all)", "dim"))
    return table

"""What the columns of a table tell: a ranking, a matrix, or the figures of all together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from math import isnan

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from divtool.findings import Gain, GainResult, PairGain, VariableReport
from divtool.reports.joint import figure_lines, p_value
from divtool.reports.plain import input_record
from divtool.reports.records import document, report
from divtool.reports.safetext import safe
from divtool.reports.table import drawn, header_lines, number

# Wider matrices are listed by pairs on a screen; the machine forms hold all pairs always.
_WIDEST, _FEW = 12, 20
_NAME = 32


def render_gains(result: GainResult, form: str, *, digits: int = 7, terminal: bool = False) -> str | bytes:
    """The result in one of the forms of :data:`divtool.options.REPORTS`."""
    if form == "table":
        return drawn(lambda width: _pieces(result, digits, width), terminal=terminal)
    if form == "json":
        return _as_json(result)
    notes = [*result.notes, *result.warnings]
    return report(_records(result), form, title=result.question, inputs=result.inputs, notes=notes)


def _records(result: GainResult) -> list[dict[str, object]]:
    told = {"unit": result.unit, "estimator": result.estimator}
    if result.pairs:
        return [_pair_record(each) | told for each in result.pairs]
    if result.figures:
        return [{"measure": each.name, "value": each.value, **told} for each in result.figures]
    return [_record(each) | told for each in result.ranking]


def _pair_record(each: PairGain) -> dict[str, object]:
    return {
        "x": each.x, "y": each.y, "gain": each.gain, "nmi": each.share, "expected": each.expected,
        "excess": each.excess, "p_value": each.p_value, "log10_p_value": each.log10_p_value, "cases": each.cases,
        "rough": each.rough,
    }  # fmt: skip


def _record(each: Gain) -> dict[str, object]:
    return {
        "column": each.name, "gain": each.gain, "share": each.share, "expected": each.expected, "excess": each.excess,
        "p_value": each.p_value, "log10_p_value": each.log10_p_value, "outcomes": each.outcomes,
        "missing": each.missing, "cases": each.cases, "rule": each.rule or None, "null_high": each.null_high,
        "rough": each.rough, "lag": each.lag,
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
    return {name: value for name, value in asdict(each).items() if name != "entries"} | {"rule": each.rule or None}


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
    if result.target is not None and result.target.rule and result.estimator.partition(":")[0] != "ksg":
        said += f" ({safe(result.target.rule, 60)})"
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


def _ranking(result: GainResult, digits: int, width: int) -> Group:
    """A line for each column; what does not fit is left out and named, never cut."""
    rows = [_cells(each, digits, result.cases) for each in result.ranking]
    shown = [name for name in rows[0] if any(row[name] not in ("", "0") for row in rows) or name == "gain"]
    if all(each.cases == result.cases for each in result.ranking):
        shown.remove("cases")
    return _fitted(rows, shown, width, any(each.rough for each in result.ranking))


# What is left out first where a screen is too narrow.
_LEAST_WANTED = ("null 99%", "share", "missing", "cases", "NMI", "rule", "outcomes", "by chance", "excess")
_LEFT = ("column", "rule", "x", "y")


def _fitted(rows: Sequence[Mapping[str, str]], shown: list[str], width: int, rough: bool) -> Group:
    """Lines of cells in as many columns as fit, and what there is to say about them."""
    hidden: list[str] = []
    for name in _LEAST_WANTED:
        if sum(max(len(name), *(len(row[name]) for row in rows)) + 3 for name in shown) - 3 <= width:
            break
        if name in shown:
            shown.remove(name)
            hidden.append(name)
    table = Table(box=None, padding=(0, 3, 0, 0), pad_edge=False, header_style="dim")
    for name in shown:
        table.add_column(name, justify="left" if name in _LEFT else "right", no_wrap=True)
    for row in rows:
        table.add_row(*(Text(row[name], "bold cyan" if name == "gain" else "") for name in shown))
    said = [f"not shown: {', '.join(hidden)} (a wider screen, or -f tsv)"] if hidden else []
    said += ["~ few cases in a cell: a rough p-value (--permutations 1000 draws the null)"] if rough else []
    return Group(table, *(Text(line, "dim") for line in said))


def _tested(each: Gain | PairGain) -> str:
    if each.p_value is None or each.log10_p_value is None:
        return ""
    return ("~" if each.rough else "") + p_value(each.p_value, each.log10_p_value)


def _share(value: float) -> str:
    return "" if isnan(value) else f"{value + 0.0:.1%}".replace("-0.0%", "0.0%")


def _cells(each: Gain, digits: int, cases: int) -> dict[str, str]:
    return {
        "column": safe(each.name, _NAME), "lag": "" if each.lag is None else f"{each.lag:,}",
        "gain": number(each.gain, digits), "share": _share(each.share),
        "by chance": number(each.expected, 3), "null 99%": "" if each.null_high is None else number(each.null_high, 3),
        "excess": number(each.excess, min(digits, 5)), "p": _tested(each), "outcomes": f"{each.outcomes:,}",
        "missing": f"{each.missing / max(1, cases):.1%}" if each.missing else "0", "cases": f"{each.cases:,}",
        "rule": safe(each.rule, 40),
    }  # fmt: skip


def _matrix(result: GainResult, digits: int, width: int) -> Group:
    names = [each.name for each in result.variables]
    known = {frozenset((each.x, each.y)): each for each in result.pairs}
    shown = [safe(name, 10) for name in names]
    if len(names) > _WIDEST or 14 + sum(max(len(name), 8) + 2 for name in shown) > width:
        return _pairs(result, digits, width)
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    table.add_column("")
    for name in shown:
        table.add_column(name, justify="right", no_wrap=True)
    for i, name in enumerate(names):
        cells = [known.get(frozenset((other, name))) if j <= i else None for j, other in enumerate(names)]
        table.add_row(safe(name, 14), *("" if each is None else number(each.gain, min(digits, 5)) for each in cells))
    return Group(table, Text("-f tsv has NMI, what chance gives, and p-values", "dim"))


def _pairs(result: GainResult, digits: int, width: int) -> Group:
    """The first pairs of two columns, as they are ranked."""
    pairs = [each for each in result.pairs if each.x != each.y]
    rows = [
        {
            "x": safe(each.x, _NAME), "y": safe(each.y, _NAME), "gain": number(each.gain, digits),
            "NMI": "" if isnan(each.share) else number(each.share, min(digits, 5)),
            "by chance": number(each.expected, 3), "excess": number(each.excess, min(digits, 5)), "p": _tested(each),
        }
        for each in pairs[:_FEW]
    ]  # fmt: skip
    drawn_pairs = _fitted(rows, list(rows[0]), width, any(each.rough for each in pairs[:_FEW]))
    if len(pairs) <= _FEW:
        return drawn_pairs
    return Group(drawn_pairs, Text(f"and {len(pairs) - _FEW:,} more pairs (-f tsv lists all)", "dim"))

"""How well a model knows how often it is right, and what a temperature does: a screenful for people with a reliability
chart, records for programs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from divtool.findings import (
    CalibrationFigure,
    CalibrationResult,
    ReliabilityBin,
    TemperatureResult,
    TemperedScores,
)
from divtool.reports.bars import marked_bar
from divtool.reports.plain import input_record
from divtool.reports.records import document, report
from divtool.reports.safetext import safe
from divtool.reports.table import drawn, header_lines, number
from divtool.result import InputReport

_GAP, _NARROWEST_BAR, _WIDEST_BAR = 2, 8, 40
# So many bins are listed as they are; of more, those that hold something, up to so many.
_MOST_BINS = 30
_COLUMNS = ("ece", "mce", "rmsce", "ece-debiased", "rmsce-debiased")


def render_calibration(
    result: CalibrationResult, form: str, *, digits: int = 7, terminal: bool = False, ascii_only: bool = False
) -> str | bytes:
    """The result in one of the forms of :data:`divtool.options.REPORTS`; ``ascii_only``: the chart has no other signs.

    ``digits``, ``terminal`` and ``ascii_only`` matter to the table alone.
    """
    if form == "table":
        return drawn(lambda width: _pieces(result, digits, width, ascii_only=ascii_only), terminal=terminal)
    if form == "json":
        said = {name: value for name, value in asdict(result).items() if name not in ("version", "inputs", "results")}
        return document(
            result.version, "calibration", settings=said.pop("settings"), inputs=inputs_said(result.inputs), **said,
            results=[{"measure": each.pop("name"), **each} for each in map(asdict, result.results)],
        )  # fmt: skip
    records = [_record(each, result) for each in result.results]
    return report(records, form, title="Calibration", inputs=result.inputs, notes=result.warnings)


def inputs_said(inputs: Sequence[InputReport]) -> dict[str, object]:
    """The inputs by their roles; those of a second file of predictions with a number behind it."""
    found: dict[str, object] = {}
    for each in inputs:
        role = each.roles[0] if each.roles else "other"
        found[role if role not in found else f"{role}2"] = input_record(each)
    return found


def _record(each: CalibrationFigure, result: CalibrationResult) -> dict[str, object]:
    return {
        "measure": each.name, "value": each.value, "std_error": each.std_error, "unit": each.unit, "n": result.n,
        "ignored": result.ignored, "outcome": result.outcome, "bins": result.bins, "family": each.family,
    }  # fmt: skip


def _pieces(result: CalibrationResult, digits: int, width: int, *, ascii_only: bool) -> list[RenderableType]:
    pieces = [*header_lines(result.inputs, result.matched, width), Text("")]
    first = result.results[0]
    head = Text(f"{first.title}   ", "bold").append(number(first.value, digits), "bold cyan")
    pieces += [head, Text(_basis(result), "dim"), Text("")]
    others = [each for each in result.results if each.family != "the model" and "Brier" not in each.family]
    pieces += _plain([each for each in result.results if each not in others], digits)
    pieces += _errors(others, digits) if len(others) > 1 else []
    pieces += _curve(result, digits, width, ascii_only=ascii_only)
    if result.gates:
        # Imported where a run was held to something: the tables of measures draw their gates there.
        from divtool.reports.parts import gate_line

        pieces += [Text(""), *map(gate_line, result.gates)]
    return pieces


def _basis(result: CalibrationResult) -> str:
    left = [f"{count:,} {word}" for count, word in ((result.ignored, "ignored"), (result.missing, "left out")) if count]
    of = "confidence against the top label" if result.outcome == "top label" else f"probability of {result.outcome}"
    asides = "".join(f", {each}" for each in left)
    return f"{safe(of, 120)}, over {result.n:,} row{'' if result.n == 1 else 's'}{asides}; {result.bins:,} bins"


def _grid(columns: Sequence[str], left: Sequence[str] = ()) -> Table:
    table = Table(box=None, padding=(0, _GAP, 0, 0), pad_edge=False, header_style="dim")
    for name in columns:
        table.add_column(name, justify="left" if name in left else "right", no_wrap=name not in left, overflow="fold")
    return table


def _plain(figures: Sequence[CalibrationFigure], digits: int) -> list[RenderableType]:
    """The figures that are no calibration errors, a line each."""
    if not figures:
        return []
    table = Table(box=None, padding=(0, _GAP, 0, 0), pad_edge=False, show_header=False)
    table.add_column(overflow="fold")
    for _ in range(2):
        table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=True)
    for each in figures:
        error = "" if each.std_error is None else f"+- {number(each.std_error, min(digits, 3))}"
        unit = "" if each.unit == "1" else each.unit
        table.add_row(each.title, Text(number(each.value, digits), "cyan"), Text(error, "dim"), unit)
    return [table, Text("")]


def _errors(figures: Sequence[CalibrationFigure], digits: int) -> list[RenderableType]:
    """The calibration errors: a line for each way of binning, a column for each norm."""
    rows: dict[str, dict[str, str]] = {}
    for each in figures:
        plain = each.name.removeprefix("classwise-").replace("-mass", "")
        rows.setdefault(each.family, {})[plain] = number(each.value, min(digits, 6))
    shown = [name for name in _COLUMNS if any(name in row for row in rows.values())]
    table = _grid(["calibration error of", *(_said(name) for name in shown)], left=("calibration error of",))
    for family, row in rows.items():
        table.add_row(family, *(Text(row.get(name, ""), "cyan") for name in shown))
    return [table, Text("")]


def _said(name: str) -> str:
    kind, _, debiased = name.partition("-")
    return kind.upper() + (f" {debiased}" if debiased else "")


def _curve(result: CalibrationResult, digits: int, width: int, *, ascii_only: bool) -> list[RenderableType]:
    """The reliability table with its chart: how often the rows of a bin were right, and how sure they were."""
    bins = result.reliability
    if len(bins) > _MOST_BINS:
        bins = tuple(each for each in bins if each.rows)
    more = len(bins) - _MOST_BINS
    few = min(digits, 4)
    rows = [_line(each, few) for each in bins[:_MOST_BINS]]
    sizes = [max(map(len, column)) for column in zip(*rows, _HEAD, strict=True)]
    room = min(_WIDEST_BAR, width - sum(sizes) - _GAP * len(_HEAD))
    mark = "|" if ascii_only else "\u2502"
    charted = room >= _NARROWEST_BAR
    table = _grid([*_HEAD, *([f"accuracy {'#' if ascii_only else chr(0x2588)}, confidence {mark}"] if charted else [])],
                  left=("(from, to]",))  # fmt: skip
    if charted:
        table.columns[-1].justify, table.columns[-1].no_wrap = "left", True
    for each, row in zip(bins, rows, strict=False):
        bar = ""
        if each.accuracy is not None and each.confidence is not None:
            bar = marked_bar(each.accuracy * room, each.confidence * room, mark, room, ascii_only=ascii_only)
        table.add_row(*row, *([Text(bar, "cyan")] if charted else []))
    said = f"and {more:,} more bins (-f json lists all)"
    return [table, *([Text(said, "dim")] if more > 0 else [])]


_HEAD = ("(from, to]", "rows", "confidence", "accuracy", "gap", "+-")


def _line(each: ReliabilityBin, digits: int) -> list[str]:
    numbers = (each.confidence, each.accuracy, each.gap, each.std_error)
    span = f"{number(each.low, digits)} - {number(each.high, digits)}"
    return [span, f"{each.rows:,}", *("" if value is None else number(value, digits) for value in numbers)]


def render_temperature(result: TemperatureResult, form: str, *, digits: int = 7, terminal: bool = False) -> str | bytes:
    """The result in one of the forms of :data:`divtool.options.REPORTS`."""
    if form == "table":
        return drawn(lambda width: _tempered(result, digits, width), terminal=terminal)
    if form == "json":
        return document(
            result.version, "temperature", settings=dict(result.settings), inputs=inputs_said(result.inputs),
            matched=list(result.matched), temperature=result.temperature, std_error=result.std_error,
            bins=result.bins, passes=result.passes, results=[asdict(each) for each in result.results],
            warnings=list(result.warnings),
        )  # fmt: skip
    records = [{"temperature": result.temperature, "std_error": result.std_error, **asdict(each)}
               for each in result.results]  # fmt: skip
    return report(records, form, title="Temperature", inputs=result.inputs, notes=result.warnings)


def _tempered(result: TemperatureResult, digits: int, width: int) -> list[RenderableType]:
    pieces = [*header_lines(result.inputs, result.matched, width), Text("")]
    head = Text("Temperature   ", "bold").append(number(result.temperature, digits), "bold cyan")
    pieces.append(head.append(f" +- {number(result.std_error, min(digits, 3))}", "not bold"))
    way = "too sure of itself" if result.temperature > 1.0 else "not sure enough of itself"
    verb = "divtool temper" if result.inputs[0].kind in ("probs", "counts") else "divtool ce"
    pieces += [Text(f"the model is {way}; {verb} -T {result.temperature!r} applies it", "dim"), Text("")]
    table = _grid(("", "rows", "accuracy", "NLL (nats)", "->", "ECE", "-> "), left=("",))
    for each in result.results:
        table.add_row(*_scores(each, digits))
    return [*pieces, table]


def _scores(each: TemperedScores, digits: int) -> list[str]:
    few = min(digits, 6)
    use = "fitted on" if each.use == "fit" else "applied to"
    numbers = (each.accuracy, each.nll_before, each.nll_after, each.ece_before, each.ece_after)
    name = safe(os.path.basename(each.path), 40)
    return [f"{use} {name}", f"{each.n:,}", *(number(value, few) for value in numbers)]

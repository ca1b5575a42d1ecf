"""How well a model knows how often it is right, and what a temperature does: a screenful for people with a reliability
chart, records for programs."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from dataclasses import asdict

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from divtool.calibrated import (
    CalibrationFigure,
    CalibrationResult,
    ReliabilityBin,
    TemperatureResult,
    TemperedScores,
)
from divtool.reports.bars import marked_bar
from divtool.reports.narrow import Row, head_of, leave_out, left_out, table_width
from divtool.reports.plain import input_record
from divtool.reports.records import document, report
from divtool.reports.safetext import safe
from divtool.reports.table import drawn, header_lines, number
from divtool.result import InputReport

_GAP, _NARROWEST_BAR, _WIDEST_BAR = 2, 16, 40
# So many bins are listed as they are; of more, those that hold something, up to so many.
_MOST_BINS = 30
_COLUMNS = ("ece", "mce", "rmsce", "ece-debiased", "rmsce-debiased")


def render_calibration(
    result: CalibrationResult, form: str, *, digits: int = 7, terminal: bool = False, ascii_only: bool = False
) -> str | bytes:
    """The result in one of the forms of :data:`divtool.options.REPORTS`; ``ascii_only``: the chart has no other signs.

    ``terminal`` and ``ascii_only`` matter to the table alone, ``digits`` to the table and the page.
    """
    if form == "table":
        return drawn(lambda width: _pieces(result, digits, width, ascii_only=ascii_only), terminal=terminal)
    if form == "html":
        from divtool.reports.calibrationpage import calibration_page

        return calibration_page(result, digits=digits)
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
    others = [each for each in result.results if is_error(each)]
    pieces += _plain([each for each in result.results if each not in others], digits, width)
    pieces += _errors(others, digits, width) if len(others) > 1 else []
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


def _table(rows: Sequence[Row], shown: Sequence[str], left: Sequence[str], coloured: Sequence[str] = ()) -> Table:
    """Cells in columns of which some stand at the left; nothing is broken or cut."""
    table = Table(box=None, padding=(0, _GAP, 0, 0), pad_edge=False, header_style="dim")
    for name in shown:
        table.add_column(head_of(rows, name), justify="left" if name in left else "right", no_wrap=True)
    for row in rows:
        table.add_row(*(Text(row[name], "cyan" if name in coloured else "") for name in shown))
    return table


def _plain(figures: Sequence[CalibrationFigure], digits: int, width: int) -> list[RenderableType]:
    """The figures that are no calibration errors, a line each."""
    if not figures:
        return []
    rows = [
        {"": each.title, "value": number(each.value, digits),
         "+-": "" if each.std_error is None else f"+- {number(each.std_error, min(digits, 3))}",
         "unit": "" if each.unit == "1" else each.unit}
        for each in figures
    ]  # fmt: skip
    shown = [*rows[0]]
    hidden = leave_out(rows, shown, width, ("+-",), _GAP)
    table = Table(box=None, padding=(0, _GAP, 0, 0), pad_edge=False, show_header=False)
    for name in shown:
        table.add_column(justify="right" if name in ("value", "+-") else "left", no_wrap=name != "", overflow="fold")
    styles = {"value": "cyan", "+-": "dim"}
    for row in rows:
        table.add_row(*(Text(row[name], styles.get(name, "")) for name in shown))
    return [table, *left_out(hidden), Text("")]


def is_error(each: CalibrationFigure) -> bool:
    """Whether it is a calibration error, of one binning or another."""
    return each.family != "the model" and "Brier" not in each.family


def error_rows(figures: Sequence[CalibrationFigure]) -> tuple[list[str], dict[str, dict[str, CalibrationFigure]]]:
    """The calibration errors in lines: the norms that there are, and those of each way of binning."""
    rows: dict[str, dict[str, CalibrationFigure]] = {}
    for each in figures:
        plain = each.name.removeprefix("classwise-").replace("-mass", "")
        rows.setdefault(each.family, {})[plain] = each
    return [name for name in _COLUMNS if any(name in row for row in rows.values())], rows


def _errors(figures: Sequence[CalibrationFigure], digits: int, width: int) -> list[RenderableType]:
    """The calibration errors: a line for each way of binning, a column for each norm."""
    names, found = error_rows(figures)
    rows = [
        {_ERRORS: family, **{norm_said(name): _shown(row.get(name), min(digits, 6)) for name in names}}
        for family, row in found.items()
    ]
    shown = [_ERRORS, *map(norm_said, names)]
    hidden = leave_out(rows, shown, width, [*reversed(shown[1:])], _GAP)
    return [_table(rows, shown, (_ERRORS,), shown[1:]), *left_out(hidden), Text("")]


def _shown(each: CalibrationFigure | None, digits: int) -> str:
    return "" if each is None else number(each.value, digits)


def norm_said(name: str) -> str:
    """The norm of a calibration error as the head of a column.

    >>> norm_said("ece-debiased")
    'ECE debiased'
    """
    kind, _, debiased = name.partition("-")
    return kind.upper() + (f" {debiased}" if debiased else "")


def _curve(result: CalibrationResult, digits: int, width: int, *, ascii_only: bool) -> list[RenderableType]:
    """The reliability table with its chart: how often the rows of a bin were right, and how sure they were."""
    bins = result.reliability
    if len(bins) > _MOST_BINS:
        bins = tuple(each for each in bins if each.rows)
    more = len(bins) - _MOST_BINS
    rows: list[Row] = [_line(each, min(digits, 4)) for each in bins[:_MOST_BINS]]
    shown = [*rows[0]]
    # The chart says what the gap is; without room for it, columns are all that there is.
    hidden = leave_out(rows, shown, width - _NARROWEST_BAR - _GAP, ("+-", "gap"), _GAP)
    room = min(_WIDEST_BAR, width - table_width(rows, shown, _GAP) - _GAP)
    charted = room >= _NARROWEST_BAR
    if not charted:
        shown = [*rows[0]]
        hidden = ["chart", *leave_out(rows, shown, width, ("+-", "gap", "rows", "confidence"), _GAP)]
    below = [f"and {more:,} more bins (-f json lists all)"] if more > 0 else []
    below += [f"not shown: {', '.join(hidden)} (a wider screen, or -f json)"] if hidden else []
    if charted:
        legend = "accuracy #, confidence |" if ascii_only else "accuracy \u2588, confidence \u2502"
        rows = _with_chart(rows, bins, room, legend, ascii_only=ascii_only)
        shown.append(_CHART)
        below = [legend] * (len(legend) > room) + below
    return [_table(rows, shown, (_SPAN, _CHART), (_CHART,)), *(Text(line, "dim") for line in below)]


def _with_chart(
    rows: Sequence[Row], bins: Sequence[ReliabilityBin], room: int, legend: str, *, ascii_only: bool
) -> list[Row]:
    """The rows with a bar each, ``room`` cells wide; the legend stands above them where it is no longer than that."""
    head = legend if len(legend) <= room else ""
    charted: list[Row] = []
    for each, row in zip(bins, rows, strict=False):
        bar = ""
        if each.accuracy is not None and each.confidence is not None:
            bar = marked_bar(each.accuracy * room, each.confidence * room, legend[-1], room, ascii_only=ascii_only)
        charted.append({**row, _CHART: bar, f"{_CHART} head": head})
    return charted


_ERRORS, _SPAN, _CHART = "calibration error of", "(from, to]", "chart"


def _line(each: ReliabilityBin, digits: int) -> Row:
    numbers = {"confidence": each.confidence, "accuracy": each.accuracy, "gap": each.gap, "+-": each.std_error}
    span = f"{number(each.low, digits)} - {number(each.high, digits)}"
    said = {name: "" if value is None else number(value, digits) for name, value in numbers.items()}
    return {_SPAN: span, "rows": f"{each.rows:,}", **said}


def render_temperature(result: TemperatureResult, form: str, *, digits: int = 7, terminal: bool = False) -> str | bytes:
    """The result in one of the forms of :data:`divtool.options.REPORTS`."""
    if form == "table":
        return drawn(lambda width: _tempered(result, digits, width), terminal=terminal)
    if form == "html":
        from divtool.reports.calibrationpage import temperature_page

        return temperature_page(result, digits=digits)
    if form == "json":
        return document(
            result.version, "temperature", settings=dict(result.settings), inputs=inputs_said(result.inputs),
            matched=list(result.matched), temperature=result.temperature, std_error=result.std_error,
            bins=result.bins, passes=result.passes, results=[asdict(each) for each in result.results],
            warnings=list(result.warnings),
        )  # fmt: skip
    records = [{"temperature": result.temperature, "std_error": result.std_error, **_flat(each)}
               for each in result.results]  # fmt: skip
    return report(records, form, title="Temperature", inputs=result.inputs, notes=result.warnings)


def _flat(each: TemperedScores) -> dict[str, object]:
    return {name: value for name, value in asdict(each).items() if not name.startswith("reliability_")}


def _tempered(result: TemperatureResult, digits: int, width: int) -> list[RenderableType]:
    # A file that is fitted and applied to is one file.
    pieces = [*header_lines(tuple(dict.fromkeys(result.inputs)), result.matched, width), Text("")]
    head = Text("Temperature   ", "bold").append(number(result.temperature, digits), "bold cyan")
    pieces.append(head.append(f" +- {number(result.std_error, min(digits, 3))}", "not bold"))
    pieces.append(Text(temperature_said(result), "dim"))
    pieces += [*map(Text, _packed(tempering(result), width)), Text("")]
    pieces += [Text(f"{use_said(each):<{_USE}}  {rows_said(each)}") for each in result.results]
    rows = [_scores(each, min(digits, 6)) for each in result.results]
    shown = [name for name in rows[0] if not name.endswith(" head")]
    hidden = leave_out(rows, shown, width, ("accuracy", "n", "ECE", "ECE after", "NLL (nats)", "NLL after"), _GAP)
    said = left_out([each for each in hidden if each != "->"])
    return [*pieces, Text(""), _table(rows, shown, ("",)), *said]


def _packed(words: Sequence[str], width: int) -> list[str]:
    """A command in lines that a shell takes for one, none broken within a word."""
    lines: list[str] = []
    for word in words:
        if lines and len(lines[-1]) + len(word) + 3 <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(f"{'    ' if lines else '  '}{word}")
    return [f"{line} \\" for line in lines[:-1]] + lines[-1:]


_USE = len("applied to")


def use_said(each: TemperedScores) -> str:
    """What a file was to the temperature."""
    return "fitted on" if each.use == "fit" else "applied to"


def rows_said(each: TemperedScores) -> str:
    """The file and which of its rows, as ``--rows`` takes them."""
    return f"{safe(os.path.basename(each.path), 200)}, rows {each.first_row}:{each.stop_row}"


def temperature_said(result: TemperatureResult) -> str:
    """Which way the model errs, and what applies the temperature."""
    way = "too sure of itself" if result.temperature > 1.0 else "not sure enough of itself"
    if not _of_probabilities(result):
        return f"the model is {way}; divtool ce -T {result.temperature!r} applies it"
    if tempering(result):
        return f"the model is {way}; this applies it to its probabilities (p^(1/T) made to sum to 1):"
    return f"the model is {way}; divtool temper applies it to a table with a column for each class (1 - p and p)"


def _of_probabilities(result: TemperatureResult) -> bool:
    return _last_predictions(result).kind in ("probs", "counts")


def _last_predictions(result: TemperatureResult) -> InputReport:
    """Those the temperature is applied to; those it was fitted on, if there are no others."""
    return [each for each in result.inputs if each.roles[:1] == ("q",)][-1]


def tempering(result: TemperatureResult) -> tuple[str, ...]:
    """The words of the command that applies the temperature to a table of probabilities; none for logits, which every
    measure takes with ``-T``, and for a single column."""
    table = _last_predictions(result)
    if not _of_probabilities(result) or table.columns - len(table.excluded) == 1:
        return ()
    path = shlex.quote(safe(table.path, 4096))
    given = ("--given counts",) if table.kind == "counts" else ()
    # A text keeps ids and names of classes, by which the labels are matched.
    suffix = table.format if table.format in ("csv", "jsonl", "parquet") else "npy"
    return ("divtool temper", path, *given, f"-T {result.temperature!r}", f"-o tempered.{suffix}")


def _scores(each: TemperedScores, digits: int) -> dict[str, str]:
    def shown(value: float) -> str:
        return number(value, digits)

    return {
        "": use_said(each), "n": f"{each.n:,}", "accuracy": shown(each.accuracy),
        "NLL (nats)": shown(each.nll_before), "NLL after": shown(each.nll_after), "NLL after head": "->",
        "ECE": shown(each.ece_before), "ECE after": shown(each.ece_after), "ECE after head": "->",
    }  # fmt: skip

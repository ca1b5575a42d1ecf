"""The page of a calibration and that of a temperature: a headline, reliability diagrams, bins, and every figure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from divtool.calibrated import CalibrationFigure, CalibrationResult, ReliabilityBin, TemperatureResult, TemperedScores
from divtool.reports.calibration import (
    error_rows,
    is_error,
    norm_said,
    rows_said,
    temperature_said,
    tempering,
    use_said,
)
from divtool.reports.htmlparts import Line, definitions, gates_html, inputs_html
from divtool.reports.page import Cell, escaped, exact, figure, listed, page, paragraph, table_html
from divtool.reports.svgreliability import MOST_BINS, Panel, drawn_bins, reliability_pair, reliability_picture
from divtool.reports.wording import number
from divtool.result import InputReport

# A page lists so many bins; more are for programs.
_MOST_LISTED = 100
_CERTAIN = 2.0


def calibration_page(result: CalibrationResult, *, digits: int = 7) -> str:
    """The page of a calibration, whole in itself; ``digits`` are shown, all of them are in the ``title`` of a cell."""
    whole = [each for each in result.results if each.family == "the model"]
    errors = [each for each in result.results if is_error(each)]
    parts = [each for each in result.results if each not in whole and each not in errors]
    sections = [
        ("Thresholds", gates_html(result.gates)),
        ("Reliability", _diagram(result)),
        ("Calibration errors", _errors(errors, digits)),
        ("The model", _figures(whole, digits)),
        ("The Brier score of the confidence and its parts", _figures(parts, digits)),
        ("Bins", _bins(result, digits)),
        ("What was read", inputs_html(result.inputs, result.matched)),
        ("Warnings", listed(result.warnings, "warn")),
        ("How", definitions(_settings("calibration", result.version, result.settings, result.bins, result.binning))),
    ]
    return page(_title("Calibration", result.inputs), sections, lead=_lead(result, digits))


def _title(what: str, inputs: Sequence[InputReport]) -> str:
    return f"{what} of {inputs[0].path}" if inputs else what


def _lead(result: CalibrationResult, digits: int) -> str:
    """In words, then the first number and what it is over."""
    first = result.results[0]
    error = "" if first.std_error is None else f" <small>\u00b1 {number(first.std_error, min(digits, 3))}</small>"
    unit = "" if first.unit == "1" else f" <small>{escaped(first.unit)}</small>"
    big = (
        f'<p class="big" title="{first.value!r}"><small>{escaped(first.title)}</small> '
        f"{number(first.value, digits)}{error}{unit}</p>\n"
    )
    asides = [
        f"{count:,} {word}" for count, word in ((result.ignored, "ignored"), (result.missing, "left out")) if count
    ]
    over = "; ".join([f"over {result.n:,} row{'' if result.n == 1 else 's'}", *asides, f"{result.bins:,} bins"])
    return paragraph(headline(result), "verdict") + big + paragraph(over, "dim")


def headline(result: CalibrationResult) -> str:
    """How sure the model is and how often it is right, and which of the two is more, if that is known to be no chance:
    twice the standard error."""
    held = [each for each in result.reliability if each.rows]
    sure = math.fsum((each.confidence or 0.0) * each.rows for each in held) / result.n
    right = math.fsum((each.accuracy or 0.0) * each.rows for each in held) / result.n
    of_model, came_true = _percents(sure, right)
    one = result.outcome != "top label"
    said = f"{of_model} is said of {result.outcome} on average, {came_true} of the rows are of it"
    if not one:
        said = f"mean confidence {of_model}, accuracy {came_true}"
    gap = next((each for each in result.results if each.name == "overconfidence"), None)
    if gap is None or gap.std_error is None:
        return said[0].upper() + said[1:]
    if abs(gap.value) <= _CERTAIN * gap.std_error:
        return f"About as sure as it is right, on the whole: {said}"
    if one:
        return f"Says {'more' if gap.value > 0 else 'less'} than comes true: {said}"
    return f"{'Too sure of itself' if gap.value > 0 else 'Not sure enough of itself'}: {said}"


def _percents(*shares: float) -> list[str]:
    """To a tenth of a percent, or as finely as different shares differ and what is not 0 or 1 is not said to be.

    >>> _percents(0.5, 0.91), _percents(0.9994, 1.0), _percents(0.91234, 0.91235)
    (['50.0%', '91.0%'], ['99.9%', '100.0%'], ['91.234%', '91.235%'])
    """
    for places in range(1, 7):
        texts = [f"{share * 100:.{places}f}%" for share in shares]
        ends = [f"{end:.{places}f}%" for end in (0.0, 100.0)]
        if len({*texts, *ends}) == len({*shares, 0.0, 1.0}):
            break
    return texts


def _axes(result: CalibrationResult) -> tuple[str, str]:
    """What the confidence is, and what it is held against."""
    if result.outcome == "top label":
        return "confidence", "accuracy"
    return f"probability of {result.outcome}", "frequency"


def _diagram(result: CalibrationResult) -> str:
    over, up = _axes(result)
    caption = (
        f"Left: {up} of each bin, as a bar over the bin and a point at its mean confidence. On the dashed line a model"
        " is as sure as it is right, below it too sure. Right: the gap between the two. Lines at the points are two"
        f" standard errors long to either side. Below: how many rows the bins hold.{_too_many(result.reliability)}"
    )
    return figure(reliability_picture(result.reliability, over, up), caption)


def _too_many(bins: Sequence[ReliabilityBin]) -> str:
    held = sum(1 for each in bins if each.rows)
    return f" Of {held:,} bins with rows, the {MOST_BINS} with the most are drawn." if held > MOST_BINS else ""


def _errors(figures: Sequence[CalibrationFigure], digits: int) -> str:
    """A line for each way of binning, a column for each norm."""
    names, found = error_rows(figures)
    rows: list[Line] = [
        [family, *(exact(row[name].value if name in row else None, min(digits, 6)) for name in names)]
        for family, row in found.items()
    ]
    return table_html(["of", *map(norm_said, names)], rows, range(1, len(names) + 1))


def _figures(figures: Sequence[CalibrationFigure], digits: int) -> str:
    """A line for each; a column that none of them has is left out."""
    head = ["", "value", "standard error", "unit"]
    kept = [0, 1, *([2] * any(each.std_error is not None for each in figures)),
            *([3] * any(each.unit != "1" for each in figures))]  # fmt: skip
    rows = [
        [Cell(each.title), exact(each.value, digits, "strong"), exact(each.std_error, 3),
         Cell("" if each.unit == "1" else each.unit)]
        for each in figures
    ]  # fmt: skip
    return table_html([head[i] for i in kept], [[row[i] for i in kept] for row in rows], [1] + [2] * (2 in kept))


def _bins(result: CalibrationResult, digits: int) -> str:
    bins = result.reliability
    shown = bins if len(bins) <= _MOST_LISTED else [each for each in bins if each.rows]
    rows: list[Line] = [
        [
            f"{number(each.low, min(digits, 6))} to {number(each.high, min(digits, 6))}", f"{each.rows:,}",
            *(exact(value, min(digits, 5)) for value in (each.confidence, each.accuracy, each.gap)),
            exact(each.std_error, 3),
        ]
        for each in shown[:_MOST_LISTED]
    ]  # fmt: skip
    head = ["bin", "rows", "mean confidence", _axes(result)[1], "gap", "standard error"]
    more = len(shown) - _MOST_LISTED
    return table_html(head, rows, range(1, 6)) + paragraph(
        f"and {more:,} more bins, which -f json lists" if more > 0 else "", "dim"
    )


def _settings(
    command: str, version: str, settings: Mapping[str, object], bins: int, binning: str = "width"
) -> dict[str, str]:
    """What was asked for, in words."""
    said = {"divtool": version, "command": f"divtool {command}", "bins": f"{bins:,} of equal {binning}"}
    for name, value in settings.items():
        items = value if isinstance(value, list | tuple) else (value,)
        said[name.replace("_", " ")] = ", ".join(map(str, items))
    return said


def temperature_page(result: TemperatureResult, *, digits: int = 7) -> str:
    """The page of a temperature: reliability before and after, of the file it was fitted on and the one it is applied
    to, which comes first since it is the test."""
    shown = sorted(result.results, key=lambda each: each.use != "apply")
    sections = [
        ("Before and after", _scores(result.results, digits)),
        *((f"{use_said(each).capitalize()} {rows_said(each)}", _before_and_after(each)) for each in shown),
        ("What was read", inputs_html(tuple(dict.fromkeys(result.inputs)), result.matched)),
        ("Warnings", listed(result.warnings, "warn")),
        ("How", definitions(_settings("temperature", result.version, result.settings, result.bins))),
    ]
    return page(_title("Temperature", result.inputs), sections, lead=_temperature_lead(result, shown[0], digits))


def _temperature_lead(result: TemperatureResult, shown: TemperedScores, digits: int) -> str:
    more = "Too sure of itself" if result.temperature > 1.0 else "Not sure enough of itself"
    few = min(digits, 4)
    said = (
        f"{more}: dividing the logits by {number(result.temperature, few)} takes the ECE from"
        f" {number(shown.ece_before, few)} to {number(shown.ece_after, few)} on the rows it was"
        f" {use_said(shown)}"
    )
    big = (
        f'<p class="big" title="{result.temperature!r}"><small>T</small> {number(result.temperature, digits)}'
        f" <small>\u00b1 {number(result.std_error, min(digits, 3))}</small></p>\n"
    )
    command = escaped(" ".join(tempering(result)), 5000)
    how = paragraph(temperature_said(result), "dim") + (f"<p><code>{command}</code></p>\n" if command else "")
    return paragraph(said, "verdict") + big + how


def _scores(scores: Sequence[TemperedScores], digits: int) -> str:
    rows: list[Line] = [
        [
            use_said(each), rows_said(each), f"{each.n:,}", exact(each.accuracy, min(digits, 6)),
            *(exact(value, min(digits, 6)) for value in (each.nll_before, each.nll_after, each.ece_before)),
            exact(each.ece_after, min(digits, 6), "strong"),
        ]
        for each in scores
    ]  # fmt: skip
    head = ["", "file", "n", "accuracy", "NLL (nats)", "\u2192", "ECE", "\u2192"]
    return table_html(head, rows, range(2, 8))


def _before_and_after(each: TemperedScores) -> str:
    before = Panel("before (T = 1)", each.reliability_before, "c1")
    after = Panel("after", each.reliability_after, "c2")
    caption = (
        "On the dashed line a model is as sure as it is right, below it too sure. Lines at the points are two standard"
        " errors of the gap long to either side."
    )
    if max(len(drawn_bins(panel.bins)) for panel in (before, after)) == MOST_BINS:
        caption += f" Of many bins, the {MOST_BINS} with the most rows are drawn."
    return figure(reliability_pair((before, after), "confidence", "accuracy"), caption)

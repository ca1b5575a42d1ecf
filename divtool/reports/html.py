"""The page of a run: which candidate is best, by how much, and where it goes wrong."""

from __future__ import annotations

from collections.abc import Sequence

from divtool.reports.htmlparts import (
    chance,
    definitions,
    exact,
    exact_column,
    gates_html,
    groups_html,
    inputs_html,
    measures_table,
    others_table,
    spread_table,
    worst_html,
)
from divtool.reports.page import Cell, escaped, figure, listed, page, paragraph, table_html
from divtool.reports.ranked import Entry, Ranking, percent, ranking_of
from divtool.reports.svgranking import ranking_picture, series
from divtool.reports.svgspread import Spread, histograms, quantile_curves
from divtool.reports.wording import basis_said, directed, number, towards_each
from divtool.result import MeasureResult, Result

_MOST_HISTOGRAMS, _MOST_BOTH = 24, 3


def as_html(result: Result, *, digits: int = 7) -> str:
    """One page that holds everything it needs: charts as SVG, no script, nothing from the network.

    ``digits`` are shown of each number; all of them are in its ``title``.
    """
    ranking = ranking_of(result)
    main = ranking.best.main if ranking is not None else result.results[0] if result.results else None
    if main is None:
        return page(f"divtool {result.command}", _about(result))
    spreads = _spreads(result, ranking)
    sections = [
        ("" if ranking is None else "Ranking", _ranking(ranking, digits)),
        ("How the rows are spread", _spread(spreads, main) + (spread_table(ranking, digits) if ranking else "")),
        ("Where it goes wrong", groups_html(result, ranking, digits) + worst_html(result, ranking, digits)),
        ("Other measures", others_table(ranking, digits))
        if ranking
        else ("Measures", measures_table(result.results, digits)),
        ("Thresholds", gates_html(result.gates)),
        *_about(result),
    ]
    return page(_title(main, result), sections, lead=_lead(main, result, digits))


def _title(main: MeasureResult, result: Result) -> str:
    if main.direction is None:
        return main.title + (f" of {len(result.candidates)} candidates" if result.candidates else "")
    with_files = towards_each if result.candidates else directed
    return f"{main.title}  {with_files(main.direction, result)}"


def _lead(main: MeasureResult, result: Result, digits: int) -> str:
    """The verdict, or the number of a run that has none, and what it is over."""
    if result.verdict is not None:
        said = paragraph(result.verdict.said, "verdict")
        notes = "".join(paragraph(note, "dim") for note in result.verdict.notes)
    else:
        error = "" if main.std_error is None else f" <small>\u00b1 {number(main.std_error, min(digits, 3))}</small>"
        unit = "" if main.unit == "1" else f" <small>{escaped(main.unit)}</small>"
        said = f'<p class="big" title="{main.value!r}">{number(main.value, digits)}{error}{unit}</p>\n'
        notes = ""
    failed = [each for each in result.gates if each.failed]
    held = len(result.gates)
    if held:
        told = f"{len(failed)} of {held} thresholds failed" if failed else f"all {held} thresholds passed"
        said += paragraph(told, "bad strong" if failed else "good strong")
    return said + paragraph(basis_said(main, result), "dim") + notes


def _ranking(ranking: Ranking | None, digits: int) -> str:
    if ranking is None:
        return ""
    level = percent(ranking.level)
    caption = f"Left: the mean with its {level} interval."
    if any(each.difference for each in ranking.entries):
        caption += (
            f" Right: how far each is above the best over the same rows, with the {level} interval of that difference; "
            "a hollow point is tied with the best: its interval holds 0."
        )
    return figure(ranking_picture(ranking, digits), caption) + _ranking_table(ranking, digits)


def _ranking_table(ranking: Ranking, digits: int) -> str:
    """The numbers of the picture, and the tests."""
    label = ranking.label + (f" ({ranking.best.main.unit})" if ranking.best.main.unit != "1" else "")
    values = exact_column([each.main.value for each in ranking.entries], digits, "strong")
    rows = [_ranking_row(each, value, digits) for each, value in zip(ranking.entries, values, strict=True)]
    head = ["#", "candidate", label, "standard error", "difference", "low", "high", "p, sign test", "p, permuted", ""]
    kept = [i for i, name in enumerate(head) if i in (1, 2) or any(_shown(row[i]) for row in rows)]
    numeric = [place for place, i in enumerate(kept) if i not in (1, len(head) - 1)]
    return table_html([head[i] for i in kept], [[row[i] for i in kept] for row in rows], numeric)


def _shown(cell: str | Cell) -> str:
    return cell.text if isinstance(cell, Cell) else cell


def _ranking_row(each: Entry, value: Cell, digits: int) -> Sequence[str | Cell]:
    apart, main = each.difference, each.main
    tests = [Cell("")] * 5
    if apart is not None:
        tests = [exact(value, 4) for value in (apart.value, apart.low, apart.high)]
        tests += [chance(apart.p_sign), chance(apart.p_permutation)]
    return [
        str(each.rank or ""), Cell(each.name, each.candidate, "name strong" if each.best else "name"), value,
        exact(main.std_error, min(digits, 3)),
        *tests,
        Cell("tied" if each.tied else "best" if each.best else "", style="dim"),
    ]  # fmt: skip


def _spreads(result: Result, ranking: Ranking | None) -> list[Spread]:
    """The rows of the measure, of each candidate, and the other direction where there are few."""
    if ranking is None:
        main = result.results[0]
        named = [("", main, {each.name: each for each in result.results})]
    else:
        named = [(entry.name, entry.main, dict(entry.others)) for entry in ranking.entries[:_MOST_HISTOGRAMS]]
    found = []
    for place, (name, main, others) in enumerate(named):
        other = others.get(f"{main.name}_reversed") if len(named) <= _MOST_BOTH else None
        if main.shape is not None:
            found.append(Spread(name or _way(main), main.shape, main.value, series(place)))
        if other is not None and other.shape is not None:
            called = f"{name}, reversed" if name else _way(other)
            found.append(Spread(called, other.shape, other.value, series(place if name else 1), dashed=True))
    return found


def _way(each: MeasureResult) -> str:
    return each.direction or each.name


def _spread(spreads: Sequence[Spread], main: MeasureResult) -> str:
    unit = main.name if main.unit == "1" else f"{main.name} in {main.unit}"
    bars = figure(histograms(spreads, unit), "Histogram of the rows; the line is the median, the point the mean.")
    curves = figure(
        quantile_curves(spreads, unit), "Quantiles: half of the rows lie below the curve's middle, its right end is the"
        " tail." + (" Dashed: the other direction." if any(each.dashed for each in spreads) else ""),
    )  # fmt: skip
    return bars + curves


def _about(result: Result) -> list[tuple[str, str]]:
    """What was read, what to know, and how to do it again."""
    told = {"divtool": f"{result.version} ({result.kernels} kernels)", "command": f"divtool {result.command}"}
    told |= {name.replace("_", " "): str(value) for name, value in result.settings.items()}
    return [
        ("What was read", inputs_html(result.inputs, result.matched)),
        ("Warnings", listed(result.warnings, "warn")),
        ("How", definitions(told)),
    ]

"""The page of a run: which candidate is best, by how much, and where it goes wrong."""

from __future__ import annotations

from collections.abc import Sequence

from divtool.reports.htmlgroups import groups_html
from divtool.reports.htmlparts import (
    chance,
    definitions,
    exact_column,
    gates_html,
    inputs_html,
    measures_table,
    others_table,
    spread_table,
    worst_html,
)
from divtool.reports.names import told_apart
from divtool.reports.page import Cell, escaped, exact, figure, listed, page, paragraph, table_html
from divtool.reports.ranked import Entry, Ranking, percent, ranking_of
from divtool.reports.svgranking import ranking_picture, series
from divtool.reports.svgspread import Spread, histograms, quantile_curves
from divtool.reports.wording import basis_said, bound_said, directed, number, towards_each
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
        ("How the rows are spread", _spread(spreads, main) + _quantiles(result, ranking, digits)),
        ("Where it goes wrong", groups_html(result, ranking, digits) + worst_html(result, ranking, digits)),
        ("Other measures", others_table(ranking, digits))
        if ranking
        else ("Measures", measures_table(result.results, digits)),
        ("Conditions (--fail-if)", gates_html(result.gates)),
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
        told = f"FAILED: {len(failed)} of {held} --fail-if conditions came true"
        told = told if failed else f"passed: none of {held} --fail-if conditions came true"
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
    return figure(ranking_picture(ranking, digits), caption) + _ranking_table(ranking, digits) + _tests_table(ranking)


def _ranking_table(ranking: Ranking, digits: int) -> str:
    """The numbers of the picture."""
    label = ranking.label + (f" ({ranking.best.main.unit})" if ranking.best.main.unit != "1" else "")
    values = exact_column([each.main.value for each in ranking.entries], digits, "strong")
    rows = [_ranking_row(each, value, digits) for each, value in zip(ranking.entries, values, strict=True)]
    head = ["#", "candidate", label, "\u00b1", "difference", f"its {percent(ranking.level)} interval", ""]
    return _filled(head, rows, (0, 2, 3, 4, 5))


def _filled(
    head: Sequence[str], rows: Sequence[Sequence[str | Cell]], numeric: Sequence[int], caption: str = ""
) -> str:
    """A table without the columns in which nothing stands."""
    kept = [i for i, _ in enumerate(head) if any(_shown(row[i]) for row in rows)]
    right = [place for place, i in enumerate(kept) if i in numeric]
    return table_html(
        [head[i] for i in kept],
        [[row[i] for i in kept] for row in rows],
        right,
        caption=caption,
        sticky=head[0] == "candidate",
    )


def _shown(cell: str | Cell) -> str:
    return cell.text if isinstance(cell, Cell) else cell


def _ranking_row(each: Entry, value: Cell, digits: int) -> Sequence[str | Cell]:
    apart, main = each.difference, each.main
    return [
        str(each.rank or ""), Cell(each.name, each.candidate, "name strong" if each.best else "name"), value,
        exact(main.std_error, min(digits, 3)), exact(None if apart is None else apart.value, 4),
        _interval(*((None, None) if apart is None else (apart.low, apart.high))), Cell(each.standing, style="dim"),
    ]  # fmt: skip


def _interval(low: float | None, high: float | None) -> Cell:
    if low is None or high is None:
        return Cell("")
    return Cell(f"{number(low, 4)} to {number(high, 4)}", f"{low!r} to {high!r}")


def _tests_table(ranking: Ranking) -> str:
    """Whether chance explains the differences: in how many rows each is above the best, and p-values."""
    found = [(each, each.difference) for each in ranking.entries if each.difference is not None]
    if not found:
        return ""
    rows: list[Sequence[str | Cell]] = [
        [
            Cell(each.name, each.candidate, "name"), f"{apart.above:,}", f"{apart.below:,}", f"{apart.equal:,}",
            chance(apart.p_sign), chance(apart.p_permutation), _interval(apart.boot_low, apart.boot_high),
            f"{apart.left_out:,}" if apart.left_out else "",
        ]
        for each, apart in found
    ]  # fmt: skip
    head = ["candidate", "higher", "lower", "equal", "p, sign test", "p, permuted", "bootstrap interval", "left out"]
    clustered = ranking.best.main.units == "clusters"
    what = "clusters of rows" if clustered else "rows"
    caption = f"In how many {what} each is higher or lower than {ranking.best.name}, and tests of that difference"
    return _filled(head, rows, range(1, len(head)), caption)


def _spreads(result: Result, ranking: Ranking | None) -> list[Spread]:
    """The rows of the measure, of each candidate, and the other direction where there are few."""
    if ranking is None:
        main = result.results[0]
        named = [("", main, {each.name: each for each in result.results})]
    else:
        drawn = ranking.entries[:_MOST_HISTOGRAMS]
        both = len(drawn) <= _MOST_BOTH and f"{ranking.label}_reversed" in ranking.others
        names = told_apart([entry.name for entry in drawn], 22 if both else 28)
        named = [(name, entry.main, dict(entry.others)) for name, entry in zip(names, drawn, strict=True)]
    found = []
    for place, (name, main, others) in enumerate(named):
        other = others.get(f"{main.name}_reversed") if len(named) <= _MOST_BOTH else None
        if main.shape is not None:
            found.append(Spread(name or _way(main), main.shape, main.value, series(place)))
        if other is not None and other.shape is not None:
            called = f"{name}, reversed" if name else _way(other)
            found.append(Spread(called, other.shape, other.value, series(place if name else 1), dashed=True))
    return found


def _quantiles(result: Result, ranking: Ranking | None, digits: int) -> str:
    """The quantiles of each candidate (those of a single file stand beside its measures), and how exact all are."""
    bound = max((each.quantile_bound for each in (*result.results, *result.groups)), default=0.0)
    table = "" if ranking is None else spread_table(ranking, digits)
    return table + (paragraph(bound_said(bound), "dim") if bound else "")


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
    told: dict[str, object] = {"divtool": f"{result.version} ({result.kernels} kernels)"}
    told["command"] = f"divtool {result.command}"
    told |= {name.replace("_", " "): value for name, value in result.settings.items()}
    return [
        ("What was read", inputs_html(result.inputs, result.matched)),
        ("Warnings", listed(result.warnings, "warn")),
        ("How", definitions(told)),
    ]

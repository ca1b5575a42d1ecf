"""The tables of the page: numbers with all their digits behind them, groups, worst rows, thresholds, inputs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from divtool.reports.page import Cell, escaped, listed, paragraph, table_html
from divtool.reports.ranked import Ranking, alike, main_groups, short_names, worst_of
from divtool.reports.safetext import safe
from divtool.reports.scales import Scale, scale_of
from divtool.reports.svg import box, picture
from divtool.reports.wording import meaning_said, name_said, number, oddities, shape_said
from divtool.result import GateResult, InputReport, MeasureResult, Result

_MOST_GROUPS, _MOST_CARDS, _MOST_WORST, _MOST_BESIDE = 60, 6, 12, 5
_BAR = 140.0
_LEAST_P = 1e-300

Line = Sequence[str | Cell]


def exact(value: float | None, digits: int, style: str = "") -> Cell:
    """A number to so many digits, all of them where a pointer rests on it."""
    return Cell("", style=style) if value is None else Cell(number(value, digits), repr(value), style)


def chance(p: float | None) -> Cell:
    """A p-value; one that is too small for a double is below all of them."""
    return Cell("< 1e-300", repr(p)) if p is not None and p <= _LEAST_P else exact(p, 3)


def exact_column(values: Sequence[float], digits: int, style: str = "") -> list[Cell]:
    """Numbers of a column with as many decimals each."""
    return [Cell(text, repr(value), style) for text, value in zip(alike(values, digits), values, strict=True)]


def measures_table(measures: Sequence[MeasureResult], digits: int) -> str:
    """Measures of one file, a line each."""
    head = ["measure", "value", "standard error", "unit", "n", "median", "p95", "p99", "max", "row"]
    rows: list[Line] = [
        [
            name_said(each), exact(each.value, digits, "strong"), exact(each.std_error, 3),
            "" if each.unit == "1" else each.unit, f"{each.n:,}", exact(each.quantiles.get("p50"), 5),
            exact(each.quantiles.get("p95"), 5), exact(each.quantiles.get("p99"), 5), exact(each.maximum, 5),
            "" if each.max_row is None else str(each.max_row),
        ]
        for each in measures
    ]  # fmt: skip
    return table_html(head, rows, [1, 2, 4, 5, 6, 7, 8, 9])


def spread_table(ranking: Ranking, digits: int) -> str:
    """How the rows of each candidate are spread: the least, the quantiles, the greatest and where it is."""
    mains = [entry.main for entry in ranking.entries]
    columns = {"min": [each.minimum for each in mains]}
    for name in mains[0].quantiles:
        columns["median" if name == "p50" else name] = [each.quantiles.get(name, math.nan) for each in mains]
    columns["max"] = [each.maximum for each in mains]
    cells = [exact_column(values, min(digits, 5)) for values in columns.values()]
    rows: list[Line] = [
        [Cell(entry.name, style="name"), f"{entry.main.n:,}", *(column[i] for column in cells),
         "" if entry.main.max_row is None else str(entry.main.max_row)]
        for i, entry in enumerate(ranking.entries)
    ]  # fmt: skip
    head = ["candidate", "rows", *columns, "in row"]
    return table_html(head, rows, range(1, len(head)), caption=f"the rows of {ranking.label}")


def others_table(ranking: Ranking, digits: int) -> str:
    """The other measures of the candidates: a line a candidate, a column a measure."""
    columns = []
    for label in ranking.others:
        known = [entry.others.get(label) for entry in ranking.entries]
        cells = iter(exact_column([each.value for each in known if each is not None], min(digits, 6)))
        columns.append([Cell("") if each is None else next(cells) for each in known])
    rows: list[Line] = [[entry.name, *(column[i] for column in columns)] for i, entry in enumerate(ranking.entries)]
    head = ["candidate", *(safe(label, 40) for label in ranking.others)]
    return table_html(head, rows, range(1, len(head))) if columns else ""


def groups_html(result: Result, ranking: Ranking | None, digits: int) -> str:
    """A table for each column that makes groups: the best candidate with a bar, the others beside it."""
    said = []
    for by, groups in main_groups(result, ranking).items():
        of_each: dict[str, dict[str | None, MeasureResult]] = {}
        for each in groups:
            of_each.setdefault(each.group or "", {})[each.candidate] = each
        said.append(_groups(by, groups[0].name, of_each, ranking, digits))
    return "".join(said)


def _groups(
    by: str, label: str, of_each: Mapping[str, Mapping[str | None, MeasureResult]], ranking: Ranking | None, digits: int
) -> str:
    names: list[str | None] = [None]
    if ranking is not None:
        names = [entry.candidate for entry in ranking.entries[: _MOST_BESIDE + 1]]
    shown = {group: found for group, found in of_each.items() if names[0] in found}
    leading = [found[names[0]] for found in shown.values()]
    scale = scale_of((each.value for each in leading), origin=True)
    worst = _worst_place(leading)
    short = short_names([name for name in names if name is not None], 30)
    values = exact_column([each.value for each in leading], min(digits, 6))
    rows: list[Line] = []
    listed_groups = [*enumerate(shown.items())]
    # The worst one is what is looked for: it is there wherever it stands.
    kept = listed_groups[:_MOST_GROUPS] + [each for each in listed_groups[_MOST_GROUPS:] if each[0] == worst]
    for place, (group, found) in kept:
        each, bad = leading[place], "bad strong" if place == worst else ""
        rows.append([
            Cell(safe(group, 60) + (" (worst)" if bad else ""), style=bad), f"{each.n:,}",
            Cell(values[place].text, values[place].title, "strong"), exact(each.std_error, 3),
            Cell(_bar(each.value, scale, group, bad), style="bar", trusted=True),
            *_beside(found, names[1:]),
        ])  # fmt: skip
    head = ["group", "n", short.get(names[0] or "", label), "\u00b1", "", *(short[name] for name in names[1:] if name)]
    head += ["median", "p95", "max"] if len(names) == 1 else []
    more, beside = len(shown) - len(kept), 0 if ranking is None else len(ranking.entries) - len(names)
    note = paragraph(f"and {more:,} more groups, which -f tsv lists", "dim") if more > 0 else ""
    note += paragraph(f"{beside} more candidates are in -f tsv", "dim") if beside > 0 else ""
    numeric = [1, 2, 3, *range(5, len(head))]
    return table_html(head, rows, numeric, caption=f"{label} by {safe(by, 60)}") + note


def _beside(found: Mapping[str | None, MeasureResult], others: Sequence[str | None]) -> list[Cell]:
    """What stands behind the bar of a group: the other candidates, or how the rows of the only one are spread."""
    if others:
        return [exact(found[name].value if name in found else None, 5) for name in others]
    (each,) = found.values()
    return [exact(each.quantiles.get("p50"), 4), exact(each.quantiles.get("p95"), 4), exact(each.maximum, 4)]


def _worst_place(groups: Sequence[MeasureResult]) -> int | None:
    """The worst of two groups or more; None where it is not known which way is better."""
    known = [(each.value, place) for place, each in enumerate(groups) if not math.isnan(each.value)]
    if len(known) < 2 or groups[0].better is None:
        return None
    value = (min if groups[0].better == "higher" else max)(value for value, _ in known)
    return next(place for found, place in known if found == value)


def _bar(value: float, scale: Scale | None, name: str, style: str) -> str:
    if scale is None or math.isnan(value):
        return ""
    zero, end = scale.held(0.0) * _BAR, scale.held(value) * _BAR
    body = [box(min(zero, end), 2, max(abs(end - zero), 0.5), 10, "bad" if style else "c0")]
    drawn = picture(14, name, f"{value:.7g}", body, width=_BAR)
    return drawn.replace("<svg ", f'<svg width="{_BAR:.0f}" height="14" ', 1)


def worst_html(result: Result, ranking: Ranking | None, digits: int) -> str:
    """The rows with the worst numbers, a small table for each of the first candidates, and rows that are no numbers."""
    tables = []
    named = [""] if ranking is None else [entry.name for entry in ranking.entries]
    for name, (_, each) in zip(named, worst_of(result, ranking), strict=False):
        tables.append(_worst(name or each.name, each, digits))
    beyond = max(0, len(tables) - _MOST_CARDS)
    note = paragraph(f"those of {beyond} more candidates are in -f json", "dim") if beyond else ""
    cards = f'<div class="cards">\n{"".join(tables[:_MOST_CARDS])}</div>\n' if tables else ""
    return cards + note + listed(_odd(result, ranking))


def _worst(name: str, each: MeasureResult, digits: int) -> str:
    values = exact_column([row.value for row in each.worst[:_MOST_WORST]], min(digits, 6), "strong")
    rows: list[Line] = [
        [str(row.row), row.id or "", row.label or "", cell] for row, cell in zip(each.worst, values, strict=False)
    ]
    head = ["row", "id", "label", each.name]
    kept = [i for i in range(4) if i in (0, 3) or any(row[i] for row in rows)]
    table = [[row[i] for i in kept] for row in rows]
    return table_html([head[i] for i in kept], table, [kept.index(0), kept.index(3)], caption=f"worst rows: {name}")


def _odd(result: Result, ranking: Ranking | None) -> list[str]:
    measures = [("", each) for each in result.results[:1]]
    if ranking is not None:
        measures = [(entry.name + ": ", entry.main) for entry in ranking.entries]
    return [name + "; ".join(oddities(each)) for name, each in measures if oddities(each)]


def gates_html(gates: Sequence[GateResult]) -> str:
    """The thresholds that the run was held to, with what was found."""
    rows: list[Line] = [
        [
            Cell("failed" if each.failed else "passed", style="bad strong" if each.failed else "good"), each.text,
            f"{each.measure} {each.statistic}", Cell(number(each.actual, 7), repr(each.actual)), each.candidate or "",
        ]
        for each in gates
    ]  # fmt: skip
    head = ["", "fails if", "figure", "actual", "candidate"]
    kept = 5 if any(each.candidate for each in gates) else 4
    return table_html(head[:kept], [row[:kept] for row in rows], [3])


def inputs_html(inputs: Sequence[InputReport], matched: Sequence[str]) -> str:
    """What was read and as what, and how the rows were matched."""
    rows: list[Line] = [
        [Cell("+".join(each.roles), style="dim"), Cell(safe(each.path, 200), style="path"), shape_said(each),
         meaning_said(each)]
        for each in inputs
    ]  # fmt: skip
    return table_html(["role", "file", "format, rows x classes", "what it holds"], rows) + paragraph("; ".join(matched))


def definitions(pairs: Mapping[str, str]) -> str:
    """Names with what they are, on a line each."""
    lines = "".join(f"<li>{escaped(name)}: <code>{escaped(said)}</code></li>\n" for name, said in pairs.items())
    return f"<ul>\n{lines}</ul>\n" if pairs else ""

"""The tables of the page: numbers with all their digits behind them, worst rows, thresholds, inputs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from divtool.reports.page import Cell, escaped, exact, listed, paragraph, table_html
from divtool.reports.ranked import Ranking, alike, worst_of
from divtool.reports.safetext import safe
from divtool.reports.wording import meaning_said, name_said, number, oddities, shape_said
from divtool.result import GateResult, InputReport, MeasureResult, Result

_MOST_CARDS, _MOST_WORST = 6, 12
_LEAST_P = 1e-300

Line = Sequence[str | Cell]


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
    if not any(row[-1] for row in rows):
        head, rows = head[:-1], [row[:-1] for row in rows]
    return table_html(head, rows, range(1, len(head)), caption=f"the rows of {ranking.label}", sticky=True)


def others_table(ranking: Ranking, digits: int) -> str:
    """The other measures of the candidates: a line a candidate, a column a measure."""
    columns = []
    for label in ranking.others:
        known = [entry.others.get(label) for entry in ranking.entries]
        cells = iter(exact_column([each.value for each in known if each is not None], min(digits, 6)))
        columns.append([Cell("") if each is None else next(cells) for each in known])
    rows: list[Line] = [
        [Cell(entry.name, style="name"), *(column[i] for column in columns)] for i, entry in enumerate(ranking.entries)
    ]
    head = ["candidate", *(safe(label, 40) for label in ranking.others)]
    return table_html(head, rows, range(1, len(head)), sticky=True) if columns else ""


def worst_html(result: Result, ranking: Ranking | None, digits: int) -> str:
    """The rows with the worst numbers, a small table for each of the first candidates, or for each measure of one file,
    and rows that are no numbers."""
    tables = [_worst(name or each.name, each, digits) for name, each in worst_of(result, ranking)]
    beyond = max(0, len(tables) - _MOST_CARDS)
    note = paragraph(f"those of {beyond} more are in -f json", "dim") if beyond else ""
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
    """The thresholds that the run was held to, with what was found and what came of it."""
    rows: list[Line] = [
        [
            each.text, each.candidate or "", f"{each.measure} {each.statistic}",
            Cell(number(each.actual, 7), repr(each.actual), "strong"),
            Cell("FAILED" if each.failed else "passed", style="bad strong" if each.failed else "good"),
        ]
        for each in gates
    ]  # fmt: skip
    head = ["fails if", "candidate", "figure", "it is", "outcome"]
    kept = [i for i in range(5) if i != 1 or any(each.candidate for each in gates)]
    return table_html([head[i] for i in kept], [[row[i] for i in kept] for row in rows], [kept.index(3)])


def inputs_html(inputs: Sequence[InputReport], matched: Sequence[str]) -> str:
    """What was read and as what, and how the rows were matched."""
    rows: list[Line] = [
        [Cell("+".join(each.roles), style="dim"), Cell(safe(each.path, 200), style="path"), shape_said(each),
         meaning_said(each)]
        for each in inputs
    ]  # fmt: skip
    return table_html(["role", "file", "format, rows x classes", "what it holds"], rows) + paragraph("; ".join(matched))


def definitions(pairs: Mapping[str, object]) -> str:
    """Names with what they are, on a line each.

    >>> print(definitions({"measure": ("js", "tv"), "reverse": True}), end="")
    <ul>
    <li>measure: <code>js, tv</code></li>
    <li>reverse: <code>yes</code></li>
    </ul>
    """
    lines = "".join(f"<li>{escaped(name)}: <code>{escaped(value_said(value))}</code></li>\n"
                    for name, value in pairs.items())  # fmt: skip
    return f"<ul>\n{lines}</ul>\n" if pairs else ""


def value_said(value: object) -> str:
    """The value of a setting in words.

    >>> value_said((("a", 2.0), ("b", 0.5))), value_said({"a": None}), value_said(("js,tv",))
    ('a 2.0, b 0.5', 'a none', 'js, tv')
    """
    if isinstance(value, bool) or value is None:
        return "none" if value is None else "yes" if value else "no"
    if isinstance(value, Mapping):
        value = tuple(value.items())
    if isinstance(value, list | tuple):
        return ", ".join(" ".join(map(value_said, each)) if isinstance(each, tuple) else value_said(each)
                         for each in value)  # fmt: skip
    return ", ".join(value.split(",")) if isinstance(value, str) else str(value)

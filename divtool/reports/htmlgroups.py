"""Groups of rows on the page: a table for each column that makes them, the best candidate with bars, the others beside
it, and which group is the worst of each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from divtool.reports.grouped import Groups, groups_of
from divtool.reports.names import short_names
from divtool.reports.page import Cell, exact, paragraph, table_html
from divtool.reports.ranked import Ranking, alike
from divtool.reports.safetext import safe
from divtool.reports.scales import Scale, scale_of
from divtool.reports.svg import box, picture
from divtool.reports.wording import number
from divtool.result import MeasureResult, Result

_MOST_GROUPS, _MOST_BESIDE, _MOST_MEASURES = 60, 5, 6
# So many other candidates have their errors beside their numbers; those of more are in the titles.
_MOST_ERRORS = 2
_BAR = 140.0
# A longer name of a group may be broken on a narrow screen.
_LONG = 24

Line = Sequence[str | Cell]


def groups_html(result: Result, ranking: Ranking | None, digits: int) -> str:
    """A table for each column that makes groups; of several candidates one for each measure that was asked for."""
    said = []
    for groups in groups_of(result, ranking):
        if groups.candidates == (None,):
            said.append(_of_one(groups, digits))
            continue
        said += [_of_several(groups, label, digits) for label in groups.labels[:_MOST_MEASURES]]
        more = len(groups.labels) - _MOST_MEASURES
        said.append(paragraph(f"{more} more measures of groups are in -f tsv", "dim note") if more > 0 else "")
    return "".join(said)


def _of_one(groups: Groups, digits: int) -> str:
    """The groups of one file: a measure with bars, the others as columns, and how the rows of the first are spread."""
    label, others = groups.labels[0], groups.labels[1 : _MOST_MEASURES + 1]
    kept, more = _kept(groups, label)
    found = [(group, groups.found(group, None, label)) for group in kept]
    columns = [_column([groups.found(group, None, other) for group in kept], digits) for other in others]
    head = ["group", "n", label, "\u00b1", "", *others, "median", "p95", "max"]
    rows = [
        [*cells, *(column[place] for column in columns), *_spread(each)]
        for place, (cells, (_, each)) in enumerate(zip(_leading(groups, label, found, digits), found, strict=True))
    ]
    left = len(groups.labels) - 1 - len(others)
    note = paragraph(f"{left} more measures of groups are in -f tsv", "dim note") if left else ""
    return _table(groups, label, head, rows) + more + note


def _of_several(groups: Groups, label: str, digits: int) -> str:
    """The groups of several candidates by one measure: the best with bars, some others beside it. A group that the
    best has no rows in is there with theirs."""
    names = groups.candidates[: _MOST_BESIDE + 1]
    short = short_names([name for name in groups.candidates if name is not None], 30)
    kept, more = _kept(groups, label)
    leading = _leading(groups, label, [(group, groups.found(group, names[0], label)) for group in kept], digits)
    beside = [_other_cells(groups, name, label, kept, errors=len(names) - 1 <= _MOST_ERRORS) for name in names[1:]]
    rows = [[*cells, *(column[place] for column in beside)] for place, cells in enumerate(leading)]
    called = [short.get(name or "", "") for name in names]
    head = ["group", "n", called[0], "\u00b1", "", *called[1:]]
    worst = [(short[name], groups.worst(name, label)) for name in names if name is not None]
    said = "; ".join(f"{name} in {safe(group, 60)}" for name, group in worst if group is not None)
    left = len(groups.candidates) - len(names)
    note = paragraph(f"Worst (red): {said}.", "dim note") if said else ""
    note += paragraph(f"{left} more candidates are in -f tsv", "dim note") if left > 0 else ""
    return _table(groups, label, head, rows) + more + note


def _table(groups: Groups, label: str, head: Sequence[str], rows: Sequence[Line]) -> str:
    numeric = [1, 2, 3, *range(5, len(head))]
    shown = [safe(each, 40) for each in head]
    return table_html(shown, rows, numeric, caption=f"{safe(label, 40)} by {safe(groups.by, 60)}", sticky=True)


def _kept(groups: Groups, label: str) -> tuple[list[str], str]:
    """The first groups, with the worst of each candidate wherever it stands, and how many are left out."""
    listed = [group for group, found in groups.lines.items() if any(name == label for _, name in found)]
    # The worst one is what is looked for.
    worst = {groups.worst(name, label) for name in groups.candidates[: _MOST_BESIDE + 1]}
    kept = [group for place, group in enumerate(listed) if place < _MOST_GROUPS or group in worst]
    more = len(listed) - len(kept)
    return kept, paragraph(f"and {more:,} more groups, which -f tsv lists", "dim note") if more > 0 else ""


def _leading(
    groups: Groups, label: str, found: Sequence[tuple[str, MeasureResult | None]], digits: int
) -> list[list[str | Cell]]:
    """The cells of the best candidate, or of the only file: the group, its rows, the number with its error, a bar."""
    known = [each for _, each in found if each is not None]
    scale = scale_of((each.value for each in known), origin=True)
    worst = groups.worst(groups.candidates[0], label)
    values = _column([each for _, each in found], digits, "strong")
    lines: list[list[str | Cell]] = []
    for (group, each), value in zip(found, values, strict=True):
        bad = "bad strong" if group == worst else ""
        lines.append([
            _group_cell(group, bad), "" if each is None else f"{each.n:,}",
            value, exact(None if each is None else each.std_error, 3),
            Cell("" if each is None else _bar(each.value, scale, group, bad), style="bar", trusted=True),
        ])  # fmt: skip
    return lines


def _group_cell(group: str, bad: str) -> Cell:
    style = " ".join(filter(None, (bad, "name" if len(group) > _LONG else "")))
    return Cell(safe(group, 60) + (" (worst)" if bad else ""), style=style)


def _column(found: Sequence[MeasureResult | None], digits: int, style: str = "") -> list[Cell]:
    texts = iter(alike([each.value for each in found if each is not None], min(digits, 6)))
    return [Cell("") if each is None else Cell(next(texts), repr(each.value), style) for each in found]


def _spread(each: MeasureResult | None) -> list[Cell]:
    assert each is not None
    return [exact(each.quantiles.get("p50"), 4), exact(each.quantiles.get("p95"), 4), exact(each.maximum, 4)]


def _other_cells(groups: Groups, name: str | None, label: str, kept: Sequence[str], *, errors: bool) -> list[Cell]:
    """Another candidate's number of each group, red where it is its worst; with its own number of rows where that is
    another than the best one's (by their confidence, say)."""
    found = [groups.found(group, name, label) for group in kept]
    worst = groups.worst(name, label)
    cells = []
    for group, each, cell in zip(kept, found, _column(found, 5), strict=True):
        if each is None:
            cells.append(cell)
            continue
        first = groups.found(group, groups.candidates[0], label)
        error = "" if each.std_error is None else f" \u00b1 {number(each.std_error, 3)}"
        rows = f" (n {each.n:,})" if first is None or first.n != each.n else ""
        title = f"{each.value!r}" + (f" \u00b1 {each.std_error!r}" if error else "") + f", n {each.n:,}"
        text = cell.text + (error if errors else "") + rows
        cells.append(replace(cell, text=text, title=title, style="bad strong" if group == worst else ""))
    return cells


def _bar(value: float, scale: Scale | None, name: str, style: str) -> str:
    if scale is None or math.isnan(value):
        return ""
    zero, end = scale.held(0.0) * _BAR, scale.held(value) * _BAR
    body = [box(min(zero, end), 2, max(abs(end - zero), 0.5), 10, "bad" if style else "c0")]
    drawn = picture(14, name, f"{value:.7g}", body, width=_BAR)
    return drawn.replace("<svg ", f'<svg width="{_BAR:.0f}" height="14" ', 1)

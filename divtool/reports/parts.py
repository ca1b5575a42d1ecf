"""What may stand below any table of measures: groups of rows, the worst rows, the thresholds a run was held to."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from divtool.reports.bars import blocks
from divtool.reports.grouped import Groups, groups_of
from divtool.reports.names import short_names
from divtool.reports.narrow import Row, head_of, leave_out, left_out, table_width
from divtool.reports.ranked import Ranking, alike, worst_of
from divtool.reports.safetext import safe
from divtool.reports.scales import scale_of
from divtool.reports.wording import number
from divtool.result import GateResult, MeasureResult, Result

_GAP, _MOST_GROUPS, _MOST_WORST, _MOST_MEASURES = 2, 40, 3, 8
_NARROWEST_BAR, _WIDEST_BAR = 8, 24
# The columns in the order in which they are left out where a screen is too narrow, before those of other measures.
_LEAST_WANTED = ("p95", "median", "max", "+-")
_LEFT = ("group", "candidate", "bar")


def part_pieces(
    result: Result, ranking: Ranking | None, digits: int, width: int, *, ascii_only: bool
) -> list[RenderableType]:
    """The groups, the worst rows where more than one was asked for, and the thresholds."""
    pieces: list[RenderableType] = []
    for groups in groups_of(result, ranking):
        pieces += [Text(""), *_groups(groups, digits, width, ascii_only=ascii_only)]
    worst = worst_of(result, ranking)
    most = _MOST_WORST if ranking is not None else _MOST_MEASURES
    for name, each in worst[:most]:
        pieces += [Text(""), Text(f"worst rows{' of ' if name else ''}{name}", "dim"), _worst(each, digits)]
    pieces += [Text(f"those of {len(worst) - most} more are in -f json", "dim")] if len(worst) > most else []
    if result.gates:
        pieces += [Text(""), *(gate_line(each) for each in result.gates)]
    return pieces


def _groups(groups: Groups, digits: int, width: int, *, ascii_only: bool) -> list[RenderableType]:
    label, others = groups.labels[0], [safe(name, 28) for name in groups.labels[1:]]
    listed = [(group, name) for group, found in groups.lines.items() for name in groups.candidates
              if (name, label) in found]  # fmt: skip
    rows = _group_rows(groups, listed[:_MOST_GROUPS], digits)
    values = [groups.lines[group][name, label].value for group, name in listed]
    scale = scale_of(values, origin=True)
    charted = scale is not None and scale.low >= 0
    shown, hidden, room = _fitting(rows, others, width, charted=charted)
    if scale is not None and room:
        bars = [blocks(scale.held(value) * room, ascii_only=ascii_only) for value in values[:_MOST_GROUPS]]
        rows = [{**row, "bar": bar} for row, bar in zip(rows, bars, strict=True)]
        shown.insert(shown.index("value") + 1 + ("+-" in shown), "bar")
    more = len(listed) - _MOST_GROUPS
    said = [Text(f"and {more:,} more groups (-f tsv lists all)", "dim")] if more > 0 else []
    return [Text(f"{safe(label, 28)} by {safe(groups.by, 60)}", "dim"), _table(rows, shown), *left_out(hidden), *said]


def _fitting(
    rows: Sequence[Row], others: Sequence[str], width: int, *, charted: bool
) -> tuple[list[str], list[str], int]:
    """The columns that fit, the names of those that do not, and the room of the bars: these are worth more than how
    the rows of a group are spread, and less than other measures."""
    every = [name for name in rows[0] if name != "value head" and any(row[name] for row in rows)]
    shown, least = list(every), _NARROWEST_BAR + _GAP
    hidden = leave_out(rows, shown, width - least, _LEAST_WANTED, _GAP)
    room = width - table_width(rows, shown, _GAP) - _GAP
    if charted and room >= _NARROWEST_BAR:
        return shown, hidden, min(_WIDEST_BAR, room)
    hidden = leave_out(rows, every, width, [*_LEAST_WANTED, *reversed(others)], _GAP)
    return every, hidden + (["bars"] if charted else []), 0


def _group_rows(groups: Groups, listed: Sequence[tuple[str, str | None]], digits: int) -> list[dict[str, str]]:
    """A line for each group, and for each candidate of it."""
    few, label = min(digits, 5), groups.labels[0]
    mains = [groups.lines[group][name, label] for group, name in listed]
    values = alike([each.value for each in mains], min(digits, 6))
    others = _other_columns(groups, listed, few)
    names = short_names([name for name in groups.candidates if name], 32)
    before, rows = "", []
    for place, ((group, _), each, value) in enumerate(zip(listed, mains, values, strict=True)):
        rows.append({
            "group": "" if names and group == before else safe(group, 40),
            "candidate": names.get(each.candidate or "", ""), "n": f"{each.n:,}", "value": value,
            "+-": "" if each.std_error is None else number(each.std_error, min(digits, 3)),
            **{name: column[place] for name, column in others.items()},
            "median": number(each.quantiles["p50"], few) if "p50" in each.quantiles else "",
            "p95": number(each.quantiles["p95"], few) if "p95" in each.quantiles else "",
            "max": number(each.maximum, few),
        })  # fmt: skip
        before = group
    if others:
        rows[0]["value head"] = safe(label, 28)
    return rows


def _other_columns(groups: Groups, listed: Sequence[tuple[str, str | None]], digits: int) -> dict[str, list[str]]:
    """The other measures that were asked for, a column each."""
    columns = {}
    for label in groups.labels[1:]:
        found = [groups.found(group, name, label) for group, name in listed]
        texts = iter(alike([each.value for each in found if each is not None], digits))
        columns[safe(label, 28)] = ["" if each is None else next(texts) for each in found]
    return columns


def _table(rows: Sequence[Row], shown: Sequence[str]) -> Table:
    table = Table(box=None, padding=(0, _GAP, 0, 0), pad_edge=False, header_style="dim")
    for name in shown:
        head = "" if name == "bar" else head_of(rows, name)
        table.add_column(head, justify="left" if name in _LEFT else "right",
                         no_wrap=name not in ("group", "candidate"), overflow="fold")  # fmt: skip
    for row in rows:
        table.add_row(*(Text(row[name], {"value": "bold cyan", "bar": "cyan"}.get(name, "")) for name in shown))
    return table


def _worst(each: MeasureResult, digits: int) -> Table:
    """The rows with the worst numbers, with what names them."""
    values = alike([row.value for row in each.worst], digits)
    rows = [
        {"row": str(row.row), "id": safe(row.id or "", 40), "label": safe(row.label or "", 40), "value": value}
        for row, value in zip(each.worst, values, strict=True)
    ]
    return _table(rows, [name for name in rows[0] if any(row[name] for row in rows)])


def gate_said(each: GateResult) -> str:
    """A threshold as what it is, a reason to fail, and what was found: of which measure, and of which candidate.

    >>> gate_said(GateResult("mean>0.05", "ce", "mean", 0.0614, True, "preds.csv"))
    'fails if mean>0.05: ce mean is 0.0614 (preds.csv)'
    """
    of = f" ({safe(each.candidate, 60)})" if each.candidate else ""
    what = each.measure if each.statistic == "value" else f"{each.measure} {each.statistic}"
    return f"fails if {safe(each.text, 80)}: {safe(what, 60)} is {each.actual!r}{of}"


def gate_line(each: GateResult) -> Text:
    """The threshold, and behind what was found whether the run failed by it."""
    word, style = ("FAILED", "bold red") if each.failed else ("passed", "green")
    return Text.assemble(gate_said(each), ", ", (word, style))

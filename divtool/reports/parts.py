"""What may stand below any table of measures: groups of rows, the worst rows, the thresholds a run was held to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from divtool.reports.bars import blocks
from divtool.reports.ranked import Ranking, alike, main_groups, short_names, worst_of
from divtool.reports.safetext import safe
from divtool.reports.scales import scale_of
from divtool.reports.wording import number
from divtool.result import GateResult, MeasureResult, Result

_GAP, _MOST_GROUPS, _MOST_WORST = 2, 40, 3
_NARROWEST_BAR, _WIDEST_BAR = 8, 24
_LEAST_WANTED = ("p95", "median", "+-", "max")
_LEFT = ("group", "candidate", "bar")


def part_pieces(
    result: Result, ranking: Ranking | None, digits: int, width: int, *, ascii_only: bool
) -> list[RenderableType]:
    """The groups, the worst rows where more than one was asked for, and the thresholds."""
    pieces: list[RenderableType] = []
    for by, groups in main_groups(result, ranking).items():
        pieces += [Text(""), *_groups(by, groups, digits, width, ascii_only=ascii_only)]
    for title, each in worst_of(result, ranking)[:_MOST_WORST]:
        pieces += [Text(""), Text(title, "dim"), _worst(each, digits)]
    more = len(worst_of(result, ranking)) - _MOST_WORST
    pieces += [Text(f"those of {more} more are in -f json", "dim")] if more > 0 else []
    if result.gates:
        pieces += [Text(""), *(gate_line(each) for each in result.gates)]
    return pieces


def _groups(
    by: str, groups: Sequence[MeasureResult], digits: int, width: int, *, ascii_only: bool
) -> list[RenderableType]:
    rows = group_rows(groups[:_MOST_GROUPS], digits)
    shown = [name for name in rows[0] if any(row[name] for row in rows)]
    for name in _LEAST_WANTED:
        if _width(rows, shown) <= width:
            break
        shown.remove(name)
    room = min(_WIDEST_BAR, width - _width(rows, shown) - _GAP)
    scale = scale_of((each.value for each in groups), origin=True)
    if room >= _NARROWEST_BAR and scale is not None and scale.low >= 0:
        bars = [blocks(scale.held(each.value) * room, ascii_only=ascii_only) for each in groups]
        rows = [{**row, "bar": bar} for row, bar in zip(rows, bars[:_MOST_GROUPS], strict=True)]
        shown.insert(shown.index("value") + 1 + ("+-" in shown), "bar")
    more = len(groups) - _MOST_GROUPS
    said = [Text(f"and {more:,} more groups (-f tsv lists all)", "dim")] if more > 0 else []
    return [Text(f"{safe(groups[0].name, 28)} by {safe(by, 60)}", "dim"), _table(rows, shown), *said]


def group_rows(groups: Sequence[MeasureResult], digits: int) -> list[dict[str, str]]:
    """A line for each group, and for each candidate of it."""
    few = min(digits, 5)
    values = alike([each.value for each in groups], min(digits, 6))
    names = short_names(list(dict.fromkeys(each.candidate for each in groups if each.candidate)), 32)
    before, rows = "", []
    for each, value in zip(groups, values, strict=True):
        group = safe(each.group or "", 40)
        rows.append({
            "group": "" if names and group == before else group, "candidate": names.get(each.candidate or "", ""),
            "n": f"{each.n:,}", "value": value,
            "+-": "" if each.std_error is None else number(each.std_error, min(digits, 3)),
            "median": number(each.quantiles["p50"], few) if "p50" in each.quantiles else "",
            "p95": number(each.quantiles["p95"], few) if "p95" in each.quantiles else "",
            "max": number(each.maximum, few),
        })  # fmt: skip
        before = group
    return rows


def _width(rows: Sequence[Mapping[str, str]], shown: Sequence[str]) -> int:
    return sum(max(len(name), *(len(row[name]) for row in rows)) + _GAP for name in shown) - _GAP


def _table(rows: Sequence[Mapping[str, str]], shown: Sequence[str]) -> Table:
    table = Table(box=None, padding=(0, _GAP, 0, 0), pad_edge=False, header_style="dim")
    for name in shown:
        table.add_column("" if name == "bar" else name, justify="left" if name in _LEFT else "right",
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
    """A threshold and what was found: of which measure, and of which candidate.

    >>> gate_said(GateResult("mean>0.05", "ce", "mean", 0.0614, True, "preds.csv"))
    'mean>0.05: ce mean is 0.0614 (preds.csv)'
    """
    of = f" ({safe(each.candidate, 60)})" if each.candidate else ""
    what = each.measure if each.statistic == "value" else f"{each.measure} {each.statistic}"
    return f"{safe(each.text, 80)}: {safe(what, 60)} is {each.actual!r}{of}"


def gate_line(each: GateResult) -> Text:
    """The threshold with whether it was kept."""
    word, style = ("FAILED", "bold red") if each.failed else ("passed", "green")
    return Text.assemble((word, style), "  ", gate_said(each))

"""The table of several candidates for people: which is best, by how much, and how the rows of each are spread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from divtool.reports.charts import error_bar
from divtool.reports.narrow import Row, head_of, leave_out, left_out, table_width
from divtool.reports.ranked import Entry, Ranking, alike, bounds, percent, signed
from divtool.reports.safetext import safe
from divtool.reports.scales import Scale, scale_of
from divtool.reports.table import header_lines
from divtool.reports.wording import basis_said, bound_said, number, oddities, towards_each
from divtool.result import InputReport, Result

_GAP, _FEW = 2, 3
# A chart of fewer cells says nothing, one of more than these nothing more.
_NARROWEST_CHART, _WIDEST_CHART = 12, 32
_MOST_SPREAD, _MOST_INPUTS = 10, 3
# The columns in the order in which they are left out where a screen is too narrow.
_LEAST_WANTED = ("interval", "difference", "+-")
_LEAST_WANTED_SPREAD = ("min", "p90", "p95", "p99.9", "p99", "row", "median")
_STYLES = {"value": "bold cyan", "chart": "cyan", "interval": "dim", "": "dim", "row": "dim"}
_LEFT = ("candidate", "chart", "")


def candidate_pieces(
    result: Result, ranking: Ranking, digits: int, width: int, *, ascii_only: bool
) -> list[RenderableType]:
    """What was read, the verdict, the ranking, the other measures and the spread of each, to a width."""
    pieces = header_lines(_gathered(result.inputs), result.matched, width)
    pieces += [Text(""), _headline(result, ranking), Text(basis_said(ranking.best.main, result), "dim"), Text("")]
    pieces += _ranking(ranking, digits, width, ascii_only=ascii_only)
    if result.verdict is not None:
        pieces += [Text(""), Text(safe(result.verdict.said, 600), "bold")]
        pieces += [Text(safe(note, 400), "dim") for note in result.verdict.notes]
    pieces += [Text(""), *_spread(ranking, digits, width)]
    return [*pieces, *_odd(ranking)]


def _gathered(inputs: Sequence[InputReport]) -> list[InputReport]:
    """Inputs with a line each; of many candidates that are alike, one line for all of them."""
    alike: dict[object, list[InputReport]] = {}
    for each in inputs:
        many = each.roles and each.roles[0].startswith("q")
        key = (each.format, each.origin, each.rows, each.classes, each.kind, each.class_names, each.labels)
        alike.setdefault(key if many else id(each), []).append(each)
    return [merged for group in alike.values() for merged in (_merged(group) if len(group) > _MOST_INPUTS else group)]


def _merged(group: Sequence[InputReport]) -> list[InputReport]:
    evidence = group[0].evidence if len({each.evidence for each in group}) == 1 else "-f json has the evidence of each"
    return [replace(group[0], path=f"{len(group)} files", roles=("q",), evidence=evidence)]


def _headline(result: Result, ranking: Ranking) -> Text:
    """The measure, its direction with the number of candidates in the place of q, its unit and which way is better."""
    main = ranking.best.main
    text = Text(main.title, "bold")
    if main.direction is not None:
        text.append("  " + towards_each(main.direction, result), "bold")
    text.append("" if main.unit == "1" else f", in {main.unit}")
    better = result.verdict.better if result.verdict is not None else main.better
    return text.append(f"; {better} is better" if better else "")


def _ranking(ranking: Ranking, digits: int, width: int, *, ascii_only: bool) -> list[RenderableType]:
    """The ranking, with the other measures beside it where they fit, else in a table of their own."""
    rows = _ranked_rows(ranking, digits)
    others = _other_rows(ranking, digits)
    shown = [name for name in rows[0] if any(row[name] for row in rows) and not name.endswith(" head")]
    beside = [{**row, **other} for row, other in zip(rows, others, strict=True)]
    together = [*shown, *others[0]]
    if others[0] and table_width(beside, together, _GAP) + _NARROWEST_CHART + _GAP <= width:
        rows, shown, others = beside, together, []
    hidden = leave_out(rows, shown, width, _LEAST_WANTED, _GAP)
    scale = _chart_scale(ranking)
    room = min(_WIDEST_CHART, width - table_width(rows, shown, _GAP) - _GAP)
    if scale is not None and room >= _NARROWEST_CHART:
        rows, shown = _with_chart(ranking, scale, rows, shown, room, ascii_only=ascii_only)
    elif scale is not None:
        hidden.append("chart")
    pieces: list[RenderableType] = [_table(rows, shown), *left_out(hidden)]
    if others and others[0]:
        below = [{"candidate": row["candidate"], **other} for row, other in zip(rows, others, strict=True)]
        shown = list(below[0])
        hidden = leave_out(below, shown, width, [*reversed(shown[1:])], _GAP)
        pieces += [Text(""), _table(below, shown), *left_out(hidden)]
    return pieces


def _ranked_rows(ranking: Ranking, digits: int) -> list[dict[str, str]]:
    few, label = min(digits, _FEW), safe(ranking.label, 28)
    values = alike([each.main.value for each in ranking.entries], digits)
    apart = iter(signed([each.difference.value for each in ranking.entries if each.difference], min(digits, 4)))
    return [
        {
            "#": str(each.rank or ""), "candidate": each.name, "value": value, "value head": label,
            "+-": "" if each.main.std_error is None else number(each.main.std_error, few),
            "difference": next(apart) if each.difference else "", "interval": _interval(each, few),
            "": each.standing,
        }
        for each, value in zip(ranking.entries, values, strict=True)
    ]  # fmt: skip


def _interval(each: Entry, digits: int) -> str:
    apart = each.difference
    if apart is None or apart.low is None or apart.high is None:
        return ""
    return " to ".join(signed([apart.low, apart.high], digits))


def _other_rows(ranking: Ranking, digits: int) -> list[dict[str, str]]:
    columns = {}
    for label in ranking.others:
        of_each = [entry.others.get(label) for entry in ranking.entries]
        known = alike([each.value for each in of_each if each is not None], min(digits, 5))
        texts = iter(known)
        columns[safe(label, 28)] = ["" if each is None else next(texts) for each in of_each]
    return [{name: column[i] for name, column in columns.items()} for i in range(len(ranking.entries))]


def _chart_scale(ranking: Ranking) -> Scale | None:
    """The axis of the chart; None where there is nothing to compare."""
    if len(ranking.entries) == 1:
        return None
    ends = [end for pair in _reach(ranking) if pair for end in pair]
    return scale_of([*(each.main.value for each in ranking.entries), *ends])


def _reach(ranking: Ranking) -> list[tuple[float, float] | None]:
    return [bounds(each.main, ranking.level) for each in ranking.entries]


def _with_chart(
    ranking: Ranking, scale: Scale, rows: list[dict[str, str]], shown: list[str], room: int, *, ascii_only: bool
) -> tuple[list[dict[str, str]], list[str]]:
    """The rows with a chart of the values and their intervals behind them, ``room`` cells wide."""
    charts = [
        error_bar(scale, each.main.value, pair, room, ascii_only=ascii_only)
        for each, pair in zip(ranking.entries, _reach(ranking), strict=True)
    ]
    place = shown.index("+-" if "+-" in shown else "value") + 1
    head = "log scale" if scale.logarithmic else f"{percent(ranking.level)} interval"
    shown = [*shown[:place], "chart", *shown[place:]]
    return [{**row, "chart": chart, "chart head": head[:room]} for row, chart in zip(rows, charts, strict=True)], shown


def _table(rows: Sequence[Row], shown: Sequence[str]) -> Table:
    table = Table(box=None, padding=(0, _GAP, 0, 0), pad_edge=False, header_style="dim")
    for name in shown:
        head = head_of(rows, name)
        table.add_column(head, justify="left" if name in _LEFT else "right", no_wrap=name != "candidate",
                         overflow="fold")  # fmt: skip
    for place, row in enumerate(rows):
        winner = "bold" if place == 0 and row.get("") == "best" else ""
        table.add_row(*(Text(row[name], _STYLES.get(name, winner if name == "candidate" else "")) for name in shown))
    return table


def _spread(ranking: Ranking, digits: int, width: int) -> list[RenderableType]:
    """How the rows of each candidate are spread, for so many of the best."""
    entries = ranking.entries[:_MOST_SPREAD]
    names = {"min": [each.main.minimum for each in entries]}
    for name in entries[0].main.quantiles:
        names["median" if name == "p50" else name] = [each.main.quantiles[name] for each in entries]
    names["max"] = [each.main.maximum for each in entries]
    texts = {name: alike(values, min(digits, 5)) for name, values in names.items()}
    rows = [
        {"rows": each.name, **{name: column[i] for name, column in texts.items()}, "row": _where(each)}
        for i, each in enumerate(entries)
    ]
    shown = list(rows[0])
    hidden = leave_out(rows, shown, width, _LEAST_WANTED_SPREAD, _GAP)
    beyond = len(ranking.entries) - len(entries)
    more = [Text(f"and {beyond} more candidates (-f tsv has all)", "dim")] if beyond > 0 else []
    bound = max(each.main.quantile_bound for each in entries)
    rough = [Text(bound_said(bound), "dim")] if bound else []
    return [_spread_table(rows, shown), *left_out(hidden), *more, *rough]


def _spread_table(rows: Sequence[Row], shown: Sequence[str]) -> Table:
    table = Table(box=None, padding=(0, _GAP, 0, 0), pad_edge=False, header_style="dim")
    for name in shown:
        head = "row by row" if name == "rows" else "" if name == "row" else name
        table.add_column(head, justify="left" if name in ("rows", "row") else "right", no_wrap=name != "rows",
                         overflow="fold")  # fmt: skip
    for row in rows:
        table.add_row(*(Text(row[name], "dim" if name == "row" else "") for name in shown))
    return table


def _where(each: Entry) -> str:
    return "" if each.main.max_row is None else f"in row {each.main.max_row}"


def _odd(ranking: Ranking) -> list[RenderableType]:
    """Rows that are no ordinary numbers, a line for each candidate behind the best that has any."""
    said = [(each.name, oddities(each.main)) for each in ranking.entries[1:]]
    return [Text(f"{name}: {'; '.join(odd)}", "dim") for name, odd in said if odd]

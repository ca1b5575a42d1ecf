"""The table of several candidates for people: which is best, by how much, and how the rows of each are spread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from divtool.reports.charts import error_bar
from divtool.reports.ranked import Entry, Ranking, alike, bounds, percent, signed
from divtool.reports.safetext import safe
from divtool.reports.scales import scale_of
from divtool.reports.table import header_lines
from divtool.reports.wording import basis_said, number, oddities, towards_each
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

Row = Mapping[str, str]


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
    if others[0] and _width(beside, together) + _NARROWEST_CHART + _GAP <= width:
        rows, shown, others = beside, together, []
    hidden = _fitted(rows, shown, width, _LEAST_WANTED)
    rows, shown = _with_chart(ranking, rows, shown, width, ascii_only=ascii_only)
    pieces: list[RenderableType] = [_table(rows, shown), *_not_shown(hidden)]
    if others and others[0]:
        below = [{"candidate": row["candidate"], **other} for row, other in zip(rows, others, strict=True)]
        shown = list(below[0])
        hidden = _fitted(below, shown, width, [*reversed(shown[1:])])
        pieces += [Text(""), _table(below, shown), *_not_shown(hidden)]
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
            "": "best" if each.best and not each.tied else "tied" if each.tied else "",
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


def _with_chart(
    ranking: Ranking, rows: list[dict[str, str]], shown: list[str], width: int, *, ascii_only: bool
) -> tuple[list[dict[str, str]], list[str]]:
    """The rows with a chart of the values and their intervals behind them, as wide as there is room."""
    room = min(_WIDEST_CHART, width - _width(rows, shown) - _GAP)
    reach = [bounds(each.main, ranking.level) for each in ranking.entries]
    scale = scale_of([each.main.value for each in ranking.entries] + [end for pair in reach if pair for end in pair])
    if room < _NARROWEST_CHART or scale is None or len(ranking.entries) == 1:
        return rows, shown
    charts = [
        error_bar(scale, each.main.value, pair, room, ascii_only=ascii_only)
        for each, pair in zip(ranking.entries, reach, strict=True)
    ]
    place = shown.index("+-" if "+-" in shown else "value") + 1
    head = "log scale" if scale.logarithmic else f"{percent(ranking.level)} interval"
    shown = [*shown[:place], "chart", *shown[place:]]
    return [{**row, "chart": chart, "chart head": head[:room]} for row, chart in zip(rows, charts, strict=True)], shown


def _width(rows: Sequence[Row], shown: Sequence[str]) -> int:
    return sum(max(len(_head(rows, name)), *(len(row[name]) for row in rows)) + _GAP for name in shown) - _GAP


def _head(rows: Sequence[Row], name: str) -> str:
    """What stands above a column: its name, unless the rows say otherwise."""
    return rows[0].get(f"{name} head", name)


def _fitted(rows: Sequence[Row], shown: list[str], width: int, least_wanted: Sequence[str]) -> list[str]:
    """Take columns out of ``shown`` until the rest fits; the names of those that went."""
    hidden = []
    for name in least_wanted:
        if _width(rows, shown) <= width:
            break
        if name in shown:
            shown.remove(name)
            hidden.append(name)
    return hidden


def _not_shown(hidden: Sequence[str]) -> list[RenderableType]:
    return [Text(f"not shown: {', '.join(hidden)} (a wider screen, or -f tsv)", "dim")] if hidden else []


def _table(rows: Sequence[Row], shown: Sequence[str]) -> Table:
    table = Table(box=None, padding=(0, _GAP, 0, 0), pad_edge=False, header_style="dim")
    for name in shown:
        head = _head(rows, name)
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
    hidden = _fitted(rows, shown, width, _LEAST_WANTED_SPREAD)
    left_out = len(ranking.entries) - len(entries)
    more = [Text(f"and {left_out} more candidates (-f tsv has all)", "dim")] if left_out > 0 else []
    bound = max(each.main.quantile_bound for each in entries)
    rough = [Text(f"quantiles to within a relative {bound:.1g}", "dim")] if bound else []
    return [_spread_table(rows, shown), *_not_shown(hidden), *more, *rough]


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

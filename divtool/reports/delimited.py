"""One line a measure, with a header: TSV, CSV, Markdown and Parquet. Of several candidates one line for each of them,
of groups one for each group."""

from __future__ import annotations

from divtool.reports.plain import record
from divtool.reports.records import Record, delimited
from divtool.result import Difference, MeasureResult, Result, Verdict


def records_of(result: Result) -> list[Record]:
    """The lines, with typed cells; all have the same columns.

    Where there are candidates the first column is ``candidate``, and the last ones are ``rank``, ``difference``,
    ``diff_low``, ``diff_high`` and ``tied``, which are empty but for the measure that the verdict speaks of. Where
    there are groups, ``by`` and ``group`` come first of all: they are empty in the lines over all rows. Where several
    worst rows were asked for, ``worst_rows`` has their numbers, the worst first.
    """
    lines = [_line(each, result) for each in (*result.results, *result.groups)]
    columns = dict.fromkeys(name for line in lines for name in line)
    return [{name: line.get(name) for name in columns} for line in lines]


def _line(each: MeasureResult, result: Result) -> Record:
    grouped = {"by": each.by, "group": each.group} if result.groups else {}
    worst = {"worst_rows": " ".join(str(row.row) for row in each.worst)} if len(each.worst) > 1 else {}
    if not result.candidates:
        return {**grouped, **record(each), **worst}
    return {**grouped, "candidate": each.candidate, **record(each), **worst, **_standing(each, result.verdict)}


def _standing(each: MeasureResult, verdict: Verdict | None) -> Record:
    """What the verdict says of a candidate, in the line of its own measure over all rows."""
    names = ("rank", "difference", "diff_low", "diff_high", "tied")
    if verdict is None or each.by is not None or each.name != verdict.measure or each.candidate not in verdict.order:
        return dict.fromkeys(names)
    apart = next((found for found in verdict.differences if found.candidate == each.candidate), None)
    cells = (verdict.order.index(each.candidate) + 1, *_bounds(apart), each.candidate in verdict.tied)
    return dict(zip(names, cells, strict=True))


def _bounds(apart: Difference | None) -> tuple[float | None, float | None, float | None]:
    return (None, None, None) if apart is None else (apart.value, apart.low, apart.high)


def as_tsv(result: Result) -> str:
    """Tabs between the cells."""
    return delimited(records_of(result), "tsv")


def as_csv(result: Result) -> str:
    """Commas between the cells."""
    return delimited(records_of(result), "csv")


def as_markdown(result: Result) -> str:
    """A Markdown table."""
    return delimited(records_of(result), "md")


def as_parquet(result: Result) -> bytes:
    """A Parquet file with the columns of the lines, each of its own type."""
    from divtool.reports.columnar import parquet_of

    return parquet_of(records_of(result))

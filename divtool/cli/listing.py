"""``divtool list``: the catalogue, with the laws that the tests check."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import typer

from divtool.cli.running import emit
from divtool.cli.verbs import families, verbs
from divtool.errors import UsageError
from divtool.measures import load_families, load_statistics
from divtool.measures.declare import MEASURES, Declaration
from divtool.measures.estimators import ESTIMATORS
from divtool.measures.models import MODELS
from divtool.measures.statistic import Statistic, by_family
from divtool.reports.markdown import markdown_table

_FORMS = ("table", "json", "tsv", "csv", "md")


def list_command() -> Callable[..., None]:
    """The command."""
    return list_measures


def list_measures(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Only measures, families or other names with this in them.")
    ] = None,
    laws: Annotated[bool, typer.Option("--laws", help="Also list the laws that each measure keeps.")] = False,
    format: Annotated[
        str | None, typer.Option("-f", "--format", metavar="|".join(_FORMS), help="Form of the list.")
    ] = None,
) -> None:
    """List every measure and transform with its formula and unit; then what joint, mi and fit compute."""
    known = catalogue()
    form = format or ("table" if sys.stdout.isatty() else "tsv")
    if form not in _FORMS:
        raise UsageError(f'--format "{form}": expected one of {", ".join(_FORMS)}')
    lines = [["name", "family", "title", "unit", "range", "better", "also", "formula", *(["laws"] if laws else [])]]
    text = "" if name is None else name.lower()
    whole = any(each.name == text for each in known)
    chosen = [each for each in known if (each.name == text if whole else _is_meant(each, text))]
    if not chosen:
        raise UsageError(f'no measure or family has "{name}" in its name', hint="divtool list shows all")
    lines += [_line(each, laws) for each in chosen]
    emit([_text(lines, form).encode()])


@dataclass(frozen=True)
class Entry:
    """A line of the catalogue."""

    name: str
    family: str
    title: str
    formula: str
    unit: str = "nats"
    bounds: tuple[float, float] | None = None
    better: str | None = None
    also: tuple[str, ...] = ()
    laws: frozenset[str] = frozenset()


def catalogue() -> list[Entry]:
    """All measures by family, then the statistics of joint tables, the estimators of entropy and the families that fit
    knows."""
    load_families()
    load_statistics()
    order = families(verbs())
    entries = [_entry(each) for each in sorted(MEASURES, key=lambda each: (order.index(each.family), each.name))]
    entries += [_entry(each) for each in by_family()]
    entries += [Entry(each.name, "estimators of entropy", each.title, each.formula) for each in ESTIMATORS]
    return entries + [Entry(each.name, "families to fit", each.title, each.formula, "1") for each in MODELS]


def _entry(each: Declaration | Statistic) -> Entry:
    return Entry(
        each.name, each.family, each.title, each.formula, each.unit, each.bounds, each.better, each.also, each.laws
    )


def _is_meant(each: Entry, text: str) -> bool:
    """Whether a name, title, family or other name has this text in it."""
    return any(text in words.lower() for words in (each.name, each.title, each.family, *each.also))


def _line(each: Entry, laws: bool) -> list[str]:
    low, high = each.bounds or (float("-inf"), float("inf"))
    range_ = "" if each.bounds is None else f"[{low:g}, {high:g}]"
    cells = [
        each.name,
        each.family,
        each.title,
        each.unit,
        range_,
        each.better or "",
        ", ".join(each.also),
        each.formula,
    ]
    return cells + ([", ".join(sorted(each.laws))] if laws else [])


def _text(lines: list[list[str]], form: str) -> str:
    if form == "json":
        return json.dumps([dict(zip(lines[0], cells, strict=True)) for cells in lines[1:]], indent=2) + "\n"
    if form == "md":
        return markdown_table(lines)
    if form == "csv":
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(lines)
        return text.getvalue()
    if form == "tsv":
        return "".join("\t".join(cells) + "\n" for cells in lines)
    return _drawn(lines)


def _drawn(lines: list[list[str]]) -> str:
    """A block a measure, which fits any terminal."""
    blocks = []
    for cells in lines[1:]:
        name, family, title, unit, range_, better, also, formula, *laws = cells
        facts = ", ".join(filter(None, (family, unit, range_, better and f"{better} is better")))
        formula += f"\n    known as: {also}" if also else ""
        said = "".join(f"    laws: {law}\n" for law in laws if law)
        blocks.append(f"{name}  {title} ({facts})\n    {formula}\n{said}")
    return "\n".join(blocks)

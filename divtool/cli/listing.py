"""``divtool list``: the catalogue, with the laws that the tests check."""

from __future__ import annotations

import csv
import io
import json
import sys
from typing import Annotated

import typer

from divtool.cli.running import emit
from divtool.cli.verbs import families, verbs
from divtool.errors import UsageError
from divtool.measures import load_families
from divtool.measures.declare import MEASURES, Declaration
from divtool.reports.delimited import markdown_table

_FORMS = ("table", "json", "tsv", "csv", "md")


def list_measures(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Only measures, families or other names with this in them.")
    ] = None,
    laws: Annotated[bool, typer.Option("--laws", help="Also list the laws that each measure keeps.")] = False,
    format: Annotated[
        str | None, typer.Option("-f", "--format", metavar="|".join(_FORMS), help="Form of the list.")
    ] = None,
) -> None:
    """List every measure and transform with its formula and unit."""
    load_families()
    form = format or ("table" if sys.stdout.isatty() else "tsv")
    if form not in _FORMS:
        raise UsageError(f'--format "{form}": expected one of {", ".join(_FORMS)}')
    lines = [["name", "family", "title", "unit", "range", "better", "also", "formula", *(["laws"] if laws else [])]]
    order = families(verbs())
    chosen = [each for each in MEASURES if name is None or _is_meant(each, name.lower())]
    if not chosen:
        raise UsageError(f'no measure or family has "{name}" in its name', hint="divtool list shows all")
    lines += [_line(each, laws) for each in sorted(chosen, key=lambda each: (order.index(each.family), each.name))]
    emit([_text(lines, form).encode()])


def _is_meant(each: Declaration, text: str) -> bool:
    """Whether a name, title, family or other name has this text in it; a measure's full name means it alone."""
    if text in MEASURES:
        return each.name == text
    return any(text in words.lower() for words in (each.name, each.title, each.family, *each.also))


def _line(each: Declaration, laws: bool) -> list[str]:
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

"""A page for results that are lines of figures: a title, what was read, the lines as a table, notes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from divtool.reports.htmlparts import inputs_html
from divtool.reports.page import Cell, exact, listed, page, table_html
from divtool.result import InputReport

# A text of more letters is given the room for several words a line.
_LONG = 40


def record_page(
    records: Sequence[Mapping[str, object]], title: str, inputs: Sequence[InputReport] = (), notes: Sequence[str] = ()
) -> str:
    """The records as a table; numbers with seven digits, all of them in their ``title``. Columns that are empty
    throughout are left out."""
    names = [name for name in (records[0] if records else ()) if any(each[name] not in (None, "") for each in records)]
    numeric = [
        i for i, name in enumerate(names)
        if all(isinstance(each[name], int | float | None) and not isinstance(each[name], bool) for each in records)
    ]  # fmt: skip
    rows = [[_cell("" if name == "unit" and each[name] == "1" else each[name]) for name in names] for each in records]
    sections = [
        ("", table_html([name.replace("_", " ") for name in names], rows, numeric)),
        ("Notes", listed(notes)),
        ("What was read", inputs_html(inputs, ())),
    ]
    return page(title, sections)


def _cell(value: object) -> Cell:
    if isinstance(value, bool) or value is None:
        return Cell("" if value is None else "yes" if value else "no")
    if isinstance(value, float):
        return exact(value, 7)
    text = f"{value:,}" if isinstance(value, int) else str(value)
    return Cell(text, style="long" if len(text) > _LONG else "")

"""Tables on a screen: columns that do not fit are left out and named, never cut."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.text import Text

Row = Mapping[str, str]


def table_width(rows: Sequence[Row], shown: Sequence[str], gap: int) -> int:
    """How wide columns are with a gap between each two; what stands above one is its name, unless the first row has a
    text for "NAME head".

    >>> table_width([{"a": "1234", "b": "5"}, {"a": "1", "b": "6"}], ["a", "b"], 2)
    7
    """
    return sum(max(len(head_of(rows, name)), *(len(row[name]) for row in rows)) + gap for name in shown) - gap


def head_of(rows: Sequence[Row], name: str) -> str:
    """What stands above a column."""
    return rows[0].get(f"{name} head", name)


def leave_out(rows: Sequence[Row], shown: list[str], width: int, least_wanted: Sequence[str], gap: int) -> list[str]:
    """Take columns out of ``shown`` in this order until the rest fits; the names of those that went.

    >>> shown = ["a", "b"]
    >>> leave_out([{"a": "1234", "b": "5"}], shown, 5, ["b", "a"], 2), shown
    (['b'], ['a'])
    """
    hidden = []
    for name in least_wanted:
        if table_width(rows, shown, gap) <= width:
            break
        if name in shown:
            shown.remove(name)
            hidden.append(head_of(rows, name))
    return hidden


def left_out(hidden: Sequence[str]) -> list[Text]:
    """A line that names what is not shown; none where nothing is."""
    return [Text(f"not shown: {', '.join(hidden)} (a wider screen, or -f tsv)", "dim")] if hidden else []

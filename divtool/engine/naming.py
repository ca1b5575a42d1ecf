"""Which column of each operand names its rows, with what its first rows say; and ids that lie beside an array."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cache, partial
from typing import TypeAlias

import numpy as np

from divtool.engine.operands import Opened
from divtool.engine.sampling import sample_of
from divtool.errors import InputError
from divtool.formats.keys import Keys
from divtool.formats.source import Selection, Source
from divtool.meaning.columns import label_like
from divtool.meaning.ids import BY_POSITION, Ids, Table, decide_ids, id_like, ids_asked_for
from divtool.options import Reading

_READ = 1 << 20


def id_columns(opened: Sequence[Opened], reading: Reading, aside: Collection[tuple[int, int]] = ()) -> Ids:
    """The id column of each input: asked for, or decided over all of them together.

    ``aside`` are files and columns that are used for something else. Raises :class:`InputError`
    where ids cannot be told.
    """
    tables = [_table(each, reading, {column for file, column in aside if file == i}) for i, each in enumerate(opened)]
    if reading.id is not None:
        return ids_asked_for(tables, reading.id)
    # What stands in one file twice, as predictions and as labels, is in one order.
    files = {id(each.source): table for each, table in zip(reversed(opened), reversed(tables), strict=True)}
    found = decide_ids(list(files.values()))
    known = dict(zip(files, found.columns, strict=True))
    return Ids(tuple(known[id(each.source)] for each in opened), found.how)


def _table(opened: Opened, reading: Reading, aside: set[int]) -> Table:
    header = opened.header
    names = [opened.column, reading.label_col]
    taken = {*aside, *opened.chosen, *(header.find(name) for name in names if name is not None)}
    taken |= {i for i, name in enumerate(header.names or ()) if label_like(name)}
    return Table(header, cache(partial(first_entries, opened.source)), frozenset(taken - {None}))  # type: ignore[arg-type]


def first_entries(source: Source, column: int) -> Keys | None:
    """The first entries of a column without empty cells; None if there are none, or if they cannot be read: that is
    said once they are needed."""
    try:
        sample = sample_of(source, Selection((), (column,), missing=True))
    except InputError:
        return None
    keys = sample.keys[0]
    return keys if sample.missing is None else keys.where(np.logical_not(sample.missing))


# Entries of rows, such as ids: the array or table that holds them, and which of its columns.
Entries: TypeAlias = tuple[Source, int]


SAME_BESIDE = "the ids beside them are the same"


def check_members_beside(opened: Sequence[Opened], ids: Sequence[int | None]) -> bool:
    """Where arrays come from files that also hold their ids under one name, or under the name that a table has for
    its own, these must be the same in the same order: rows of arrays go by position.

    ``ids`` are the id columns of tables. Says whether all files have such ids. Raises :class:`InputError` for the
    first row where they are not the same.
    """
    files = {each.among.path if each.among is not None else str(i): (each, id)
             for i, (each, id) in enumerate(zip(opened, ids, strict=True))}  # fmt: skip
    if all(each.among is None for each, _ in files.values()):
        return False
    compared = [0]
    first: dict[str, Entries] = {}
    for place, (each, id) in enumerate(files.values()):
        for name, sequence in _sequences(each, id).items():
            if name not in first:
                first[name] = sequence
            elif each.among is not None or first[name][0].header.shape is not None:
                _refuse_another_order(first[name], sequence)
                compared.append(place)
    return len(files) > 1 and len(set(compared)) == len(files)


def _sequences(opened: Opened, id: int | None) -> dict[str, Entries]:
    """The ids that are known for the rows of an operand, by their names: id and ids are one."""
    if opened.among is None:
        if id is None or opened.header.names is None:
            return {}
        return {_singular(opened.header.name(id)): (opened.source, id)}
    named = [each.name for each in opened.among.members if len(each.shape) == 1 and id_like(each.name)]
    found = {_singular(name): (opened.among.open(name), 0) for name in named}
    return {name: each for name, each in found.items() if first_entries(*each) is not None}


def _singular(name: str) -> str:
    return name.strip().lower().removesuffix("s")


def _refuse_another_order(own: Entries, theirs: Entries) -> None:
    rows = tuple(source.count() for source, _ in (own, theirs))
    found = first_difference(own, theirs)
    if found is not None:
        # Arrow is loaded with it, which arrays do without.
        from divtool.engine.unmatched import shortened

        row, mine, other = found
        raise theirs[0].place_of(row).refusal(
            f'the id is "{shortened(other)}", in {own[0].header.path} it is "{shortened(mine)}";'
            " rows of arrays are matched by position, so ids must be in the same order", hint=_WAY_OUT,
        )  # fmt: skip
    if rows[0] != rows[1]:
        raise InputError(
            f"holds {rows[1]:,} ids, {own[0].header.path} holds {rows[0]:,}; expected as many",
            path=theirs[0].header.path, hint=_WAY_OUT,
        )  # fmt: skip
    for source, _ in (own, theirs):
        source.check_unchanged()


def first_difference(own: Entries, theirs: Entries) -> tuple[int, str, str] | None:
    """The first row, of those that both have, in which two columns differ, and its entries in both."""
    rows = min(source.count() for source, _ in (own, theirs))
    start = 0
    while start < rows:
        mine, other = (_entries(each, start, rows) for each in (own, theirs))
        size = min(len(mine), len(other))
        mine, other = mine.part(0, size), other.part(0, size)
        if not mine.same(other):
            at = next(i for i in range(size) if mine.text(i) != other.text(i))
            return start + at, mine.text(at), other.text(at)
        start += size
    return None


_WAY_OUT = "save the rows of both files in one order; " + BY_POSITION


def _entries(ids: Entries, first: int, stop: int) -> Keys:
    """Some of the ids from a row on."""
    source, column = ids
    for block in source.blocks(source.locate(first, stop), Selection((), (column,)), _READ):
        return block.keys[0]
    raise InputError("ends too soon", path=source.header.path)

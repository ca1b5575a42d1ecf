"""The columns of two files whose rows are the same cases: which one holds a side's labels, and whether a column beside
them says that rows may not go by position."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, partial

import numpy as np

from divtool.engine.naming import first_entries
from divtool.engine.operands import Opened
from divtool.engine.sampling import sample_of
from divtool.errors import InputError
from divtool.formats.keys import Keys
from divtool.formats.source import FLOAT, INTEGER, OTHER, TEXT, Header, Selection
from divtool.meaning.columns import decide_label
from divtool.meaning.ids import Table, id_like, saved_index
from divtool.options import Reading

# In fewer rows than these anything is different in each.
_FEWEST = 3
_SHOWN = 6
# Ids stand among the first columns; a sample of thousands would cost more than the run.
_LOOKED_AT = 32


def label_column(opened: Opened, id: int | None, reading: Reading) -> int | None:
    """The column of a side that holds its labels; None where the side is a distribution.

    A column that is called an id is no label where there is one other, whether rows are matched by it or not. Raises
    :class:`InputError` where several columns of whole numbers may hold them, and nothing asked for says that they are
    classes.
    """
    label = decide_label(opened.header, id=id, named=opened.column)
    if label is not None:
        return label
    header = opened.header
    rest = [i for i in range(header.width) if i != id and not _is_id(header, i)]
    if len(rest) == 1 and header.names is not None and not header.vectors:
        return rest[0]
    if reading.columns is None and not reading.normalize:
        _refuse_whole_numbers(opened, [i for i in range(header.width) if i != id])
    return None


def _is_id(header: Header, column: int) -> bool:
    name = "" if header.names is None else header.names[column]
    return (
        header.names is not None
        and header.types[column] != FLOAT
        and (id_like(name) or saved_index(name) or name in header.index)
    )


def _refuse_whole_numbers(opened: Opened, columns: Sequence[int]) -> None:
    """Refuse a table of several columns of whole numbers of which none is called a label, unless each row is one
    certain outcome: 1 in one column, 0 in the others."""
    header = opened.header
    numbers = tuple(i for i in columns if header.types[i] not in (TEXT, OTHER))
    if header.vectors or len(numbers) < 2 or header.names is None:
        return
    try:
        x = sample_of(opened.source, Selection(numbers, missing=True)).matrix.astype(np.float64)
    except InputError:
        # What cannot be read is refused, with its place, when it is.
        return
    known = x[np.isfinite(x).all(axis=1)]
    if not (known == np.round(known)).all() or (known.min(initial=0.0) >= 0.0 and (known.sum(axis=1) == 1.0).all()):
        return
    names = [header.name(i) for i in numbers]
    hint = "give the column itself, not its table" if header.dtype == "memory" else f"name it: {header.path}:COLUMN"
    apart = next(
        (names[i] for i, column in enumerate(numbers[:_LOOKED_AT]) if _apart(opened, column) is not None), None
    )
    if apart is not None:
        hint += f'; "{apart}" is different in every row: if it names the rows, --id {apart}'
    shown = ", ".join(f'"{name}"' for name in names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
    raise InputError(f"which column holds the labels? {shown} hold whole numbers", path=header.path, hint=hint)


def order_beside(opened: Sequence[Opened], labels: Sequence[int | None]) -> str:
    """What columns beside the labels say of the order of rows that are to go by position, for the reader; empty if
    there are none of one name that are different in every row of either file.

    Raises :class:`InputError` where such a column stands in another order in the other file.
    """
    first, second = opened
    if first.header.path == second.header.path:
        return ""
    said = ""
    for name, columns in _shared(first.header, second.header, labels)[:_LOOKED_AT]:
        x, y = (_apart(each, column) for each, column in zip(opened, columns, strict=True))
        if x is None or y is None:
            continue
        if x.same(y):
            said = said or f'"{name}" is the same in both{"" if _is_whole(opened, x) else ", as far as was looked"}'
        elif _names_the_same(opened, columns[0], x, y):
            raise InputError(
                f'both files have a column "{name}" that tells their rows apart, in another order',
                path=second.header.path,
                hint=f"--id {name} matches rows by it, --id none goes by position",
            )  # fmt: skip
    return said


def _shared(x: Header, y: Header, labels: Sequence[int | None]) -> list[tuple[str, tuple[int, int]]]:
    """The columns of one name that may be ids: whole numbers or text; beside labels also numbers that may be whole."""
    wanted = (INTEGER, TEXT) if None in labels else (INTEGER, TEXT, FLOAT)
    found = []
    for own, name in enumerate(x.names or ()):
        other = y.find(name) if y.names is not None else None
        if other is None or saved_index(name) or own == labels[0] or other == labels[1]:
            continue
        if x.types[own] in wanted and y.types[other] in wanted:
            found.append((name, (own, other)))
    return found


def _apart(opened: Opened, column: int) -> Keys | None:
    """The first entries of a column that is different in each row, without fractions."""
    table = Table(opened.header, cache(partial(first_entries, opened.source)))
    keys = table.look(column)
    if keys is None or len(keys) < _FEWEST or not table.distinct(column):
        return None
    return keys if opened.header.types[column] != FLOAT or table.whole(column) else None


def _is_whole(opened: Sequence[Opened], keys: Keys) -> bool:
    return all(len(keys) == each.source.count() for each in opened)


def _names_the_same(opened: Sequence[Opened], column: int, x: Keys, y: Keys) -> bool:
    """Whether two columns of one name hold the same names: most of them, where all are at hand. Of texts in more rows
    than that nothing is known; those that name rows were found before."""
    if _is_whole(opened[:1], x) and _is_whole(opened[1:], y):
        shared = set(x.encode()[1]) & set(y.encode()[1])
        return 2 * len(shared) > min(len(x), len(y))
    return opened[0].header.types[column] != TEXT

"""The columns of two files whose rows are the same cases: which one holds a side's labels, and whether a column beside
them says that rows may not go by position."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, partial

import numpy as np

from divtool.engine.first_lines import is_undecided
from divtool.engine.naming import first_entries
from divtool.engine.operands import Opened
from divtool.engine.sampling import sample_of
from divtool.errors import InputError
from divtool.formats.keys import Keys
from divtool.formats.source import FLOAT, INTEGER, OTHER, TEXT, Header, Selection
from divtool.meaning.columns import aside_like, decide_label, label_like
from divtool.meaning.ids import BY_POSITION, Table, id_like, saved_index
from divtool.options import Reading

# In fewer rows than these anything is different in each.
_FEWEST = 3
_SHOWN = 6
# Ids stand among the first columns; a sample of thousands would cost more than the run.
_LOOKED_AT = 32
# What an index without a name is saved as.
_NAMELESS = "__index_level_0__"


@dataclass(frozen=True)
class _Doubt:
    """Why the labels of a side cannot be told; ``apart`` is a column that may name its rows, ``classes`` says with
    ``--columns`` which may be a distribution."""

    said: str
    apart: str | None = None
    classes: str = ""


def label_columns(
    opened: Sequence[Opened], ids: Sequence[int | None], reading: Reading
) -> tuple[int | None, int | None]:  # fmt: skip
    """The column of each side that holds its labels; None where the side is a distribution.

    A column that is called an id, or a data frame's index, is no label where there is one other, whether rows are
    matched by it or not. Raises :class:`InputError` where several columns may hold them: whole numbers, of which
    nothing asked for says that they are classes, or a text that is different in every row beside them.
    """
    found = [_label_of(each, id, reading) for each, id in zip(opened, ids, strict=True)]
    if any(isinstance(each, _Doubt) for each in found):
        raise _which_column(opened, ids, found)
    x, y = (None if isinstance(each, _Doubt) else each for each in found)
    return x, y


def _label_of(opened: Opened, id: int | None, reading: Reading) -> int | _Doubt | None:
    header = opened.header
    label = decide_label(
        header if opened.column is not None else _without_indexes(header), id=id, named=opened.column
    )  # fmt: skip
    if label is not None:
        doubt = None if opened.column is not None else _doubtful_text(opened, id, label)
        return label if doubt is None else None if reading.columns is not None else doubt
    rest = [i for i in range(header.width) if i != id and not _is_id(header, i)]
    if len(rest) == 1 and header.names is not None and not header.vectors:
        return rest[0]
    if reading.columns is not None or reading.normalize:
        return None
    return _doubtful_numbers(opened, [i for i in range(header.width) if i != id])


def _without_indexes(header: Header) -> Header:
    """The same columns, those that pandas says name the rows called like an index without a name."""
    if header.names is None or not header.index:
        return header
    return replace(header, names=tuple(_NAMELESS if name in header.index else name for name in header.names))


def _is_id(header: Header, column: int) -> bool:
    name = "" if header.names is None else header.names[column]
    return (
        header.names is not None
        and header.types[column] != FLOAT
        and (id_like(name) or saved_index(name) or name in header.index)
    )


def _doubtful_text(opened: Opened, id: int | None, label: int) -> _Doubt | None:
    """The doubt about a text that is called no label and is different in every row, beside whole numbers that are
    not, or several columns of fractions: these may be the labels or a distribution, and the text may name the rows."""
    header = opened.header
    if header.names is None or header.types[label] != TEXT or label_like(header.name(label)):
        return None
    if _apart(opened, label) is None:
        return None
    others = [i for i in range(header.width) if i not in (id, label) and not _is_id(header, i)]
    others = [i for i in others if header.types[i] not in (TEXT, OTHER) and not aside_like(header.name(i))]
    name = header.name(label)
    beside = next((i for i in others[:_LOOKED_AT] if _repeats(opened, i)), None)
    if beside is not None:
        beside_it = f'"{header.name(beside)}" holds whole numbers that repeat'
        return _Doubt(f'"{name}" is different in every row, {beside_it}', name)
    numbers = [i for i in others if header.types[i] == FLOAT]
    if len(numbers) < 2:
        return None
    classes = ",".join(map(header.name, numbers)) if len(numbers) <= _SHOWN else f"!{name}"
    return _Doubt(f'"{name}" is different in every row, {_listed(header, numbers)} hold numbers', name, classes)


def _repeats(opened: Opened, column: int) -> bool:
    """Whether the first entries of a column are whole numbers of which some are the same."""
    table = Table(opened.header, cache(partial(first_entries, opened.source)))
    return table.whole(column) and not table.distinct(column)


def _doubtful_numbers(opened: Opened, columns: Sequence[int]) -> _Doubt | None:
    """The doubt about a table of which no column is called a label, where it is no distribution: it has one column of
    numbers, or several of whole ones, unless each row is one certain outcome: 1 in one column, 0 in the others."""
    header = opened.header
    numbers = tuple(i for i in columns if header.types[i] not in (TEXT, OTHER))
    if header.vectors or header.names is None or not columns:
        return None
    if len(numbers) < 2:
        shown = [i for i in columns if header.name(i) not in header.index] or columns
        return _Doubt(f"{_listed(header, shown)}: none is called a label", _apart_name(opened, columns))
    try:
        x = sample_of(opened.source, Selection(numbers, missing=True)).matrix.astype(np.float64)
    except InputError:
        # What cannot be read is refused, with its place, when it is.
        return None
    known = x[np.isfinite(x).all(axis=1)]
    if not (known == np.round(known)).all() or (known.min(initial=0.0) >= 0.0 and (known.sum(axis=1) == 1.0).all()):
        return None
    return _Doubt(f"{_listed(header, numbers)} hold whole numbers", _apart_name(opened, numbers))


def _listed(header: Header, columns: Sequence[int]) -> str:
    names = [f'"{header.name(i)}"' for i in columns]
    return ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")


def _apart_name(opened: Opened, columns: Sequence[int]) -> str | None:
    """The first of some columns that is different in every row."""
    header = opened.header
    able = [i for i in columns[:_LOOKED_AT] if header.types[i] != OTHER]
    return next((header.name(i) for i in able if _apart(opened, i) is not None), None)


def _which_column(
    opened: Sequence[Opened], ids: Sequence[int | None], found: Sequence[int | _Doubt | None]
) -> InputError:  # fmt: skip
    """The question which columns hold the labels, for all files of which it cannot be told."""
    asked = [(each.header, doubt) for each, doubt in zip(opened, found, strict=True) if isinstance(doubt, _Doubt)]
    (header, doubt), names = asked[0], [f"{each.path}:COLUMN" for each, _ in asked if each.dtype != "memory"]
    hint = f"name {'them' if len(names) > 1 else 'it'}: {' '.join(names)}"
    if not names:
        hint = "give the column itself, not its table"
    if doubt.classes:
        hint += f"; for distributions: --columns {shlex.quote(doubt.classes)}"
    own = [_name_of_rows(*each) for each in zip(opened, ids, found, strict=True)]
    known = [name for name in own if name is not None]
    if len(known) == len(own) and doubt.apart is not None:
        typed = shlex.quote(",".join(dict.fromkeys(known)))
        hint += f'; "{doubt.apart}" is different in every row: if it names the rows, --id {typed}'
    return InputError(f"which column holds the labels? {doubt.said}", path=header.path, hint=hint)


def _name_of_rows(opened: Opened, id: int | None, found: int | _Doubt | None) -> str | None:
    """The column that names the rows of a file, or may do so."""
    header = opened.header
    if id is not None or header.names is None:
        return None if id is None else header.name(id)
    if isinstance(found, _Doubt):
        return found.apart
    return None if found is None else _apart_name(opened, [i for i in range(header.width) if i != found])


def check_indexes(opened: Sequence[Opened]) -> None:
    """Refuse rows that are to go by position though either data frame's index tells them apart, each by its own name
    and not alike."""
    first, second = (each.header for each in opened)
    if first.path == second.path or len(first.index) != 1 or len(second.index) != 1 or first.index == second.index:
        return
    columns = (first.find(first.index[0]), second.find(second.index[0]))
    x, y = (None if i is None else _apart(each, i) for each, i in zip(opened, columns, strict=True))
    if x is None or y is None or x.same(y):
        return
    names = (first.index[0], second.index[0])
    raise InputError(
        f'its rows are named by the index "{names[1]}", those of {first.path} by "{names[0]}": are these the same ids?',
        path=second.path, hint=f"if they are: --id {shlex.quote(','.join(names))}; {BY_POSITION}",
    )  # fmt: skip


def check_first_lines(opened: Sequence[Opened], reading: Reading) -> None:
    """Refuse two files of as many lines that both begin with a ``0`` above whole numbers: labels both, or the names
    that pandas gives to columns without one."""
    x, y = (each.source for each in opened)
    if reading.header or reading.no_header or x is y or x.header.path == y.header.path:
        return
    if is_undecided(x) and is_undecided(y) and x.count() == y.count():
        raise InputError(
            f'begins with "0", as {y.header.path} does: are these labels, or the names that pandas gives to columns'
            " without one?", path=x.header.path, hint="--no-header if they are labels, --header if they are names",
        )  # fmt: skip


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

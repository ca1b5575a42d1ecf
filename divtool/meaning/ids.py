"""Which column names the rows, decided over all files of a run together: rows are never matched by their place where
their ids are known, and of several candidates none is taken without evidence."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from divtool.errors import InputError
from divtool.formats.keys import Keys
from divtool.formats.source import FLOAT, INTEGER, TEXT, Header
from divtool.meaning.grammar import find_column

_ID = re.compile(
    r"(row|example|sample|item|record|image|case|object)?[_ -]?(id|ids|uid|uuid|guid|key|index|idx)|.+_id"
    r"|(q|p|s|doc|img|image|user|tweet|post|question|query|patient|passenger|customer|subject|session|seq|utt|clip)ids?"
)
# PassengerId, imageID; not CovId19.
_CAMEL = re.compile(r".*[a-z](Id|ID|Ids|IDs)")
_SAVED = re.compile(r"__index_level_\d+__|unnamed: \d+|index|")
# Words of texts that say something about a row, or what a model answered: two files may differ in them.
_NO_NAME = re.compile(
    r"(.*[_ -])?(split|fold|set|subset|lang|language|source|origin|domain|model|dataset|group|category|type|kind|class"
    r"|pred|preds|prediction|predicted|predictions|label|labels|output|outputs|response|answer|answers|completion"
    r"|generation|generated|generated_text|argmax|reason|explanation|error|status|comment|comments)"
)
# Two rows may have one id by mistake; more that have it are not named by it.
_FEW = 2
_FRACTION = re.compile(r"[+-]?(\d+\.\d*|\.\d+|\d+)([eE][+-]?\d+)?|[+-]?(inf|infinity|nan)", re.IGNORECASE)
_WHOLE = re.compile(r"[+-]?\d+(\.0*)?([eE]\+?\d+)?")
# What is said of every refusal that could not decide.
BY_POSITION = "--id none: rows by position"

_BY_INDEX = '--id index (in Python id="index")'

# For each file the column that is meant, all of one name.
_Shared: TypeAlias = tuple[int, ...]


def id_like(name: str) -> bool:
    """Whether a column of this name usually names rows.

    >>> [id_like(name) for name in ("ID", "image_id", "PassengerId", "imageID", "grid", "Covid")]
    [True, True, True, True, False, False]
    """
    plain = name.strip()
    return _ID.fullmatch(plain.lower()) is not None or _CAMEL.fullmatch(plain) is not None


def saved_index(name: str) -> bool:
    """Whether a column of this name is the index that a data frame was saved with."""
    return _SAVED.fullmatch(_folded(name)) is not None


@dataclass(frozen=True)
class Table:
    """A file as this decision sees it: columns that are ``taken`` serve something else; ``look`` gives the first
    entries of a column, None where there are none."""

    header: Header
    look: Callable[[int], Keys | None]
    taken: frozenset[int] = frozenset()

    def whole(self, column: int) -> bool:
        """Whether the first entries are whole numbers, however they are written: 2.0 after a merge, or 2 after a
        space; or text that looks like numbers in part, such as 00a1 and 0012. Fractions are never ids."""
        keys = self.look(column)
        texts = [] if keys is None else [text.strip() for text in keys.encode()[1]]
        return any(texts) and all(_FRACTION.fullmatch(text) is None for text in texts if not _WHOLE.fullmatch(text))

    def constant(self, column: int) -> bool:
        """Whether the first entries are all the same, of several: they name no row."""
        keys = self.look(column)
        return keys is not None and len(keys) > _FEW and len(keys.encode()[1]) == 1

    def distinct(self, column: int) -> bool:
        """Whether no two of the first entries are the same."""
        keys = self.look(column)
        return keys is not None and len(keys.encode()[1]) == len(keys)

    def counts_from(self, column: int) -> int | None:
        """0 or 1 where the first entries only count the rows from there, else None."""
        keys = self.look(column)
        if keys is None or not len(keys) or keys.text(0) not in ("0", "1"):
            return None
        first = int(keys.text(0))
        return first if all(keys.text(i) == str(first + i) for i in range(len(keys))) else None

    def name(self, column: int) -> str:
        """A column's name."""
        return self.header.name(column)


@dataclass(frozen=True)
class Ids:
    """The column of each file that names its rows, None where there is none; ``how`` is evidence worth telling."""

    columns: tuple[int | None, ...]
    how: str = ""


def ids_asked_for(tables: Sequence[Table], wanted: str) -> Ids:
    """The columns that ``--id`` names: one name for all files, or one for each (a,b). ``none`` is no column, unless
    one is called so. An array has no names and goes by position, but some file must have the name.

    Raises :class:`InputError` for a name that is not there, or a column that cannot name rows.
    """
    if wanted.strip() == "none" and not any(table.header.find("none") is not None for table in tables):
        return Ids((None,) * len(tables))
    own = wanted.split(",")
    if len(own) == len(tables) > 1:
        return Ids(tuple(_asked_for(table, name.strip()) for table, name in zip(tables, own, strict=True)))
    has = [table.header.find(wanted) is not None for table in tables]
    columns = [
        None if table.header.names is None and not there and any(has) else _asked_for(table, wanted)
        for table, there in zip(tables, has, strict=True)
    ]
    return Ids(tuple(columns))


def _asked_for(table: Table, wanted: str) -> int:
    header = table.header
    position = find_column(header, wanted, "--id")
    # Text is compared exactly, whatever it says; an array has one type, and its reader sees to whole numbers.
    fits = header.lines or header.names is None or header.types[position] in (INTEGER, TEXT)
    if not fits and not (header.types[position] == FLOAT and table.whole(position)):
        raise InputError(
            f"holds {header.dtype}; rows are named by whole numbers or text (--id)", path=header.path,
            column=header.name(position), hint="choose another column, or save the ids as integers",
        )  # fmt: skip
    return position


def decide_ids(tables: Sequence[Table]) -> Ids:
    """The columns that name the rows where none was asked for.

    A name that says so and that all files share goes first, then the one text that all files share; an index that
    merely counts the rows of every file says no more than their places do. Where only one file has ids rows go by
    position, and where some have and others have not those that have are matched. Raises :class:`InputError` where
    several columns would do and the first rows do not agree, or where ids have different names.
    """
    if len(tables) == 1:
        return Ids((_alone(tables[0], _candidates(tables[0])),))
    found = [_candidates(table) if table.header.width > 1 else [] for table in tables]
    shared = _shared(tables, found)
    if shared:
        best = _best(tables, shared)
        _ask_about_renumbered(tables, best.columns)
        _ask_about_counted(tables, best.columns)
        return best
    texts = _shared(tables, [_texts(table) for table in tables]) if all(t.header.names for t in tables) else []
    texts = [each for each in texts if _may_name(tables, each)]
    if texts:
        name = tables[0].name(texts[0][0])
        return Ids(_the_one(tables, texts), how=f'"{name}" is text that all files have, each once')
    return _of_some(tables, found)


def _of_some(tables: Sequence[Table], found: Sequence[Sequence[int]]) -> Ids:
    """The ids of those files that have any."""
    own = [[column for column in columns if not _mere_index(table, column)]
           for table, columns in zip(tables, found, strict=True)]  # fmt: skip
    having = [i for i, columns in enumerate(own) if columns]
    columns: list[int | None] = [None] * len(tables)
    if len(having) == 1:
        columns[having[0]] = _alone(tables[having[0]], own[having[0]])
    elif having:
        some = [tables[i] for i in having]
        shared = _shared(some, [own[i] for i in having])
        if not shared:
            raise _different_names(some, [own[i] for i in having])
        for i, column in zip(having, _best(some, shared).columns, strict=True):
            columns[i] = column
    _ask_about_counted(tables, columns)
    return Ids(tuple(columns), "" if having else _differ(tables))


def _candidates(table: Table) -> list[int]:
    """The columns called like ids that could be some."""
    header = table.header
    named = [i for i, name in enumerate(header.names or ()) if id_like(name) or saved_index(name)]
    return [i for i in named if i not in table.taken
            and (header.types[i] in (INTEGER, TEXT) or (header.types[i] == FLOAT and table.whole(i)))
            and not table.constant(i)]  # fmt: skip


def _texts(table: Table) -> list[int]:
    """The columns of text that could name rows, whatever they are called."""
    header = table.header
    if header.width < 2:
        return []
    return [i for i, name in enumerate(header.names or ()) if header.types[i] == TEXT and i not in table.taken
            and _NO_NAME.fullmatch(_folded(name)) is None]  # fmt: skip


def _may_name(tables: Sequence[Table], columns: _Shared) -> bool:
    """Whether a text stands once in every file, and is more than the names of the classes."""
    if not all(table.distinct(column) for table, column in zip(tables, columns, strict=True)):
        return False
    classes = {name for table in tables for name in table.header.names or ()}
    keys = [table.look(column) for table, column in zip(tables, columns, strict=True)]
    return not any(each is None or classes.issuperset(each.encode()[1]) for each in keys)


def _shared(tables: Sequence[Table], found: Sequence[Sequence[int]]) -> list[_Shared]:
    """What all files have under one name, in the order of the first; else the one saved index of each, which every
    program calls otherwise."""
    by_name = [{_folded(table.name(column)): column for column in reversed(columns)}
               for table, columns in zip(tables, found, strict=True)]  # fmt: skip
    first = [_folded(tables[0].name(column)) for column in found[0]]
    names = [name for name in dict.fromkeys(first) if all(name in each for each in by_name)]
    if names:
        return [tuple(each[name] for each in by_name) for name in names]
    saved = [[column for column in columns if saved_index(table.name(column))]
             for table, columns in zip(tables, found, strict=True)]  # fmt: skip
    return [tuple(columns[0] for columns in saved)] if all(len(columns) == 1 for columns in saved) else []


def _best(tables: Sequence[Table], shared: Sequence[_Shared]) -> Ids:
    """The one of the shared columns that names rows best; none for an index that only counts."""
    chosen = _the_one(tables, shared)
    if saved_index(tables[0].name(chosen[0])) and _count(tables, chosen):
        return Ids((None,) * len(tables))
    return Ids(chosen)


def _the_one(tables: Sequence[Table], shared: Sequence[_Shared]) -> _Shared:
    """Of several columns one without twins, no saved index, no mere count of the rows, in this order; of columns that
    are the same in all files as they stand, any. Raises :class:`InputError` where this does not decide."""
    if len(shared) == 1:
        return shared[0]
    left = _those(shared, lambda each: all(t.distinct(i) for t, i in zip(tables, each, strict=True)))
    left = _those(left, lambda each: not all(saved_index(t.name(i)) for t, i in zip(tables, each, strict=True)))
    left = _those(left, lambda each: not _count(tables, each))
    others = [each for each in shared if each != left[0]]
    # A count matches rows by their places: nothing else may speak against them.
    doubtful = others if _count(tables, left[0]) else left if len(left) > 1 else []
    if all(_agree(tables, each) for each in doubtful):
        return left[0]
    raise _several(tables[0], [each[0] for each in (shared if _count(tables, left[0]) else left)])


def _ask_about_renumbered(tables: Sequence[Table], columns: Sequence[int | None]) -> None:
    """Refuse indexes of data frames that number the rows in different orders: who sorted both means the rows as they
    stand, who shuffled one means the numbers."""
    own = [(table, column) for table, column in zip(tables, columns, strict=True)
           if column is not None and table.header.renumbered == table.name(column)]  # fmt: skip
    if len(own) < len(tables):
        return
    (first, column), others = own[0], own[1:]
    for other, its_column in others:
        if not _agree((first, other), (column, its_column)):
            raise _two_orders(first, other)


def _ask_about_counted(tables: Sequence[Table], columns: Sequence[int | None]) -> None:
    """The same of an index in another order than 0 to n-1, and a data frame that goes by position and whose rows are
    counted so."""
    counted = [table.header.counted for table, column in zip(tables, columns, strict=True) if column is None]
    for table in tables:
        header = table.header
        own = None if header.renumbered is None else header.find(header.renumbered)
        if own is None or header.rows is None or header.counted is not None or range(header.rows) not in counted:
            continue
        raise _two_orders(table, tables[[each.header.counted for each in tables].index(range(header.rows))])


def _two_orders(first: Table, other: Table) -> InputError:
    return InputError(
        f"its index numbers the rows from 0, and so does that of {other.header.path} in another order: are"
        " rows matched by these numbers, or as they stand?", path=first.header.path,
        hint=f'{_BY_INDEX} matches by the index; {BY_POSITION} (id="none", .reset_index(drop=True))',
    )  # fmt: skip


def _differ(tables: Sequence[Table]) -> str:
    """What is to be told of data frames of as many rows that are counted by other numbers."""
    counted = [table.header.counted for table in tables]
    first = counted[0]
    if first is None or any(each is None or len(each) != len(first) for each in counted):
        return ""
    return "" if all(each == first for each in counted) else "the indexes differ"


def _those(shared: Sequence[_Shared], fits: Callable[[_Shared], bool]) -> Sequence[_Shared]:
    """Those that fit, all if none does."""
    return [each for each in shared if fits(each)] or shared


def _count(tables: Sequence[Table], columns: _Shared) -> bool:
    """Whether a column only counts the rows, in every file from the same number."""
    starts = {table.counts_from(column) for table, column in zip(tables, columns, strict=True)}
    return len(starts) == 1 and None not in starts


def _agree(tables: Sequence[Table], columns: _Shared) -> bool:
    """Whether the first entries of a column are the same in all files, row by row."""
    looked = [table.look(column) for table, column in zip(tables, columns, strict=True)]
    keys = [each for each in looked if each is not None]
    rows = min((len(each) for each in keys), default=0)
    return len(keys) == len(looked) and all(each.part(0, rows).same(keys[0].part(0, rows)) for each in keys[1:])


def _mere_index(table: Table, column: int) -> bool:
    return saved_index(table.name(column)) and table.counts_from(column) is not None


def _alone(table: Table, found: Sequence[int]) -> int | None:
    """The ids of a file that is matched with nothing; None where it could be several."""
    left = [column for column in found if not saved_index(table.name(column))]
    if not left:
        left = [column for column in found if not _mere_index(table, column) or _folded(table.name(column)) == "index"]
    if len(left) > 1:
        left = [column for column in left if table.distinct(column) and table.counts_from(column) is None]
    return left[0] if len(left) == 1 else None


def _several(table: Table, columns: Sequence[int]) -> InputError:
    names = [table.name(column) for column in columns]
    return InputError(
        f"several columns may name the rows: {', '.join(map(_quoted, names[:6]))}", path=table.header.path,
        hint=f"say which: --id {_typed(names[0])}; {BY_POSITION}",
    )  # fmt: skip


def _different_names(tables: Sequence[Table], found: Sequence[Sequence[int]]) -> InputError:
    """The error for ids that no two files call the same."""
    several = next((i for i, columns in enumerate(found) if len(columns) > 1), None)
    names = [table.name(columns[0]) for table, columns in zip(tables, found, strict=True)]
    if several is not None:
        return InputError(
            f"several columns may name the rows: {', '.join(_quoted(tables[several].name(i)) for i in found[several])};"
            " none of them is in every file", path=tables[several].header.path,
            hint=f"name one for each file: --id {','.join(names)}; {BY_POSITION}",
        )  # fmt: skip
    other = next((i for i, name in enumerate(names) if _folded(name) != _folded(names[0])), 1)
    return InputError(
        f"names its rows by {_quoted(names[0])}, {tables[other].header.path} by {_quoted(names[other])}:"
        " are these the same ids?", path=tables[0].header.path,
        hint=f"if they are: --id {','.join(names)}; else rename or remove one, or {BY_POSITION}",
    )  # fmt: skip


def _quoted(name: str) -> str:
    return f'"{name}"'


def _typed(name: str) -> str:
    """A name as a shell takes it."""
    return name if re.fullmatch(r"[\w.-]+", name) else f"'{name}'"


def _folded(name: str) -> str:
    return name.strip().lower()

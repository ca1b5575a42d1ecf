"""A contingency table, or one of joint probabilities, as it stands in a file: rows are X's outcomes, columns Y's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from divtool.accumulators.joint_table import JointTable, table_of
from divtool.errors import InputError, ResourceError
from divtool.formats.keys import IntegerKeys
from divtool.formats.source import INTEGER, OTHER, TEXT, Header, Selection, Source
from divtool.meaning.columns import aside_like
from divtool.meaning.grammar import chosen_columns, find_column
from divtool.meaning.ids import id_like, saved_index
from divtool.meaning.kinds import decide_kind
from divtool.options import Reading, parse_rows

_READ = 4 << 20
_MOST_CELLS = 1 << 22
_EXACT = 2.0**53
_OTHER_FORMS = "for labels, name both files: divtool joint FILE FILE; for columns of a table: divtool joint TABLE X Y"
_TOTALS = {"total", "totals", "sum", "all", "margin", "margins", "subtotal", "grand total"}
# How far the sum of rounded cells may be from a rounded total, of what the cells are.
_ROUNDED = 1e-6


@dataclass(frozen=True)
class Contingency:
    """A table of two variables, and how it was understood. ``kind`` is "counts" or "probs"."""

    table: JointTable
    kind: str
    evidence: str
    rows_named_by: str | None


@dataclass(frozen=True)
class Cells:
    """What was read: the names of rows and columns, and the cells as doubles and, where columns hold whole numbers, as
    these."""

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    matrix: npt.NDArray[np.float64]
    exact: tuple[tuple[int, ...] | None, ...]

    @property
    def is_whole(self) -> bool:
        """Whether all cells are whole numbers."""
        return bool((self.matrix == np.round(self.matrix)).all())

    @property
    def whole(self) -> list[list[int]]:
        """The cells as whole numbers, row by row."""
        columns = [
            [int(value) for value in self.matrix[:, i].tolist()] if own is None else own
            for i, own in enumerate(self.exact)
        ]
        return [list(row) for row in zip(*columns, strict=True)]


def contingency(source: Source, reading: Reading, given: str | None) -> Contingency:
    """The table of a file whose cells are counts or probabilities of two outcomes.

    Whole numbers count cases; other numbers must sum to 1. Raises :class:`InputError` for anything else, for a total
    among the cells, and for an outcome that is named twice.
    """
    header = source.header
    named_by = _names_of_rows(source, reading)
    cells = _read(source, _columns(header, reading, named_by), named_by, reading)
    if min(cells.matrix.shape) < 2:
        what = "row" if cells.matrix.shape[0] < 2 else "column"
        said = f"one {what} of numbers is no table of two variables"
        raise InputError(said, path=header.path, hint=_OTHER_FORMS)
    _refuse_totals(header.path, cells)
    kind, evidence = _kind_of(source, cells, reading, given)
    counts: Any = cells.whole if kind == "counts" else _in_units(cells.matrix)
    table = table_of(np.array(counts, object), (cells.rows, cells.columns), cases=kind == "counts")
    if not table.counts.size:
        raise InputError("holds no cases: all cells are 0", path=header.path)
    return Contingency(table, kind, evidence, None if named_by is None else header.name(named_by))


def _names_of_rows(source: Source, reading: Reading) -> int | None:
    """The column that names X's outcomes: the one asked for, the index of a data frame, the only text, or whole numbers
    that cannot be counts. Where they could be either, it is asked."""
    header = source.header
    if reading.id is not None and reading.id != "none":
        return find_column(header, reading.id, "--id")
    index = [i for i, name in enumerate(header.names or ()) if name in header.index or saved_index(name)]
    texts = [i for i, word in enumerate(header.types) if word == TEXT]
    for found in (index, texts):
        if len(found) > 1:
            names = ", ".join(f'"{header.name(i)}"' for i in found[:6])
            raise InputError(f"several columns may name the rows: {names}", path=header.path,
                             hint=f"--id NAME says which; {_OTHER_FORMS}")  # fmt: skip
        if found:
            return found[0]
    if reading.id == "none" or header.names is None or header.types[:1] != (INTEGER,):
        return None
    return 0 if id_like(header.name(0)) else _numbered(source)


def _numbered(source: Source) -> int | None:
    """Whether the first column, of whole numbers, names the rows, as in a crosstab of numbers that was saved."""
    header = source.header
    rows = source.count()
    if not 1 < rows <= _MOST_CELLS:
        return None
    blocks = source.blocks(source.locate(0, rows), Selection((), (0,)), _READ)
    values = [each.keys[0].text(i) for each in blocks for i in range(len(each))]
    others = (header.names or ())[1:]
    if others and all(_is_number(name) or _is_total(name) for name in others) and not _is_number(header.name(0)):
        return 0
    if not all(map(_is_number, values)):
        # A total among numbers: a name, whatever the column's type was taken for.
        return 0
    numbers = [int(float(value)) for value in values]
    if numbers in (list(range(rows)), list(range(1, rows + 1))):
        return 0
    # Counts of two rows differ easily; of more rows, all different ones are more likely names where they are in order.
    steps = [high - low for low, high in pairwise(numbers)]
    in_order = rows > 2 and (all(step > 0 for step in steps) or all(step < 0 for step in steps))
    # A year or an age among classes that are called otherwise.
    odd = aside_like(header.name(0)) and not any(map(aside_like, others)) and len(set(numbers)) == rows
    if in_order or odd:
        raise InputError(
            "whole numbers: do they name the rows, or count cases?", path=header.path, column=header.name(0),
            hint=f"--id {header.name(0)} if they are names, --id none if they are counts",
        )  # fmt: skip
    return None


def _is_number(text: str) -> bool:
    return text.strip().removeprefix("-").removesuffix(".0").isdigit()


def _is_total(name: str) -> bool:
    return name.strip().lower() in _TOTALS


def _columns(header: Header, reading: Reading, named_by: int | None) -> tuple[int, ...]:
    """The columns that are outcomes of Y: those asked for, else all but the names of the rows."""
    named, dropped = ([], set()) if reading.columns is None else chosen_columns(header, reading.columns, "--columns")
    columns = [i for i in (named or range(header.width)) if i not in dropped and i != named_by]
    for column in columns:
        if header.types[column] in (TEXT, OTHER):
            raise InputError("holds no counts", path=header.path, column=header.name(column), hint=_OTHER_FORMS)
    if not columns:
        raise InputError("holds no counts", path=header.path, hint=_OTHER_FORMS)
    return tuple(columns)


def _read(source: Source, columns: tuple[int, ...], named_by: int | None, reading: Reading) -> Cells:
    header, (first, stop) = source.header, (0, source.count())
    if reading.rows is not None:
        first, stop = (min(row, stop) for row in parse_rows(reading.rows))
    if first >= stop:
        raise InputError("holds no rows", path=header.path, hint="expected a row for each outcome of X")
    if (stop - first) * len(columns) > _MOST_CELLS:
        raise ResourceError(
            f"{header.path}: {stop - first:,} x {len(columns):,} cells are no contingency table (at most"
            f" {_MOST_CELLS:,})", hint=_OTHER_FORMS,
        )  # fmt: skip
    whole = [column for column in columns if header.types[column] == INTEGER]
    keys = tuple(dict.fromkeys([*([] if named_by is None else [named_by]), *whole]))
    where = source.locate(first, stop)
    try:
        numbers = [_part(each, first, stop) for each in source.blocks(where, Selection(columns), _READ)]
    except InputError as error:
        if "--missing" in error.hint:
            error.hint = "write 0 where there is no case"
        raise
    # Read apart: a text file gives a column as numbers or as what is written there.
    blocks = [_part(each, first, stop) for each in source.blocks(where, Selection((), keys), _READ)] if keys else []
    source.check_unchanged()
    matrix = np.concatenate([each.matrix.astype(np.float64) for each in numbers])
    _refuse_odd(source, matrix, columns, first)
    exact = {
        column: tuple(value for each in blocks for value in _integers(each.keys[keys.index(column)]))
        for column in whole
    }
    if any(matrix[:, i].max() >= _EXACT for i, column in enumerate(columns) if column not in exact):
        raise InputError("holds numbers of 2^53 and more, which doubles do not tell apart", path=header.path,
                         hint="write them as whole numbers")  # fmt: skip
    names = [str(i) for i in range(len(matrix))]
    if named_by is not None:
        names = [each.keys[0].text(i) for each in blocks for i in range(len(each))]
        _refuse_twins(source, names, first)
    return Cells(tuple(names), tuple(map(header.name, columns)), matrix, tuple(exact.get(each) for each in columns))


def _part(block: Any, first: int, stop: int) -> Any:
    return block.part(max(0, first - block.first), min(len(block), stop - block.first))


def _integers(keys: Any) -> list[int]:
    if isinstance(keys, IntegerKeys):
        values: list[int] = keys.values.tolist()
        return values
    return [_integer(keys.text(i)) for i in range(len(keys))]


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        # 1e3 in a column of whole numbers; that it is one was seen as a double.
        return int(float(text))


def _refuse_odd(source: Source, matrix: npt.NDArray[np.float64], columns: Sequence[int], first: int) -> None:
    odd = np.argwhere(~((matrix >= 0.0) & (matrix < np.inf)))
    if odd.size:
        row, place = odd[0].tolist()
        raise source.place_of(first + row).refusal(
            f"{matrix[row, place]:g} is neither a count nor a probability", column=source.header.name(columns[place]),
            hint="a contingency table has a row for each outcome of X and a column for each of Y",
        )  # fmt: skip


def _refuse_twins(source: Source, names: Sequence[str], first: int) -> None:
    seen: set[str] = set()
    for row, name in enumerate(names):
        if name in seen:
            raise source.place_of(first + row).refusal(
                f'the outcome "{name}" has a row already', hint=_OTHER_FORMS
            )  # fmt: skip
        seen.add(name)


def _refuse_totals(path: str, cells: Cells) -> None:
    """A row or column that is called a total, or that is the sum of all others, is no outcome."""
    last = len(cells.rows) - 1
    for what, names, matrix in (("column", cells.columns, cells.matrix), ("row", cells.rows, cells.matrix.T)):
        sums = matrix.sum(axis=1)
        for place, name in enumerate(names):
            own = matrix[:, place]
            # What is 0 shows nothing; a total is one of several numbers that are not, in more rows than one.
            told = (np.count_nonzero(matrix, axis=1) > 2) & (own > 0.0)
            summed = bool((np.abs(sums - 2.0 * own) <= _ROUNDED * np.abs(own)).all()) and int(told.sum()) > 1
            if not summed and not _is_total(name):
                continue
            way_out = f"leave it out: --columns '!{name}'"
            if what == "row":
                ends = {0: f"1:{last + 1}", last: f"0:{last}"}
                way_out = f"leave it out: --rows {ends[place]}" if place in ends else "delete the row"
            said = "is the sum of the others" if summed else "is called a total"
            raise InputError(f'the {what} "{name}" {said}: a total is no outcome', path=path, hint=way_out)


def _kind_of(source: Source, cells: Cells, reading: Reading, given: str | None) -> tuple[str, str]:
    matrix, header = cells.matrix, source.header
    if given == "counts" or (given is None and cells.is_whole):
        if cells.is_whole:
            return "counts", "whole numbers"
        row, place = np.argwhere(matrix != np.round(matrix))[0].tolist()
        raise source.place_of(row).refusal(f"{matrix[row, place].item()!r} is no count; expected whole numbers")
    total = float(sum(map(Fraction, matrix.reshape(-1).tolist())))
    # All cells are one row of probabilities.
    slack = decide_kind(matrix.reshape(1, -1), header, given="probs", normalize=False).tolerance
    if abs(total - 1.0) <= slack:
        return "probs", f"cells sum to {total:.9g}"
    if reading.normalize:
        return "probs", f"cells sum to {total:.9g}, divided by it"
    for what, sums in (("row", matrix.sum(axis=1)), ("column", matrix.sum(axis=0))):
        if (np.abs(sums - sums[0]) <= max(slack, _ROUNDED) * sums[0]).all():
            raise InputError(
                f"each {what} sums to {sums[0]:.9g}: shares within a {what} do not tell how often each {what} occurs",
                path=header.path, hint=f"give the counts, or probabilities that sum to 1 in all; {_OTHER_FORMS}",
            )  # fmt: skip
    raise InputError(
        f"the cells sum to {total:.9g}; expected whole numbers, or probabilities that sum to 1", path=header.path,
        hint=f"--normalize divides them by their sum; {_OTHER_FORMS}",
    )  # fmt: skip


def _in_units(matrix: npt.NDArray[np.float64]) -> list[list[int]]:
    """Doubles as whole multiples of the least power of two that all of them are multiples of: nothing is rounded."""
    ratios = [[Fraction(value) for value in row] for row in matrix.tolist()]
    unit = max(value.denominator for row in ratios for value in row)
    return [[int(value * unit) for value in row] for row in ratios]

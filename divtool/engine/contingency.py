"""A contingency table, or one of joint probabilities, as it stands in a file: rows are X's outcomes, columns Y's."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from divtool.accumulators.joint_table import JointTable, table_of
from divtool.engine.sampling import first_counts
from divtool.errors import InputError, ResourceError
from divtool.formats.source import INTEGER, TEXT, Header, Selection, Source
from divtool.meaning.columns import decide_matrix
from divtool.meaning.grammar import find_column
from divtool.meaning.kinds import decide_kind
from divtool.options import Reading

_READ = 4 << 20
_MOST_CELLS = 1 << 22
_EXACT = 2.0**53
_WHOLE = re.compile(r"\s*-?\d+(\.0*)?\s*")


@dataclass(frozen=True)
class Contingency:
    """A table of two variables, and how it was understood. ``kind`` is "counts" or "probs"."""

    table: JointTable
    kind: str
    evidence: str
    rows_named_by: str | None


def contingency(source: Source, reading: Reading, given: str | None) -> Contingency:
    """The table of a file whose cells are counts or probabilities of two outcomes.

    Whole numbers count cases; other numbers must sum to 1. Raises :class:`InputError` for anything else, for a total
    among the cells, and for an outcome that is named twice.
    """
    header = source.header
    named_by = _names_of_rows(source, reading)
    columns = decide_matrix(header, id=named_by, label=None, chosen=reading.columns, first_counts=False, least=1)
    matrix, texts = _read(source, tuple(columns.classes), named_by)
    _refuse_odd(source, matrix, columns.classes)
    row_names = tuple(texts) if named_by is not None else tuple(str(i) for i in range(len(matrix)))
    names = tuple(header.name(column) for column in columns.classes)
    _refuse_twins(source, row_names)
    _refuse_total(source, matrix, row_names, names)
    kind, evidence = _kind_of(source, matrix, reading, given)
    counts: Any = matrix if kind == "counts" else _in_units(matrix)
    table = table_of(counts, (row_names, names), cases=kind == "counts")
    if not table.counts.size:
        raise InputError("holds no cases: all cells are 0", path=header.path)
    return Contingency(table, kind, evidence, None if named_by is None else header.name(named_by))


def _names_of_rows(source: Source, reading: Reading) -> int | None:
    """The column that names X's outcomes: the one asked for, the only text, or a saved index."""
    header = source.header
    if reading.id is not None:
        return None if reading.id == "none" else find_column(header, reading.id, "--id")
    texts = [i for i, word in enumerate(header.types) if word == TEXT]
    if texts:
        return texts[0]
    index = (
        header.names is not None and header.types[:1] == (INTEGER,) and header.names[0].lower().startswith("unnamed")
    )
    return 0 if index or _numbered(header) or first_counts(source) else None


def _numbered(header: Header) -> bool:
    """Whether a column of whole numbers stands before columns whose names are whole numbers, as its own is not: the
    outcomes of a crosstab of numbers."""
    names = header.names or ("",)
    numbers = [_WHOLE.fullmatch(name) is not None for name in names]
    return len(names) > 1 and not numbers[0] and all(numbers[1:]) and header.types[0] == INTEGER


def _read(source: Source, columns: tuple[int, ...], named_by: int | None) -> tuple[npt.NDArray[np.float64], list[str]]:
    rows, path = source.count(), source.header.path
    if not rows:
        raise InputError("holds no rows", path=path, hint="expected a row for each outcome of X")
    if rows * len(columns) > _MOST_CELLS:
        raise ResourceError(
            f"{path}: {rows:,} x {len(columns):,} cells are no contingency table (at most {_MOST_CELLS:,})",
            hint="for two columns of a table of cases: divtool joint FILE X Y",
        )
    keys = () if named_by is None else (named_by,)
    blocks = list(source.blocks(source.locate(0, rows), Selection(columns, keys), _READ))
    source.check_unchanged()
    texts = [each.keys[0].text(i) for each in blocks for i in range(len(each))] if keys else []
    return np.concatenate([each.matrix.astype(np.float64) for each in blocks]), texts


def _refuse_odd(source: Source, matrix: npt.NDArray[np.float64], columns: Any) -> None:
    odd = np.argwhere(~((matrix >= 0.0) & (matrix < np.inf)))
    if odd.size:
        row, place = odd[0].tolist()
        raise source.place_of(row).refusal(
            f"{matrix[row, place]:g} is neither a count nor a probability", column=source.header.name(columns[place]),
            hint="a contingency table has a row for each outcome of X and a column for each of Y",
        )  # fmt: skip
    if (matrix > _EXACT).any():
        raise InputError("holds numbers above 2^53, which doubles do not tell apart", path=source.header.path)


def _refuse_twins(source: Source, names: tuple[str, ...]) -> None:
    seen: set[str] = set()
    for row, name in enumerate(names):
        if name in seen:
            raise source.place_of(row).refusal(
                f'the outcome "{name}" has a row already',
                hint="for a table of cases, name its columns: divtool joint FILE X Y",
            )
        seen.add(name)


_TOTALS = {"total", "totals", "sum", "all", "margin", "subtotal"}


def _refuse_total(
    source: Source, matrix: npt.NDArray[np.float64], rows: tuple[str, ...], columns: tuple[str, ...]
) -> None:
    """A row or column that is the sum of the others is no outcome."""
    path = source.header.path
    for what, names, cells, way_out in (
        ("column", columns, matrix, f"leave it out: --columns '!{columns[-1]}'"),
        ("row", rows, matrix.T, "leave it out"),
    ):
        # A table of two may have equal halves by chance; a name decides there.
        summed = bool((cells[:, :-1].sum(axis=1) == cells[:, -1]).all())
        if len(names) > 1 and summed and (len(names) > 2 or names[-1].strip().lower() in _TOTALS):
            said = f'the last {what} "{names[-1]}" is the sum of the others: a total is no outcome'
            raise InputError(said, path=path, hint=way_out)


def _kind_of(
    source: Source, matrix: npt.NDArray[np.float64], reading: Reading, given: str | None
) -> tuple[str, str]:  # fmt: skip
    whole, header = bool((matrix == np.round(matrix)).all()), source.header
    if given == "counts" or (given is None and whole):
        if whole:
            return "counts", "whole numbers"
        row, place = np.argwhere(matrix != np.round(matrix))[0].tolist()
        raise source.place_of(row).refusal(f"{matrix[row, place].item()!r} is no count; expected whole numbers")
    total = float(sum(map(Fraction, matrix.reshape(-1).tolist())))
    # All cells are one row of probabilities.
    slack = decide_kind(matrix.reshape(1, -1), header, given="probs", normalize=False).tolerance
    if abs(total - 1.0) > slack and not reading.normalize:
        raise InputError(
            f"the cells sum to {total:.9g}; expected whole numbers, or probabilities that sum to 1", path=header.path,
            hint="--normalize divides them by their sum; for two columns of a table: divtool joint FILE X Y",
        )  # fmt: skip
    return "probs", f"cells sum to {total:.9g}"


def _in_units(matrix: npt.NDArray[np.float64]) -> list[list[int]]:
    """Doubles as whole multiples of the least power of two that all of them are multiples of: nothing is rounded."""
    ratios = [[Fraction(value) for value in row] for row in matrix.tolist()]
    unit = max(value.denominator for row in ratios for value in row)
    return [[int(value * unit) for value in row] for row in ratios]

"""Whether the first line of a text table holds the names of its columns or a row: a pure decision by that line and
some below it. What could be either is refused, for a row more or less makes another number."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from divtool.errors import InputError

NUMBER = re.compile(
    r"\s*[+-]?(\d+\.?\d*([eE][+-]?\d+)?|\.\d+([eE][+-]?\d+)?|inf|infinity|nan)\s*", re.ASCII | re.IGNORECASE
)
WHOLE = re.compile(r"[+-]?\d+", re.ASCII)
# A cell that holds a row of numbers: a list, a tuple, what NumPy prints; not what has a word before it.
VECTOR = re.compile(r"\s*[\[(]\s*[+-]?(\d|\.\d|inf|nan|\.\.\.).*[\])]\s*", re.ASCII | re.IGNORECASE | re.DOTALL)
DECIMAL_COMMA = re.compile(r"\s*[+-]?\d+,\d+\s*", re.ASCII)
# Words that people write above a column of text or of labels.
_NAME = re.compile(
    r"|index|idx|key|(.*[^a-z])?(id|ids|uid|uuid|guid)|unnamed: \d+|(file|image|img|sample|row|example|case|item|class|"
    r"model|user|query|doc|document)?[_ -]?(name|path|file|filename|number|no|nr)|image|sample|example|text|sentence|"
    r"prompt|location|store|date|time|timestamp|year|month|step|split|fold|weight|sample_weight|score|horizon|series|"
    r"(true|gold|target|actual)?[_ -]?(labels?|target|class|y|truth|ground[_ ]truth|gold|outcome)|y_true|"
    r"(y_)?pred(iction|icted)?|value|variable|group|category|species"
)
# More decimals than these has no name that a person gave.
_MOST_DECIMALS = 4
_FEW_DECIMALS, _NEAR = 2, 1e-9
_SHOWN = 6
# Fewer lines than these tell nothing of what comes again.
_FEWEST_BELOW = 3
_EITHER = "--header if it holds the names of the columns, --no-header if it is a row"


def is_row(first: Sequence[str], below: Sequence[Sequence[str]], path: str, line: int) -> bool:
    """Whether the first line is a row and not the names of the columns.

    Raises :class:`InputError` where it could be either.
    """
    if any(VECTOR.fullmatch(cell) for cell in first):
        return True
    texts = [cell for cell in first if not NUMBER.fullmatch(cell)]
    if texts:
        # A row of text under no header is told from one by what stands below it, or not at all: then it is a header.
        return _is_row_with_text(first, texts, path, line)
    if len(first) == 1:
        # "0" is what pandas calls a column without a name. Over whole numbers it may as well be a label.
        return first[0] != "0" or all(WHOLE.fullmatch(cell.strip()) for row in below for cell in row[:1])
    return _is_row_of_numbers(list(first), [list(row[: len(first)]) for row in below], path, line)


def _is_row_with_text(first: Sequence[str], texts: Sequence[str], path: str, line: int) -> bool:
    """Fractions beside text: quantiles are names, a probability of 17 digits is none."""
    decimals = [_decimals(cell) for cell in first if _is_fraction(cell)]
    if not decimals:
        return False
    named, long = all(is_usual_name(text) for text in texts), max(decimals) > _MOST_DECIMALS
    if named == long:
        raise _unclear(first, path, line)
    return long


def stands_again(first: Sequence[str], below: Sequence[Sequence[str]], path: str, line: int) -> bool:
    """Whether a first line of texts is a row: each of them is an entry of its own column below as well, in a column
    that holds texts. At least three lines below must be at hand.

    Raises :class:`InputError` where all of them are usual names of columns too, which files joined with cat repeat.

    >>> below = [["cat"], ["dog"], ["cat"]]
    >>> [stands_again([first], below, "x.csv", 1) for first in ("dog", "animal")]
    [True, False]
    """
    if len(below) < _FEWEST_BELOW or any(NUMBER.fullmatch(cell) for cell in first):
        return False
    for place, cell in enumerate(first):
        column = [row[place] for row in below if place < len(row)]
        if cell not in column or 2 * sum(NUMBER.fullmatch(each) is not None for each in column) > len(column):
            return False
    if all(is_usual_name(cell) for cell in first):
        raise _unclear(first, path, line)
    return True


def _is_row_of_numbers(first: list[str], below: list[list[str]], path: str, line: int) -> bool:
    count = [str(i) for i in range(len(first))]
    if first == [f"{i}.0" for i in range(len(first))] and below and first != below[0]:
        if len(first) == 2:
            raise _unclear(first, path, line)
        return False
    if _rises_shortly(first) and below and all(_decimals(cell) > _MOST_DECIMALS for cell in below[0]):
        # Quantiles and thresholds are written so; so is a rounded row, but not among rows that are not rounded.
        raise _unclear(first, path, line)
    whole = all(WHOLE.fullmatch(cell) for cell in first) and len(set(first)) == len(first)
    if not whole or not below or any(cell.startswith("-") for cell in first):
        return True
    if first == count == ["0", "1"] and {cell.strip() for row in below for cell in row} <= {"0", "1"}:
        # The truth class by class begins so as well.
        raise _unclear(first, path, line)
    # Whole numbers over other numbers are names of classes (pandas writes columns 1, 2, 3 so); over whole numbers only
    # a plain count is.
    counts = first == count and below[0] != first
    return not counts and all(WHOLE.fullmatch(cell) for cell in below[0])


def _rises_shortly(first: Sequence[str]) -> bool:
    """Whether the cells are fractions of one or two decimals in rising order."""
    if not all(_is_fraction(cell) and _decimals(cell) <= _FEW_DECIMALS for cell in first):
        return False
    values = [float(cell) for cell in first]
    return all(low < high for low, high in pairwise(values)) and abs(sum(values) - 1.0) > _NEAR


def _is_fraction(cell: str) -> bool:
    plain = cell.strip().lower()
    return NUMBER.fullmatch(plain) is not None and not WHOLE.fullmatch(plain) and any(mark in plain for mark in ".e")


def _decimals(cell: str) -> int:
    """How many digits stand behind the point; an exponent makes a number no name."""
    plain = cell.strip().lower()
    return _MOST_DECIMALS + 1 if "e" in plain else len(plain.partition(".")[2])


def is_usual_name(text: str) -> bool:
    """Whether people call columns so; a column of row names often has no name at all.

    >>> [is_usual_name(text) for text in ("image_id", "label", "", "img1.jpg", "cat")]
    [True, True, True, False, False]
    """
    return _NAME.fullmatch(text.strip().lower()) is not None


def _unclear(first: Sequence[str], path: str, line: int) -> InputError:
    return InputError(
        f"the first line ({shortly(first)}) may be a row or the names of the columns",
        path=path,
        line=line,
        hint=_EITHER,
    )


def shortly(cells: Sequence[str]) -> str:
    """The first cells of a line as a message may hold them."""
    return ", ".join(each if len(each) <= 30 else each[:30] + "..." for each in cells[:_SHOWN]) + (
        ", ..." if len(cells) > _SHOWN else ""
    )


def are_numbers(names: Sequence[str]) -> bool:
    """Whether all names of columns are numbers, so that a row may look like them."""
    return bool(names) and all(NUMBER.fullmatch(name) for name in names)


def are_doubtful(names: Sequence[str]) -> bool:
    """Whether names of columns look like a row: all of them numbers, some of them fractions, or numbers beside text
    that is no usual name."""
    numbers = [name for name in names if NUMBER.fullmatch(name)]
    if not numbers:
        return False
    if len(numbers) == len(names) or any(_is_fraction(name) for name in numbers):
        return True
    return not all(is_usual_name(name) for name in names if not NUMBER.fullmatch(name))


def refuse_title(rows: Sequence[Sequence[str]], path: str, line: int) -> None:
    """Refuse a first line that has not as many cells as two lines below it, which agree."""
    if len(rows) < 3 or len(rows[1]) != len(rows[2]) or len(rows[0]) == len(rows[1]):
        return
    names, cells = len(rows[0]), len(rows[1])
    hint = "is it a title? expected the names of the columns first; tail -n +2 FILE > NEW removes a line"
    if names + 1 == cells and not rows[1][-1] and not rows[2][-1]:
        hint = "the lines end in a delimiter, the header does not: sed 's/.$//' FILE > NEW"
    elif names == 1 and all(DECIMAL_COMMA.fullmatch(",".join(row)) for row in rows[1:3]):
        raise decimal_commas(path)
    elif names + 1 == cells:
        hint = "does the header lack a name for the names of the rows? write one before it"
    raise InputError(
        f"the first line has {names} cell{'s' * (names > 1)}, the lines below it have {cells}",
        path=path, line=line, hint=hint,
    )  # fmt: skip


def decimal_commas(path: str, delimiter: str = ";", *, named: bool = True) -> InputError:
    """The error that speaks of decimal commas, in a table with names of columns or without."""
    header, written = ("", "") if named else (", header=None", ", header=False")
    mark = "\\t" if delimiter == "\t" else delimiter if delimiter != "," else ";"
    return InputError(
        "numbers are written with decimal commas; expected points", path=path,
        hint=f"pandas: read_csv(FILE, sep='{mark}', decimal=','{header}).to_csv(NEW, index=False{written})",
    )  # fmt: skip

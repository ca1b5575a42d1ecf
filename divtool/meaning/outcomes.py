"""Which columns of a table are variables with outcomes, and what their outcomes are: decisions without reading."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from types import MappingProxyType

from divtool.errors import InputError
from divtool.formats.keys import Keys
from divtool.formats.source import FLOAT, INTEGER, OTHER, Header
from divtool.meaning.bins import BinRules, Rule
from divtool.meaning.grammar import chosen_columns, find_column
from divtool.meaning.ids import id_like, saved_index

_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*")
_SAID = re.compile(r"\s*[+-]?(inf|infinity)\s*", re.IGNORECASE)
_NOTHING = re.compile(r"\s*[+-]?nan\s*", re.IGNORECASE)
_WHOLE = re.compile(r"\s*([+-]?\d{1,300})\.0*\s*")
# A leading zero belongs to a code, of which it is a part.
_DIGITS = re.compile(r"\s*([+-]?)(0|[1-9]\d*)\s*", re.ASCII)
_POWER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)[eE][+-]?\d+\s*")
_SHOWN = 6
_NUMBERS = (FLOAT, INTEGER)
_EXACT = 2.0**53

Look = Callable[[int], Keys | None]


@dataclass(frozen=True)
class Outcome:
    """A column that is a variable: its outcomes are its entries, or intervals by a ``rule``."""

    column: int
    name: str
    rule: Rule | None = None


@dataclass(frozen=True)
class Outcomes:
    """The variables in the order of the file (or as they were named), and the columns left out, with the reason."""

    variables: tuple[Outcome, ...]
    left_out: tuple[tuple[str, str], ...] = ()


def decide_outcomes(
    header: Header, look: Look, *, chosen: str | None = None, bins: BinRules | None = None,
    wanted: Sequence[int] = (), taken: Mapping[int, str] = MappingProxyType({}), option: str = "--columns",
    uncut: Sequence[int] = (),
) -> Outcomes:  # fmt: skip
    """The variables of a table: the columns asked for, else all but those that name rows.

    ``look`` gives the first entries of a column (None where they cannot be read); ``wanted`` columns are variables in
    any case (a target, a condition), ``uncut`` ones keep their whole numbers under a rule for all columns; ``taken``
    columns serve something else, and what. Text, whole numbers and truths are categories. Columns of fractions need a
    rule; without one :class:`InputError` names all of them at once.
    """
    rules = bins or BinRules()
    for name in rules.own:
        find_column(header, name, "--bins")
    columns, left_out = _columns(header, chosen, wanted, taken, option)
    continuous: list[str] = []
    variables = []
    for column in columns:
        name = header.name(column)
        # A rule for all columns is meant for numbers; few whole numbers stay as they are, and so do those of a target
        # or a condition, which may be classes. Text is never cut.
        needs = _is_continuous(header, look, column)
        rule = rules.of(name) if needs or name in rules.own else None
        if rule is None and rules.every is not None and column not in uncut and header.types[column] in _NUMBERS:
            rule = replace(rules.every, sparing=True)
        if rule is not None and header.types[column] not in (FLOAT, INTEGER):
            raise InputError(f"holds {header.types[column]}; intervals are of numbers (--bins)", path=header.path,
                             column=name, hint="leave it out of --bins: its entries are its outcomes")  # fmt: skip
        if needs and rule is None:
            continuous.append(name)
        variables.append(Outcome(column, name, rule))
    if continuous:
        raise continuous_columns(header.path, continuous)
    return Outcomes(tuple(variables), tuple(left_out))


def _columns(
    header: Header, chosen: str | None, wanted: Sequence[int], taken: Mapping[int, str], option: str
) -> tuple[list[int], list[tuple[str, str]]]:
    """The columns that are variables, and those that are not, with the reason."""
    named, dropped = ([], set()) if chosen is None else chosen_columns(header, chosen, option)
    for column in named:
        if column in taken:
            raise InputError(f"{option} asks for it, but it is something else: {taken[column]}", path=header.path,
                             column=header.name(column), hint=f"leave it out of {option}")  # fmt: skip
    columns: list[int] = []
    left_out: list[tuple[str, str]] = []
    listed = {column: vector.name for vector in header.vectors for column in vector.columns}
    for column in named or range(header.width):
        reason = _reason(header, column, named, dropped, taken, listed)
        if column in wanted or not reason:
            columns.append(column)
        elif column in listed:
            left_out += [(listed[column], reason)] if (listed[column], reason) not in left_out else []
        else:
            left_out.append((header.name(column), reason))
    columns += [column for column in wanted if column not in columns]
    return columns, left_out


def _reason(
    header: Header, column: int, named: Sequence[int], dropped: set[int], taken: Mapping[int, str],
    listed: Mapping[int, str],
) -> str:  # fmt: skip
    """Why a column is no variable, empty if it is one."""
    if column in taken:
        return taken[column]
    if column in dropped:
        return "not asked for"
    if column in listed and not named:
        return "holds lists"
    if header.types[column] == OTHER:
        return "holds neither text nor plain numbers"
    if named or header.names is None:
        return ""
    name = header.name(column)
    return "a saved index" if saved_index(name) else "names the rows" if id_like(name) else ""


def _is_continuous(header: Header, look: Look, column: int) -> bool:
    """Whether the first entries of a column of numbers are not all whole."""
    if header.types[column] != FLOAT:
        return False
    keys = look(column)
    if keys is None:
        # An array of doubles that are no whole numbers cannot be looked at as ids.
        return True
    return any(is_fraction(text) for text in keys.encode()[1])


def is_fraction(text: str) -> bool:
    """Whether a text is a number that is not whole (nor an infinity).

    >>> [is_fraction(text) for text in ("0.5", "2.0", "1e3", "2.50e1", "inf", "nan", "v1.5", "")]
    [True, False, False, False, True, False, False, False]
    """
    if _SAID.fullmatch(text):
        return True
    # Digits without a point are whole, however many.
    if _NUMBER.fullmatch(text) is None or text.strip(" \t+-").isdigit():
        return False
    return not float(text).is_integer()


def entry_of(text: str) -> str | None:
    """The outcome that an entry of a column of numbers stands for, where numbers are text: 1.0, 1e0, +1 and 1 between
    spaces are 1, as they would be where numbers are stored; NaN is a missing value. Digits that begin with a zero are
    a code, which is itself, as any other text is.

    >>> [entry_of(text) for text in ("1.0", "-0.0", "2e3", " +1", "-0", "007", "nan", "red")]
    ['1', '0', '2000', '1', '0', '007', None, 'red']
    """
    if not text or _NOTHING.fullmatch(text):
        return None
    digits = _DIGITS.fullmatch(text)
    if digits:
        return f"-{digits[2]}" if digits[1] == "-" and digits[2] != "0" else digits[2]
    whole = _WHOLE.fullmatch(text)
    if whole:
        return str(int(whole[1]))
    if not _POWER.fullmatch(text) or not float(text).is_integer():
        return text
    # A double would lose digits that are written out.
    return str(int(float(text)) if abs(float(text)) < _EXACT else round(Decimal(text.strip())))


def continuous_columns(path: str, names: Sequence[str]) -> InputError:
    """The error for columns of fractions without a rule."""
    shown = ", ".join(f'"{name}"' for name in names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
    verb = "hold fractions" if len(names) > 1 else "holds fractions"
    return InputError(f"{shown} {verb}: intervals are needed to count {'them' if len(names) > 1 else 'it'}", path=path,
                      hint=way_out(names))  # fmt: skip


def way_out(names: Sequence[str]) -> str:
    """What to do about columns of fractions."""
    leave = shlex.quote(",".join(f"!{name}" for name in names[:_SHOWN]))
    return f"--bins 10 cuts numbers into intervals of equal width; to leave columns out: --columns {leave}"

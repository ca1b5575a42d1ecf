"""The rows of a column as codes of its outcomes, and what is wrong with the first row that has none. Only distinct
entries are looked at one by one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from divtool.accumulators.joint import Coded
from divtool.engine.naming import first_entries
from divtool.engine.sampling import sample_of
from divtool.formats.keys import IntegerKeys, Integers, Keys, distinct_of, text_keys, whole_numbers
from divtool.formats.source import FLOAT, Selection, Source
from divtool.meaning.bins import Bins
from divtool.meaning.outcomes import entry_of, is_fraction, way_out

Marks = npt.NDArray[np.bool_]

_EXACT = 2.0**63
_SHOWN = 60
_WHOLE = re.compile(r"\s*\+?\d+\s*", re.ASCII)
_MOST_DIGITS = 19
_NUMBER_OF_CASES, _CORRECT = "expected a whole number from 0 to 2^63 - 1", "correct the cell"


@dataclass(frozen=True)
class Flaw:
    """What is wrong with a row, counted from the block's first."""

    row: int
    message: str
    hint: str


def code_keys(keys: Keys, absent: Marks | None, name: str, *, decimals: bool) -> tuple[Coded, Flaw | None]:
    """A column of text or of exact whole numbers. ``decimals``: it is text that looks like whole numbers, which a
    fraction would contradict. Empty text is a missing value."""
    codes, texts = keys.encode()
    flaw = None
    entries: list[str | None] = list(texts)
    if not isinstance(keys, IntegerKeys):
        entries = [entry_of(text) if decimals else text or None for text in texts]
    if absent is not None and absent.any():
        codes = np.where(absent, len(entries), codes)
        entries.append(None)
    odd = [at for at, text in enumerate(texts) if decimals and not isinstance(keys, IntegerKeys) and is_fraction(text)]
    if odd:
        row = int(np.argmax(np.isin(codes, odd)))
        flaw = _fraction(row, texts[int(codes[row])], name)
    return Coded(codes, entries), flaw


def code_whole(values: npt.NDArray[Any], name: str) -> tuple[Coded, Flaw | None]:
    """A column of numbers, all of which must be whole; NaN is a missing value."""
    if values.dtype.kind != "f":
        distinct, codes = distinct_of(values.astype(np.int64))
        return Coded(codes, [str(each) for each in distinct.tolist()]), None
    x = values.astype(np.float64)
    gone = np.isnan(x)
    odd = ~(gone | (np.isfinite(x) & (x == np.floor(x))))
    if odd.any():
        row = int(np.argmax(odd))
        return Coded(np.zeros(len(x), np.int64), [None]), _fraction(row, repr(values[row].item()), name)
    x = np.where(gone, x[~gone][0] if not gone.all() else 0.0, x)
    if (np.abs(x) < _EXACT).all():
        distinct, codes = distinct_of(x.astype(np.int64))
    else:
        distinct, codes = np.unique(x, return_inverse=True)
    entries: list[str | None] = [str(int(each)) for each in distinct.tolist()]
    if gone.any():
        codes = np.where(gone, len(entries), codes)
        entries.append(None)
    return Coded(codes, entries), None


def code_intervals(values: npt.NDArray[Any], bins: Bins) -> tuple[Coded, Flaw | None]:
    """A column of numbers as intervals; NaN is a missing value."""
    codes = bins.codes(values)
    outside = (codes < 0) & ~np.isnan(values.astype(np.float64))
    codes = np.where(codes < 0, len(bins.entries), codes)
    flaw = None
    if outside.any():
        row = int(np.argmax(outside))
        flaw = Flaw(row, f"{values[row].item()!r} lies in no interval", "the intervals end elsewhere: see --bins")
    return Coded(codes, [*bins.entries, None]), flaw


def first_missing(coded: Coded) -> Flaw | None:
    """The first row without a value."""
    places = [at for at, entry in enumerate(coded.entries) if entry is None]
    gone = np.isin(coded.codes, places) if places else None
    if gone is None or not gone.any():
        return None
    row = int(np.argmax(gone))
    return Flaw(row, "the value is missing", "fill it in, or see --missing")


def weights_of(keys: Keys, absent: Marks | None) -> tuple[Integers, Flaw | None]:
    """How many cases each row stands for: whole numbers from 0 to 2^63 - 1, of which no digit is lost. They may be
    written as numbers are (7.0, 7e3), in cells of text too."""
    flaw = None
    if absent is not None and absent.any():
        flaw = Flaw(int(np.argmax(absent)), f"the weight is missing; {_NUMBER_OF_CASES}", _CORRECT)
    weights = keys.values if isinstance(keys, IntegerKeys) else whole_numbers(keys)
    if weights is None:
        codes, texts = keys.encode()
        numbers, wrong = zip(*map(_number_of_cases, texts), strict=True)
        said = np.array([each is not None for each in wrong])[codes]
        weights = np.array(numbers, np.int64)[codes]
    else:
        said = weights < 0
    if absent is not None:
        said &= ~absent
    if said.any():
        row = int(np.argmax(said))
        what = _number_of_cases(keys.text(row))[1]
        if flaw is None or row < flaw.row:
            flaw = Flaw(row, f"{what}; {_NUMBER_OF_CASES}", _CORRECT)
    return weights, flaw


def stored_weights_of(values: npt.NDArray[Any]) -> tuple[Integers, Flaw | None]:
    """The same of numbers that are stored as floats."""
    x = values.astype(np.float64)
    odd = ~((x >= 0) & (x < _EXACT) & (x == np.floor(x)))
    if not odd.any():
        return values.astype(np.int64), None
    row = int(np.argmax(odd))
    what = "the weight is missing" if np.isnan(x[row]) else _number_of_cases(repr(values[row].item()))[1]
    return np.zeros(len(x), np.int64), Flaw(row, f"{what}; {_NUMBER_OF_CASES}", _CORRECT)


def _number_of_cases(text: str) -> tuple[int, str | None]:
    """The number that a text is, and what is wrong with it."""
    entry = entry_of(text)
    if entry is None:
        return 0, "the weight is missing"
    if not _WHOLE.fullmatch(entry):
        return 0, f"{_short(text)} is no number of cases"
    if len(entry.lstrip("0")) > _MOST_DIGITS or int(entry) >= 1 << 63:
        return 0, f"{_short(text)} cases are too many"
    return int(entry), None


def _fraction(row: int, text: str, name: str) -> Flaw:
    return Flaw(row, f"{_short(text)} is a fraction: intervals are needed to count them", way_out([name]))


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."


def first_outcomes(source: Source, column: int) -> Keys | None:
    """The first entries of a column, without empty cells, as :func:`divtool.meaning.outcomes.decide_outcomes` looks at
    them: of stored floats their numbers, NaN left out. None if they cannot be read."""
    if source.header.types[column] != FLOAT or source.header.lines:
        return first_entries(source, column)
    x = sample_of(source, Selection((column,), cells=True)).matrix[:, 0].astype(np.float64)
    return text_keys([repr(each) for each in x[~np.isnan(x)].tolist()])

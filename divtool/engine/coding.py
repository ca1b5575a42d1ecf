"""The rows of a column as codes of its outcomes, and what is wrong with the first row that has none. Only distinct
entries are looked at one by one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from divtool.accumulators.joint import Coded
from divtool.engine.naming import first_entries
from divtool.engine.sampling import sample_of
from divtool.formats.keys import IntegerKeys, Keys, distinct_of, text_keys
from divtool.formats.source import FLOAT, Selection, Source
from divtool.meaning.bins import Bins
from divtool.meaning.outcomes import entry_of, is_fraction, way_out

Marks = npt.NDArray[np.bool_]

_EXACT = 2.0**63
_SHOWN = 60


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


def weights_of(values: npt.NDArray[Any]) -> tuple[npt.NDArray[np.int64], Flaw | None]:
    """How many cases each row stands for."""
    x = values.astype(np.float64)
    odd = ~((x >= 0) & (x < _EXACT) & (x == np.floor(x)))
    if not odd.any():
        return values.astype(np.int64), None
    row = int(np.argmax(odd))
    what = "the weight is missing" if np.isnan(x[row]) else f"{values[row].item()!r} is no number of cases"
    return np.zeros(len(x), np.int64), Flaw(row, f"{what}; expected a whole number from 0", "correct the cell")


def _fraction(row: int, text: str, name: str) -> Flaw:
    shown = text if len(text) <= _SHOWN else text[:_SHOWN] + "..."
    return Flaw(row, f"{shown} is a fraction: intervals are needed to count them", way_out([name]))


def first_outcomes(source: Source, column: int) -> Keys | None:
    """The first entries of a column, without empty cells, as :func:`divtool.meaning.outcomes.decide_outcomes` looks at
    them: of stored floats their numbers, NaN left out. None if they cannot be read."""
    if source.header.types[column] != FLOAT or source.header.lines:
        return first_entries(source, column)
    x = sample_of(source, Selection((column,), cells=True)).matrix[:, 0].astype(np.float64)
    return text_keys([repr(each) for each in x[~np.isnan(x)].tolist()])

"""What falls into bins of confidence: counts, hits and sums, as whole numbers, so that any order gives the same bits.

A number from 0 to about 1 is taken in units of 2**-93, as three whole numbers of 31 bits, each of which is added up in
64 bits: the sum is exact for every number that has no digits below 2**-93 (all doubles from 2**-40 on, and the squares
of those from 2**-13 on); smaller digits are cut off number by number, wherever the rows are split.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from divtool.numerics.errorfree import two_product
from divtool.numerics.exactsum import Doubles

Integers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

_LIMB, _LIMBS = 31, 3
# The unit of all sums is 2**-UNIT.
UNIT = _LIMB * _LIMBS
# np.bincount adds in doubles: up to 2**21 whole numbers of 31 bits stay below 2**53; fewer at a time need less memory.
_AT_ONCE = 1 << 18


class BinSums(NamedTuple):
    """What one bin holds: rows, hits among them, and sums in units of 2**-UNIT: of the confidences, of those of the
    hits, and of the squares (both 0 where they were not asked for)."""

    rows: int
    hits: int
    confidence: int
    of_hits: int = 0
    squares: int = 0


# The rows of a table of sums: count, hits, then the limbs of each sum.
SHORT, FULL = 2 + _LIMBS, 2 + 3 * _LIMBS


def no_sums(cells: int, *, full: bool = True) -> Integers:
    """A table of sums over nothing: a column for each cell."""
    return np.zeros((FULL if full else SHORT, cells), np.int64)


def add_sums(table: Integers, places: Integers, confidence: Doubles, hit: Mask) -> None:
    """Add rows to a table of sums: ``places`` (n,) are their cells, ``hit`` (n,) says which of them came true.

    >>> table = no_sums(2)
    >>> add_sums(table, np.array([0, 1, 1]), np.array([0.25, 0.5, 1.0]), np.array([False, True, True]))
    >>> sums = bin_sums(table)
    >>> [(each.rows, each.hits, each.confidence / 2**UNIT, each.squares / 2**UNIT) for each in sums]
    [(1, 0, 0.25, 0.0625), (2, 2, 1.5, 1.25)]
    """
    for start in range(0, places.size, _AT_ONCE):
        piece = slice(start, start + _AT_ONCE)
        _add_piece(table, places[piece], confidence[piece], hit[piece])


def _add_piece(table: Integers, places: Integers, confidence: Doubles, hit: Mask) -> None:
    cells = table.shape[1]
    found = places[hit]
    table[0] += np.bincount(places, minlength=cells)
    table[1] += np.bincount(found, minlength=cells)
    _add_values(table[2:SHORT], places, confidence)
    if len(table) == FULL:
        _add_values(table[SHORT : SHORT + _LIMBS], found, confidence[hit])
        for part in two_product(confidence, confidence):
            _add_values(table[SHORT + _LIMBS :], places, part)


def _add_values(limbs: Integers, places: Integers, values: Doubles) -> None:
    rest = values
    for limb in limbs:
        scaled = rest * 2.0**_LIMB
        whole = np.trunc(scaled)
        limb += np.bincount(places, whole, minlength=limbs.shape[1]).astype(np.int64)
        rest = scaled - whole


def bin_sums(table: Integers) -> tuple[BinSums, ...]:
    """The sums of each cell of a table."""
    counts = table[:2].T.tolist()
    sums = [_whole(table[start : start + _LIMBS]) for start in range(2, len(table), _LIMBS)]
    return tuple(BinSums(*two, *own) for two, own in zip(counts, zip(*sums, strict=True), strict=True))


def in_all(bins: Iterable[BinSums]) -> BinSums:
    """The sums over several bins.

    >>> in_all([BinSums(2, 1, 5), BinSums(1, 0, 7)])
    BinSums(rows=3, hits=1, confidence=12, of_hits=0, squares=0)
    """
    return BinSums(*map(sum, zip(*bins, strict=True)))


def _whole(limbs: Integers) -> list[int]:
    first, second, third = (limb.tolist() for limb in limbs)
    return [(((a << _LIMB) + b) << _LIMB) + c for a, b, c in zip(first, second, third, strict=True)]

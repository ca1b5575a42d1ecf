"""The mutual information that chance alone gives two labelings: its expectation over all tables with the same margins.

With row sums a, column sums b and N cases, each cell is hypergeometric (Vinh, Epps and Bailey, 2010, Information
theoretic measures for clusterings comparison, JMLR 11), and

    E[MI] = sum_ij (a b / N^2) E[phi(n N / (a b) - 1)],     phi(d) = (1 + d) log(1 + d) - d >= 0,

in which the logarithms of the margins have cancelled cell by cell: all terms are positive, and the relative error
stays small where E[MI] is (MI itself has the same form). Equal pairs of margins are computed once; of wide
distributions only every h-th count is taken, see :func:`_stride`, so the cost does not grow with N.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from divtool.errors import ResourceError
from divtool.numerics.errorfree import Doubles, two_product
from divtool.numerics.exactsum import exact_sum
from divtool.numerics.gammas import stirling_error
from divtool.numerics.logdefect import entropy_defect
from divtool.numerics.loggamma import log_factorial

Integers = npt.NDArray[Any]

# Whole numbers stay exact as doubles.
_MOST_CASES = 1 << 53
# What is less likely than e^-_DEPTH of the whole is left out.
_DEPTH = 42.0
# Counts at once, and in all: some 100 ns and 400 bytes each.
_BLOCK = 1 << 17
_MOST_COUNTS = 1 << 30
_MOST_PAIRS = 1 << 22


def fixed_by_margins(row_sums: Integers, column_sums: Integers) -> bool:
    """Whether every table with these margins has the same mutual information, hence MI = E[MI] exactly.

    That is so if one variable has a single outcome, if all outcomes of one variable occur once, or if one variable has
    two outcomes of which one occurs once while all outcomes of the other occur equally often; and only then. For n log
    n is strictly convex: moving counts around a 2 x 2 part of a table changes the sum along a strictly convex curve,
    which takes a value at most twice. Where two rows and two columns have 2 cases or more, some part allows three
    steps; else one variable has a single outcome that occurs more than once, and its cells tell the rest.

    >>> fixed_by_margins(np.array([2, 2]), np.array([3, 1])), fixed_by_margins(np.array([2, 2]), np.array([2, 2]))
    (True, False)
    """
    rows, columns = row_sums[row_sums > 0], column_sums[column_sums > 0]
    return _fixed(rows, columns) or _fixed(columns, rows)


def _fixed(one: Integers, other: Integers) -> bool:
    if one.size <= 1 or bool((one == 1).all()):
        return True
    return one.size == 2 and bool((one == 1).any()) and bool((other == other[0]).all())


def excess_information(information: float, row_sums: Integers, column_sums: Integers, total: int) -> float:
    """MI - E[MI] in nats, for the mutual information of a table with these margins (whole numbers above 0).

    Exactly 0 where the margins leave MI no choice (:func:`fixed_by_margins`); elsewhere within 64 u (MI + E[MI]), if
    ``information`` is right to 32 u.

    >>> excess_information(0.2157615543388357, np.array([2, 2]), np.array([3, 1]), 4)
    0.0
    """
    if fixed_by_margins(np.asarray(row_sums), np.asarray(column_sums)):
        return 0.0
    return information - expected_information(row_sums, column_sums, total)


def expected_information(row_sums: Integers, column_sums: Integers, total: int) -> float:
    """E[MI] in nats over the tables with these margins (whole numbers above 0), each as likely as its permutations.

    Within 32 u for every number of cases up to 2^53; beyond, and for too many distinct pairs of margins, a
    :class:`ResourceError`. Time is some 100 ns for each count looked at: at most about 170 for each distinct pair of
    a row sum and a column sum.

    >>> round(expected_information(np.array([2, 2]), np.array([3, 1]), 4), 15)
    0.215761554338836
    """
    if total > _MOST_CASES:
        raise ResourceError(
            f"{total} cases are more than the chance of two labelings can be computed for - at most {_MOST_CASES}",
            hint="leave out the adjusted mutual information, or divide all counts by a common factor",
        )
    pairs = _pairs(np.asarray(row_sums), np.asarray(column_sums), float(total))
    windows = _windows(pairs)
    looked_at = int(windows.points.sum())
    if looked_at > _MOST_COUNTS:
        raise ResourceError(
            f"the chance of these labelings takes {looked_at} counts - at most {_MOST_COUNTS}: "
            f"{pairs.a.size} distinct pairs of margins",
            hint="leave out the adjusted mutual information, or take columns with fewer outcomes",
        )
    ends = np.cumsum(windows.points)
    cuts = np.searchsorted(ends, np.arange(_BLOCK, looked_at + _BLOCK, _BLOCK), "left") + 1
    bounds = np.unique(np.minimum(np.concatenate([[0], cuts]), ends.size)).tolist()
    parts = [_expected(pairs[low:high], windows[low:high]) for low, high in pairwise(bounds)]
    return exact_sum(np.concatenate(parts))


@dataclass(frozen=True)
class _Pairs:
    """Distinct pairs of a row sum and a column sum, how many cells have them, and the number of cases."""

    a: Doubles
    b: Doubles
    cells: Doubles
    total: float

    def __getitem__(self, part: slice) -> _Pairs:
        return _Pairs(self.a[part], self.b[part], self.cells[part], self.total)


@dataclass(frozen=True)
class _Windows:
    """For each pair the least count looked at, the step to the next, and how many are."""

    least: Doubles
    stride: Doubles
    points: npt.NDArray[np.int64]

    def __getitem__(self, part: slice) -> _Windows:
        return _Windows(self.least[part], self.stride[part], self.points[part])


def _pairs(row_sums: Integers, column_sums: Integers, total: float) -> _Pairs:
    a, rows = np.unique(row_sums, return_counts=True)
    b, columns = np.unique(column_sums, return_counts=True)
    if a.size * b.size > _MOST_PAIRS:
        raise ResourceError(
            f"the chance of two labelings with {a.size} and {b.size} distinct sums - too many pairs of them",
            hint="leave out the adjusted mutual information, or take columns with fewer outcomes",
        )
    first, second = (each.reshape(-1) for each in np.meshgrid(a.astype(np.float64), b.astype(np.float64)))
    # the smaller sum first, so that exchanging rows and columns changes no bit
    return _Pairs(
        np.minimum(first, second),
        np.maximum(first, second),
        np.outer(columns, rows).reshape(-1).astype(np.float64),
        total,
    )


def _windows(pairs: _Pairs) -> _Windows:
    """Which counts can matter: by Bernstein's inequality, with the lesser variance of the binomials that bound it."""
    a, b, n = pairs.a, pairs.b, pairs.total
    least, most = np.maximum(a - (n - b), 0.0), a
    mean = a * (b / n)
    exact = mean * ((n - a) / n) * ((n - b) / n)
    bound = exact * np.minimum(n / np.maximum(a, n - a), n / np.maximum(b, n - b))
    half = np.ceil(_DEPTH / 3.0 + np.sqrt((_DEPTH / 3.0) ** 2 + 2.0 * _DEPTH * bound))
    low = np.maximum(np.floor(mean) - half, least)
    high = np.minimum(np.ceil(mean) + half, most)
    stride = _stride(exact)
    return _Windows(low, stride, (np.floor((high - low) / stride) + 1.0).astype(np.int64))


def _stride(variance: Doubles) -> Doubles:
    """The widest step h at which a sum over every h-th count is the sum over all, divided by h.

    A hypergeometric variable is a sum of independent Bernoullis, so its characteristic function is at most
    exp(-2 var sin^2(t/2)) in size; by Poisson's summation what the step does is that function at multiples of 2 pi/h.
    """
    needed = (_DEPTH + 4.0) / 2.0
    sine = np.sqrt(np.minimum(needed / np.maximum(variance, needed), 1.0))
    return np.where(variance > needed, np.floor(np.pi / np.arcsin(sine)), 1.0)


def _expected(pairs: _Pairs, windows: _Windows) -> Doubles:
    """For each pair its cells' part of E[MI]."""
    starts = np.cumsum(windows.points) - windows.points
    which = np.repeat(np.arange(windows.points.size), windows.points)
    places = np.arange(which.size) - starts[which]
    m = windows.least[which] + windows.stride[which] * places
    a, b, n = pairs.a[which], pairs.b[which], pairs.total
    likelihood, gain = _cells(m, a, b, n)
    mass = np.add.reduceat(likelihood, starts)
    return np.asarray(
        pairs.cells * ((pairs.a / n) * (pairs.b / n) * (np.add.reduceat(likelihood * gain, starts) / mass))
    )


def _cells(m: Doubles, a: Doubles, b: Doubles, n: float) -> tuple[Doubles, Doubles]:
    """How likely m cases in a cell are, up to a factor of the pair, and phi(m N/(a b) - 1).

    n!/(n^n e^-n) of the four cells of the 2 x 2 table, times exp(-N MI of that table): all small and of one sign.
    """
    excess = _difference(m, n, a, b)
    quarters = ((m, a, b), (a - m, a, n - b), (b - m, n - a, b), ((n - a - b) + m, n - a, n - b))
    distance, front, gain = np.zeros_like(m), np.ones_like(m), np.zeros_like(m)
    with np.errstate(divide="ignore", invalid="ignore", under="ignore"):
        for place, (count, row, column) in enumerate(quarters):
            expected = row * column
            d = np.where(count == 0.0, -1.0, (excess if place in (0, 3) else -excess) / expected)
            defect = np.where(expected == 0.0, 0.0, entropy_defect(d))
            distance += (expected / n) * defect
            front *= _over_stirling(count)
            gain = defect if place == 0 else gain
        return np.exp(-distance) / front, gain


def _difference(m: Doubles, n: float, a: Doubles, b: Doubles) -> Doubles:
    """m N - a b of whole numbers, rounded about once."""
    if n < 2.0**26:
        return m * n - a * b
    first, first_error = two_product(m, np.asarray(n))
    second, second_error = two_product(a, b)
    return np.asarray((first - second) + (first_error - second_error))


_SMALL = np.arange(16.0)
_OVER_STIRLING = np.array([1.0, *np.exp(log_factorial(_SMALL[1:]) - _SMALL[1:] * (np.log(_SMALL[1:]) - 1.0))])


def _over_stirling(count: Doubles) -> Doubles:
    """n!/(n^n e^-n): 1 for 0, about sqrt(2 pi n)."""
    far = np.maximum(count, 16.0)
    return np.where(
        count < 16.0,
        _OVER_STIRLING[np.minimum(count, 15.0).astype(np.int64)],
        np.sqrt((2.0 * math.pi) * far) * np.exp(stirling_error(far)),
    )

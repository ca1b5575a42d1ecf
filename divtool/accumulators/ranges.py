"""What intervals of a column of numbers are made of: its range, its skewness, and its values in order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from divtool.accumulators.quantiles import RELATIVE_BOUND, bin_middles, bin_names, blend
from divtool.numerics.exactsum import Doubles, ExactCubeSum, ExactProductSum, ExactSum, rounded_root


@dataclass(frozen=True)
class RangeFigures:
    """``n`` numbers from ``least`` to ``greatest`` (NaN where there are none). ``skewness`` is the third standardised
    moment, m3 / m2^(3/2), 0 where all numbers are the same; ``values`` are the distinct numbers in rising order and
    ``ends`` the running number of rows. Both are None where they were not asked for; ``bound`` is the relative error
    of the values, 0 when they are exact. ``different`` counts distinct numbers, None where there are more than were to
    be told apart; ``whole``: all are whole numbers."""

    n: int
    least: float
    greatest: float
    skewness: float | None = None
    values: Doubles | None = None
    ends: npt.NDArray[np.int64] | None = None
    bound: float = 0.0
    different: int | None = None
    whole: bool = True

    def quantile(self, part: int, of: int) -> float:
        """The quantile at part / of, by linear interpolation; the place is worked out in whole numbers.

        >>> state = Ranges(ordered=10)
        >>> state.update(np.array([1.0, 2.0, 4.0]))
        >>> state.present().quantile(3, 4)
        3.0
        """
        if self.values is None or self.ends is None:
            raise ValueError("the order of the values was not asked for")
        if part in (0, of):
            return self.least if part == 0 else self.greatest
        low, rest = divmod(part * (self.n - 1), of)
        first, second = np.searchsorted(self.ends, [low, min(low + 1, self.n - 1)], side="right")
        found = blend(float(self.values[first]), float(self.values[second]), rest / of)
        # The middle of a bin may lie outside what is in it.
        return min(max(found, self.least), self.greatest)


class Ranges:
    """The range of finite numbers; if asked for, the exact sums that skewness is made of, and the distinct values with
    their numbers: up to ``ordered`` of them as they are, more in the bins of
    :mod:`divtool.accumulators.quantiles`. Which of the two depends on the whole run alone.

    >>> state = Ranges(skewness=True)
    >>> state.update(np.array([0.0, 0.0, 3.0]))
    >>> state.present().greatest, round(state.present().skewness, 6)
    (3.0, 0.707107)
    """

    def __init__(self, *, skewness: bool = False, ordered: int | None = None, different: int = 0) -> None:
        self.n, self.most_different, self.whole = 0, different, True
        self.different: set[float] | None = set() if different else None
        self.least, self.greatest = np.inf, -np.inf
        self.sums = (ExactSum(), ExactProductSum(), ExactCubeSum()) if skewness else None
        self.order = None if ordered is None else Ordered(ordered)

    def update(self, values: Doubles) -> None:
        """Take finite numbers."""
        if not values.size:
            return
        # -0.0 is 0.0 here: which of the two is the least must not depend on the order of the rows.
        values = values + 0.0
        self.n += values.size
        self.least, self.greatest = min(self.least, float(values.min())), max(self.greatest, float(values.max()))
        if self.different is not None:
            self.whole = self.whole and bool((values == np.round(values)).all())
            self._tell_apart(np.unique(values).tolist())
        if self.sums is not None:
            self.sums[0].update(values)
            self.sums[1].update_products(values, values)
            self.sums[2].update(values)
        if self.order is not None:
            distinct, counts = np.unique(values, return_counts=True)
            self.order.take(distinct, counts)

    def _tell_apart(self, values: Iterable[float] | None) -> None:
        """Take distinct numbers, None for too many of them."""
        if self.different is None or values is None:
            self.different = None
            return
        self.different.update(values)
        if len(self.different) > self.most_different:
            self.different = None

    def merge(self, other: Ranges) -> None:
        """Take what another part has kept."""
        self.n += other.n
        self.whole = self.whole and other.whole
        self._tell_apart(other.different)
        self.least, self.greatest = min(self.least, other.least), max(self.greatest, other.greatest)
        if self.sums is not None and other.sums is not None:
            for mine, theirs in zip(self.sums, other.sums, strict=True):
                mine.merge(theirs)
        if self.order is not None and other.order is not None:
            self.order.join(other.order)

    def present(self) -> RangeFigures:
        """The figures."""
        least, greatest = (self.least, self.greatest) if self.n else (np.nan, np.nan)
        skewness = None if self.sums is None else skewness_of(self.n, *(each.present() for each in self.sums))
        values, ends, bound = (None, None, 0.0) if self.order is None else self.order.present_values()
        different = None if self.different is None else len(self.different)
        return RangeFigures(self.n, least, greatest, skewness, values, ends, bound, different, self.whole)


class Ordered:
    """Distinct values with the number of their rows."""

    def __init__(self, most: int) -> None:
        self.most, self.exact = most, True
        self.values: Doubles = np.empty(0)
        self.counts = np.empty(0, np.int64)

    def take(self, values: Doubles, counts: npt.NDArray[np.int64]) -> None:
        """Take values that are what is kept here: exact ones, or middles of bins."""
        if not self.exact:
            values = bin_middles(bin_names(values))
        self._set([self.values, values], [self.counts, counts])
        if self.exact and len(self.values) > self.most:
            self._round()

    def _set(self, values: Iterable[Doubles], counts: Iterable[npt.NDArray[np.int64]]) -> None:
        self.values, inverse = np.unique(np.concatenate([*values]), return_inverse=True)
        found = np.zeros(len(self.values), np.int64)
        np.add.at(found, inverse, np.concatenate([*counts]))
        self.counts = found

    def _round(self) -> None:
        self.exact = False
        self._set([bin_middles(bin_names(self.values))], [self.counts])

    def join(self, other: Ordered) -> None:
        """Take what another part has kept."""
        if self.exact and not other.exact:
            self._round()
        if other.exact:
            self.take(other.values, other.counts)
        else:
            self._set([self.values, other.values], [self.counts, other.counts])

    def present_values(self) -> tuple[Doubles, npt.NDArray[np.int64], float]:
        """The values in rising order, the running number of rows, and the relative error of the values."""
        return self.values, np.cumsum(self.counts), 0.0 if self.exact else RELATIVE_BOUND


def skewness_of(n: int, first: Fraction, second: Fraction, third: Fraction) -> float:
    """m3 / m2^(3/2) from the exact sums of numbers, of their squares and of their cubes; 0 where m2 is 0."""
    if not n:
        return 0.0
    mean = first / n
    m2 = second / n - mean**2
    m3 = third / n - 3 * mean * second / n + 2 * mean**3
    if m2 == 0:
        return 0.0
    size = rounded_root(m3 * m3 / m2**3)
    return size if m3 > 0 else -size

"""Quantiles: exact within a budget of rows, beyond it from a histogram on the bits of the doubles.

The decision depends on the number of rows in the whole run alone, and the histogram of many values is the sum of the
histograms of its parts, so the answer is the same for every split and every order.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from divtool.accumulators.scores import Scores
from divtool.numerics.exactsum import Doubles

if TYPE_CHECKING:
    from divtool.accumulators.shapes import ShapeFigures

BUDGET = 1 << 21
POINTS = (0.5, 0.9, 0.95, 0.99, 0.999)

# A bin is named by the first 23 bits of a double (sign, exponent, 11 bits of mantissa): its middle is within a
# relative 2**-12 of everything in it, and all bins that can be are 2**23.
_SHIFT = np.int64(41)
RELATIVE_BOUND = 2.0**-12
_AT_ONCE = 1 << 16
_PAGE_BITS = 12
_PAGE = 1 << _PAGE_BITS


@dataclass(frozen=True)
class QuantileFigures:
    """Quantiles by linear interpolation, infinities as values. ``bound`` is their relative error, 0 when exact."""

    points: dict[float, float]
    bound: float


class Quantiles:
    """The values themselves up to ``budget`` rows (8 bytes each), then counts of bins.

    >>> state = Quantiles()
    >>> state.update(Scores(np.arange(4), np.array([4.0, 1.0, 3.0, 2.0])))
    >>> state.present().points[0.5]
    2.5
    """

    def __init__(self, budget: int = BUDGET) -> None:
        self.budget = budget
        self.n = 0
        self.values: list[Doubles] = []
        self.bins: Bins | None = None

    def update(self, scores: Scores) -> None:
        """Take more rows; computed NaNs have no place in an order and are left out (they are counted elsewhere)."""
        values = scores.values
        if np.isnan(values).any():
            values = values[~np.isnan(values)]
        self.n += values.size
        if self.bins is None:
            self.values.append(values)
            self._settle()
        else:
            self.bins.count(values)

    def merge(self, other: Quantiles) -> None:
        """Take what another part has kept."""
        self.n += other.n
        if self.bins is None and other.bins is None:
            self.values.extend(other.values)
            self._settle()
            return
        bins = self._to_bins()
        if other.bins is not None:
            bins.merge(other.bins)
        else:
            bins.count_all(other.values)

    def _settle(self) -> None:
        if self.n > self.budget:
            self._to_bins()

    def _to_bins(self) -> Bins:
        if self.bins is None:
            self.bins = Bins()
            self.bins.count_all(self.values)
            self.values = []
        return self.bins

    def present(self) -> QuantileFigures:
        """The quantiles at ``POINTS``; NaN where there is no row."""
        if self.n == 0:
            return QuantileFigures(dict.fromkeys(POINTS, float("nan")), 0.0)
        if self.bins is None:
            ordered = self._ordered()
            return QuantileFigures({point: _between(ordered, point) for point in POINTS}, 0.0)
        middles, ends = self.bins.present()
        return QuantileFigures({point: within(middles, ends, point) for point in POINTS}, RELATIVE_BOUND)

    def _ordered(self) -> Doubles:
        # -0.0 is 0.0 here: which of the two a tie would show must not depend on the order of the rows.
        return np.sort(np.concatenate([np.empty(0), *self.values])) + 0.0

    def shape(self, shown: Callable[[Doubles], Doubles] | None = None) -> ShapeFigures:
        """How the values are spread, for charts; binned ones stand where their bin begins, for these are the rounder
        numbers, and are within twice the bound of the quantiles.

        ``shown``, a function that never falls, puts them into the unit in which edges are to be round.
        """
        from divtool.accumulators.shapes import shape_of

        if self.bins is None:
            values = self._ordered()
            ends = np.arange(1, values.size + 1)
        else:
            middles, ends = self.bins.present()
            values = bin_starts(middles)
        return shape_of(values if shown is None else shown(values), ends)


class Bins:
    """How many values fell into each bin, in pages of neighbouring bins: those that hold 0, ordinary numbers and the
    infinities lie millions of bins apart."""

    def __init__(self) -> None:
        self.pages: dict[int, npt.NDArray[np.int64]] = {}

    @classmethod
    def of(cls, names: npt.NDArray[np.int64], counts: npt.NDArray[np.int64]) -> Bins:
        """Bins with these counts."""
        bins = cls()
        for page in np.unique(names >> _PAGE_BITS).tolist():
            own = names >> _PAGE_BITS == page
            bins.pages[page] = np.zeros(_PAGE, np.int64)
            np.add.at(bins.pages[page], names[own] & (_PAGE - 1), counts[own])
        return bins

    def count(self, values: Doubles) -> None:
        """Take values, none of them NaN."""
        names = bin_names(values)
        pages = names >> _PAGE_BITS
        for page in np.unique(pages).tolist():
            self._add(page, np.bincount(names[pages == page] & (_PAGE - 1), minlength=_PAGE))

    def count_all(self, pieces: list[Doubles]) -> None:
        """Take many pieces, so many at a time that counting neither crawls nor copies much."""
        waiting: list[Doubles] = []
        for piece in pieces:
            waiting.append(piece)
            if sum(each.size for each in waiting) >= _AT_ONCE:
                self.count(np.concatenate(waiting))
                waiting = []
        self.count(np.concatenate([np.empty(0), *waiting]))

    def merge(self, other: Bins) -> None:
        """Take what another part has counted."""
        for page, counts in other.pages.items():
            self._add(page, counts)

    def _add(self, page: int, counts: npt.NDArray[np.int64]) -> None:
        self.pages[page] = self.pages[page] + counts if page in self.pages else counts

    def filled(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """The bins that hold something, in rising order, and how many values each holds."""
        nothing = np.zeros(0, np.int64)
        places = [(page << _PAGE_BITS) + np.flatnonzero(self.pages[page]) for page in sorted(self.pages)]
        counts = [own[own != 0] for own in (self.pages[page] for page in sorted(self.pages))]
        return np.concatenate([nothing, *places]), np.concatenate([nothing, *counts])

    def present(self) -> tuple[Doubles, npt.NDArray[np.int64]]:
        """The middles of the bins that hold something, in rising order, and the running number of values."""
        names, counts = self.filled()
        return bin_middles(names), np.cumsum(counts)


def bin_names(values: Doubles) -> npt.NDArray[np.int64]:
    """The bin of each value: integers in the order of the doubles, mirrored at 0."""
    bits = np.abs(values).view(np.int64) >> _SHIFT
    return np.where(values < 0.0, -bits, bits)


def bin_middles(names: npt.NDArray[np.int64]) -> Doubles:
    """The double in the middle of each bin; the bins that hold 0 and the infinities stand for just those."""
    bits = (np.abs(names) << _SHIFT) + (np.int64(1) << (_SHIFT - np.int64(1)))
    middles = bits.view(np.float64)
    middles = np.where(np.isnan(middles), np.inf, middles)
    return np.where(names == 0, 0.0, np.copysign(middles, names))


def bin_starts(middles: Doubles) -> Doubles:
    """Where the bins with these middles begin, on their side that is nearer to 0."""
    starts = np.abs(middles).view(np.int64) & ~((np.int64(1) << _SHIFT) - np.int64(1))
    return np.asarray(np.copysign(starts.view(np.float64), middles))


def blend(low: float, high: float, part: float) -> float:
    """The number at this part of the way from one to another."""
    if part == 0.0 or low == high:
        return low
    if math.isinf(high - low):
        # Towards an infinity there is nothing but that infinity; two huge numbers are weighed one by one.
        return low + high if math.isinf(low) or math.isinf(high) else low * (1.0 - part) + high * part
    return low + part * (high - low)


def _between(ordered: Doubles, point: float) -> float:
    place = point * (ordered.size - 1)
    low = int(place)
    high = min(low + 1, ordered.size - 1)
    return blend(float(ordered[low]), float(ordered[high]), place - low)


def within(middles: Doubles, ends: npt.NDArray[np.int64], point: float) -> float:
    """The quantile at ``point`` of values in rising order, with the running numbers of how often they occur.

    >>> within(np.array([1.0, 2.0]), np.array([1, 3]), 0.25)
    1.5
    """
    place = point * (int(ends[-1]) - 1)
    low = int(place)
    high = min(low + 1, int(ends[-1]) - 1)
    first, second = np.searchsorted(ends, [low, high], side="right")
    return blend(float(middles[first]), float(middles[second]), place - low)

"""Quantiles: exact within a budget of rows, beyond it from a histogram on the bits of the doubles.

The decision depends on the number of rows in the whole run alone, and the histogram of many values is the sum of the
histograms of its parts, so the answer is the same for every split and every order.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from divtool.accumulators.scores import Scores
from divtool.numerics.exactsum import Doubles

BUDGET = 1 << 21
POINTS = (0.5, 0.9, 0.95, 0.99, 0.999)

# A bin is named by the first 23 bits of a double (sign, exponent, 11 bits of mantissa): its middle is within a
# relative 2**-12 of everything in it, and all bins that can be are 2**23.
_SHIFT = np.int64(41)
RELATIVE_BOUND = 2.0**-12
_AT_ONCE = 1 << 16


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
            # -0.0 is 0.0 here: which of the two a tie would show must not depend on the order of the rows.
            ordered = np.sort(np.concatenate(self.values)) + 0.0
            return QuantileFigures({point: _between(ordered, point) for point in POINTS}, 0.0)
        middles, ends = self.bins.present()
        return QuantileFigures({point: _within(middles, ends, point) for point in POINTS}, RELATIVE_BOUND)


class Bins:
    """How many values fell into each bin, over the stretch of bins that occur."""

    def __init__(self) -> None:
        self.low = 0
        self.counts = np.zeros(0, np.int64)

    def count(self, values: Doubles) -> None:
        """Take values, none of them NaN."""
        if values.size:
            names = bin_names(values)
            low = int(names.min())
            self._add(low, np.bincount(names - low))

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
        if other.counts.size:
            self._add(other.low, other.counts)

    def _add(self, low: int, counts: npt.NDArray[np.int64]) -> None:
        first = low if not self.counts.size else min(low, self.low)
        stop = max(low + counts.size, self.low + self.counts.size if self.counts.size else low)
        if first != self.low or stop != self.low + self.counts.size:
            grown = np.zeros(stop - first, np.int64)
            grown[self.low - first : self.low - first + self.counts.size] = self.counts
            self.low, self.counts = first, grown
        self.counts[low - first : low - first + counts.size] += counts

    def present(self) -> tuple[Doubles, npt.NDArray[np.int64]]:
        """The middles of the bins that hold something, in rising order, and the running number of values."""
        filled = np.flatnonzero(self.counts)
        return bin_middles(filled + self.low), np.cumsum(self.counts[filled])


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


def _within(middles: Doubles, ends: npt.NDArray[np.int64], point: float) -> float:
    place = point * (int(ends[-1]) - 1)
    low = int(place)
    high = min(low + 1, int(ends[-1]) - 1)
    first, second = np.searchsorted(ends, [low, high], side="right")
    return blend(float(middles[first]), float(middles[second]), place - low)

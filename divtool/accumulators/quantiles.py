"""Quantiles: exact within a budget of rows, beyond it from a histogram on the bits of the doubles.

The decision depends on the number of rows in the whole run alone, and the histogram of many values is the sum of the
histograms of its parts, so the answer is the same for every split and every order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from divtool.accumulators.scores import Scores
from divtool.numerics.exactsum import Doubles

BUDGET = 1 << 21
POINTS = (0.5, 0.9, 0.95, 0.99, 0.999)

# A bin is named by the first 24 bits of a double (sign, exponent, 12 bits of mantissa): its middle is within a
# relative 2**-13 of everything in it.
_SHIFT = np.int64(40)
RELATIVE_BOUND = 2.0**-13
_SIGN = np.int64(-(2**63))


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
        self.bins: dict[int, int] | None = None

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
            _count(self.bins, values)

    def merge(self, other: Quantiles) -> None:
        """Take what another part has kept."""
        self.n += other.n
        if other.bins is not None:
            self._to_bins()
            assert self.bins is not None
            for name, count in other.bins.items():
                self.bins[name] = self.bins.get(name, 0) + count
        elif self.bins is not None:
            for values in other.values:
                _count(self.bins, values)
        else:
            self.values.extend(other.values)
            self._settle()

    def _settle(self) -> None:
        if self.n > self.budget:
            self._to_bins()

    def _to_bins(self) -> None:
        if self.bins is None:
            self.bins = {}
            for values in self.values:
                _count(self.bins, values)
            self.values = []

    def present(self) -> QuantileFigures:
        """The quantiles at ``POINTS``; NaN where there is no row."""
        if self.n == 0:
            return QuantileFigures(dict.fromkeys(POINTS, float("nan")), 0.0)
        if self.bins is None:
            ordered = np.sort(np.concatenate(self.values))
            return QuantileFigures({point: _between(ordered, point) for point in POINTS}, 0.0)
        names = np.array(sorted(self.bins), dtype=np.int64)
        ends = np.cumsum(np.array([self.bins[name] for name in names.tolist()], dtype=np.int64))
        middles = _middles(names)
        return QuantileFigures({point: _within(middles, ends, point) for point in POINTS}, RELATIVE_BOUND)


def _ordered_bits(values: Doubles) -> npt.NDArray[np.int64]:
    """Integers in the order of the doubles (-0.0 with 0.0)."""
    bits = (values + 0.0).view(np.int64)
    return np.where(bits < 0, _SIGN - bits, bits)


def _count(bins: dict[int, int], values: Doubles) -> None:
    names, counts = np.unique(_ordered_bits(values) >> _SHIFT, return_counts=True)
    for name, count in zip(names.tolist(), counts.tolist(), strict=True):
        bins[name] = bins.get(name, 0) + count


def _middles(names: npt.NDArray[np.int64]) -> Doubles:
    """The double in the middle of each bin; the bins that hold 0 and the infinities stand for just those."""
    bits = (names << _SHIFT) + (np.int64(1) << (_SHIFT - np.int64(1)))
    middles = np.where(bits < 0, _SIGN - bits, bits).view(np.float64)
    middles = np.where(np.isnan(middles), np.copysign(np.inf, names), middles)
    return np.where(names == 0, 0.0, middles)


def _blend(low: float, high: float, part: float) -> float:
    return low if part == 0.0 or low == high else low + part * (high - low)


def _between(ordered: Doubles, point: float) -> float:
    place = point * (ordered.size - 1)
    low = int(place)
    high = min(low + 1, ordered.size - 1)
    return _blend(float(ordered[low]), float(ordered[high]), place - low)


def _within(middles: Doubles, ends: npt.NDArray[np.int64], point: float) -> float:
    place = point * (int(ends[-1]) - 1)
    low = int(place)
    high = min(low + 1, int(ends[-1]) - 1)
    first, second = np.searchsorted(ends, [low, high], side="right")
    return _blend(float(middles[first]), float(middles[second]), place - low)

"""What paired columns come to: differences of their means, and whether these are more than chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from divtool.accumulators.pair_sums import PairSum, PairSums, RatioSums
from divtool.numerics.exactsum import Doubles
from divtool.numerics.gram import Digits, Wholes, add_digit_sums, carried, doubles_of, products_of_digits

Integers = npt.NDArray[np.int64]

# Clusters are summed up so many at a time.
_GROUPS = 1 << 16
# A difference is drawn again from so many units at the most: beyond, neighbours are taken together.
MOST_UNITS = 1 << 14


@dataclass(frozen=True)
class PairedDifference:
    """What the mean of one column is above that of another, over the ``n`` rows where both are finite (``left_out``:
    the others). ``low`` and ``high`` bound it by Student's t with ``units`` - 1 degrees of freedom; ``above``,
    ``below`` and ``equal`` count the units, rows or clusters of them, where the first is higher, lower, the same.
    ``value`` is NaN where nothing has a share; the error and the bounds are None below two units."""

    value: float
    std_error: float | None
    low: float | None
    high: float | None
    n: int
    units: int
    above: int
    below: int
    equal: int
    left_out: int


@dataclass(frozen=True)
class Drawn:
    """What random draws say of a difference: the bounds of a bootstrap, and the p-value of random exchanges."""

    boot_low: float
    boot_high: float
    p_permutation: float


class Kept(NamedTuple):
    """Rows that are kept: their numbers (n,), values (n, k), shares (n,), and the codes (n,) of their clusters."""

    rows: Integers
    values: Doubles
    shares: Doubles
    codes: Integers | None


@dataclass(frozen=True)
class PairedFigures:
    """What :class:`Paired` has found of ``columns`` columns over ``n`` rows. Columns are named by their places."""

    columns: int
    n: int
    clustered: bool
    sums: PairSums = field(repr=False)
    kept: Kept | None = field(repr=False)

    def __repr__(self) -> str:
        pairs = [self._pair(i, j) for i in range(self.columns) for j in range(i)]
        told = [(str(each.mean), each.difference.std_error, each.above, each.below, each.equal) for each in pairs]
        return f"PairedFigures({self.n} rows, {[self.std_error(i) for i in range(self.columns)]}, {told})"

    def difference(self, i: int, j: int, level: float) -> PairedDifference:
        """The mean of column i less that of column j, over the rows where both are finite:
        R = sum (v_i - v_j) / sum s.

        Its standard error is that of a ratio, sqrt(n/(n-1) sum (d - R s)^2) / sum s, over rows, or over the sums of
        clusters (Cochran, Sampling Techniques, 3rd edition, sections 6.3 and 9A.2); all sums are exact. The bounds hold
        at the ``level``, between 0 and 1.
        """
        from divtool.numerics.student import t_quantile

        pair = self._pair(i, j)
        value, error, units = pair.mean, pair.difference.std_error, pair.difference.n
        reach = None if error is None else t_quantile((1.0 + level) / 2.0, units - 1) * error
        n = self._rows(i, j) if self.clustered else units
        return PairedDifference(
            value=value, std_error=error, low=None if reach is None else value - reach,
            high=None if reach is None else value + reach, n=n, units=units, above=pair.above, below=pair.below,
            equal=pair.equal, left_out=self.n - n,
        )  # fmt: skip

    def _pair(self, i: int, j: int) -> PairSum:
        return self._grouped(i, j) if self.clustered else self.sums.pair(i, j)

    def std_error(self, i: int) -> float | None:
        """The standard error of a column's mean, over clusters where there are any; None below two units or where a row
        is not finite."""
        sums = self._grouped(i, None).difference if self.clustered else self.sums.single(i)
        rows = self._rows(i, i) if self.clustered else sums.n
        return sums.std_error if rows == self.n else None

    def _rows(self, i: int, j: int) -> int:
        return 0 if self.kept is None else int(np.isfinite(self.kept.values[:, [i, j]]).all(axis=1).sum())

    def _grouped(self, i: int, j: int | None) -> PairSum:
        """The sums of a difference, or of a column, over the sums of clusters. Clusters without a row are no units."""
        empty = PairSum(0, 0, 0, RatioSums(0, 0, 0, 0, 0, 0))
        if self.kept is None or self.kept.codes is None:
            return empty
        values, shares = self.kept.values, self.kept.shares
        there = np.isfinite(values[:, [i] if j is None else [i, j]]).all(axis=1)
        occurring = np.bincount(self.kept.codes, there) > 0.0
        codes = np.where(there, (np.cumsum(occurring) - 1)[self.kept.codes], -1)
        count = int(occurring.sum())
        above = below = 0
        total: Wholes = np.zeros((3, 3), object)
        for first in range(0, count, _GROUPS):
            size = min(_GROUPS, count - first)
            part = (codes >= first) & (codes < first + size)
            numbers, weights = _group_sums(codes[part] - first, size, values[part], shares[part], i, j)
            total = total + products_of_digits((numbers, weights, {0: np.ones(size)}), size)
            found = doubles_of(numbers, size)
            above += int(np.count_nonzero(found > 0.0))
            below += int(np.count_nonzero(found < 0.0))
        sums = RatioSums(count, total[0, 2], total[1, 2], total[0, 0], total[0, 1], total[1, 1])
        return PairSum(above, below, count - above - below, sums)

    def drawn_each(
        self, pairs: Sequence[tuple[int, int]], resamples: int, seed: int, level: float
    ) -> list[Drawn | None]:
        """A bootstrap and a permutation test (see :mod:`divtool.numerics.redrawing`) for the differences of some pairs
        of columns, with the same draws for all of them: none changes another.

        Units are rows, or clusters; of more than ``MOST_UNITS``, consecutive ones (in the order of their first rows)
        are taken together in equal numbers. Rows where one of the two is not finite have a difference and a share of 0.
        None where the rows were too many to keep, where there are fewer than two units, or where no draw has an answer.
        """
        from divtool.numerics.redrawing import bootstrap_bounds, permutation_p

        if self.kept is None or not pairs:
            return [None] * len(pairs)
        units, count = _units(self.kept)
        if count < 2:
            return [None] * len(pairs)
        sums = [_unit_sums(self.kept, units, count, i, j) for i, j in pairs]
        numbers, shares = (np.stack([each[side] for each in sums]) for side in (0, 1))
        bounds = bootstrap_bounds(numbers, shares, resamples, seed, level)
        chances = permutation_p(numbers, resamples, seed)
        return [
            None if np.isnan(low) else Drawn(low, high, p)
            for (low, high), p in zip(bounds.tolist(), chances.tolist(), strict=True)
        ]


def _group_sums(
    codes: Integers, count: int, values: Doubles, shares: Doubles, i: int, j: int | None
) -> tuple[Digits, Digits]:
    """The exact sums of a column (less another), and of the shares, of each of ``count`` groups."""
    numbers: Digits = {}
    weights: Digits = {}
    add_digit_sums(numbers, values[:, i], codes, count, 1.0)
    if j is not None:
        add_digit_sums(numbers, values[:, j], codes, count, -1.0)
    add_digit_sums(weights, shares, codes, count, 1.0)
    return carried(numbers), carried(weights)


def _units(kept: Kept) -> tuple[Integers, int]:
    """Which unit each row belongs to, in the order of the rows, and how many there are."""
    units = np.arange(len(kept.rows)) if kept.codes is None else kept.codes
    count = int(units.max()) + 1
    return (units, count) if count <= MOST_UNITS else (units * MOST_UNITS // count, MOST_UNITS)


def _unit_sums(kept: Kept, units: Integers, count: int, i: int, j: int) -> tuple[Doubles, Doubles]:
    """The difference and the share of each unit, over the rows where both columns are finite."""
    # The two columns alone: all of them are many megabytes.
    columns = np.stack([kept.values[:, i], kept.values[:, j]], axis=1)
    there = np.isfinite(columns).all(axis=1)
    sums = _group_sums(units[there], count, columns[there], kept.shares[there], 0, 1)
    return doubles_of(sums[0], count), doubles_of(sums[1], count)

"""Exact sums over the rows where two columns are both finite, for every two of many columns."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import permutations

import numpy as np
import numpy.typing as npt

from divtool.numerics.exactsum import Doubles, rounded, rounded_root
from divtool.numerics.gram import Wholes, exact_products


@dataclass(frozen=True)
class RatioSums:
    """Sums over ``n`` units of numbers d, of their shares s, and of d*d, d*s and s*s; all in one unit."""

    n: int
    d: int
    s: int
    dd: int
    ds: int
    ss: int

    @property
    def ratio(self) -> Fraction | None:
        """R = sum d / sum s; None where the shares come to 0."""
        return Fraction(self.d, self.s) if self.s else None

    @property
    def std_error(self) -> float | None:
        """``sqrt(n / (n - 1) * sum (d - R s)^2) / sum s``, see :class:`divtool.accumulators.moments.Moments`; None
        below two units."""
        if self.n < 2 or not self.s:
            return None
        # sum (d - R s)^2 / (sum s)^2, multiplied by (sum s)^4 to stay whole; the unit of 1 is that of a product
        spread = self.dd * self.s**2 - 2 * self.d * self.s * self.ds + self.d**2 * self.ss
        return rounded_root(Fraction(spread * self.n * ONE, self.s**4 * (self.n - 1)))


# What 1 is in the unit of the sums.
ONE = int(exact_products([np.ones(1)])[0, 0])


@dataclass(frozen=True)
class PairSum:
    """Two columns over the rows where both are finite: how often the first is above, below and equal to the second, and
    the sums of their difference."""

    above: int
    below: int
    equal: int
    difference: RatioSums

    @property
    def mean(self) -> float:
        """Sum d / sum s, rounded once; NaN where the shares come to 0."""
        ratio = self.difference.ratio
        return float("nan") if ratio is None else rounded(ratio)


class PairSums:
    """Products of k columns, their shares and 1, summed up exactly for every two columns; and counts of which of the
    two is higher. Rows where all columns are finite are taken together, others pair by pair."""

    def __init__(self, columns: int) -> None:
        self.columns = columns
        self.n = 0
        self.whole: Wholes = np.zeros((columns + 2, columns + 2), object)
        self.odd: dict[tuple[int, int], Wholes] = {}
        self.above = np.zeros((columns, columns), np.int64)

    def take(self, values: Doubles, shares: Doubles) -> None:
        """Take rows: (n, k) and (n,)."""
        self.n += len(values)
        finite = np.isfinite(values)
        columns = np.where(finite, values, np.nan).T.copy()
        for i, j in permutations(range(self.columns), 2):
            # a comparison with NaN is false
            self.above[i, j] += np.count_nonzero(columns[i] > columns[j])
        whole = finite.all(axis=1)
        self.whole += exact_products([*columns[:, whole], shares[whole], np.ones(int(whole.sum()))])
        if not whole.all():
            self._take_odd(columns[:, ~whole], shares[~whole], finite[~whole])

    def _take_odd(self, columns: Doubles, shares: Doubles, finite: npt.NDArray[np.bool_]) -> None:
        """Rows that are finite in the same columns are taken together."""
        masks, kinds = np.unique(finite, axis=0, return_inverse=True)
        for kind, mask in enumerate(masks):
            those = kinds.ravel() == kind
            there = np.flatnonzero(mask).tolist()
            sums = exact_products([*columns[mask][:, those], shares[those], np.ones(int(those.sum()))])
            for a, i in enumerate(there):
                for b, j in enumerate(there[a:], a):
                    found = sums[np.ix_((a, b, -2, -1), (a, b, -2, -1))]
                    self.odd[i, j] = self.odd[i, j] + found if (i, j) in self.odd else found

    def join(self, other: PairSums) -> None:
        """Take what another part has summed up."""
        self.n += other.n
        self.whole = self.whole + other.whole
        self.above = self.above + other.above
        for pair, sums in other.odd.items():
            self.odd[pair] = self.odd[pair] + sums if pair in self.odd else sums

    def copy(self) -> PairSums:
        """The same sums, to go on from."""
        own = PairSums(self.columns)
        own.join(self)
        return own

    def pair(self, i: int, j: int) -> PairSum:
        """The difference of two columns, the first less the second."""
        if i > j:
            own = self._sums(j, i)
            one, two = 1, 0
        else:
            own = self._sums(i, j)
            one, two = 0, 1
        difference = RatioSums(
            n=own[3, 3] // ONE, d=own[one, 3] - own[two, 3], s=own[2, 3],
            dd=own[0, 0] - 2 * own[0, 1] + own[1, 1], ds=own[one, 2] - own[two, 2], ss=own[2, 2],
        )  # fmt: skip
        above, below = int(self.above[i, j]), int(self.above[j, i])
        return PairSum(above, below, difference.n - above - below, difference)

    def single(self, i: int) -> RatioSums:
        """One column over the rows where it is finite."""
        own = self._sums(i, i)
        return RatioSums(own[3, 3] // ONE, own[0, 3], own[2, 3], own[0, 0], own[0, 2], own[2, 2])

    def _sums(self, i: int, j: int) -> Wholes:
        """Products (4, 4) of column i <= j, shares and 1."""
        places = (i, j, -2, -1)
        whole: Wholes = self.whole[np.ix_(places, places)]
        return whole + self.odd[i, j] if (i, j) in self.odd else whole

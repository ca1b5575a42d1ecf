"""Count, mean and standard error from exact sums."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from divtool.accumulators.scores import Scores
from divtool.numerics.exactsum import Doubles, ExactProductSum, ExactSum, rounded, rounded_root


@dataclass(frozen=True)
class MomentFigures:
    """What the rows come to. ``n`` counts them all; the infinite and NaN ones are in it."""

    n: int
    positive_infinite: int
    negative_infinite: int
    nan: int
    finite_sum: Fraction
    finite_share: Fraction
    share: Fraction
    error_of_mean: Fraction | None

    @property
    def infinite(self) -> int:
        """Rows that are +inf or -inf."""
        return self.positive_infinite + self.negative_infinite

    @property
    def sum(self) -> float:
        """The sum over all rows, rounded once: infinite if a row is, NaN if a row is or both infinities met."""
        if self.nan or (self.positive_infinite and self.negative_infinite):
            return float("nan")
        if self.infinite:
            return float("inf") if self.positive_infinite else float("-inf")
        return rounded(self.finite_sum)

    @property
    def mean(self) -> float:
        """The sum over the sum of shares, rounded once."""
        if self.nan or self.infinite:
            return self.sum
        return self.finite_mean

    @property
    def finite_mean(self) -> float:
        """The mean of the finite rows, NaN where there is none."""
        return rounded(self.finite_sum / self.finite_share) if self.finite_share else float("nan")

    @property
    def std_error(self) -> float | None:
        """The standard error of the mean; None below two rows or where a row is not finite."""
        if self.error_of_mean is None or self.nan or self.infinite:
            return None
        return rounded_root(self.error_of_mean)


class Moments:
    """Exact sums of the values v, of their shares d, and of v*v, v*d, d*d.

    The mean is R = sum v / sum d. Its standard error is that of a ratio of means,
    ``sqrt(n / (n - 1) * sum (v - R d)^2) / sum d``, which for equal shares is the textbook
    ``sqrt(variance / n)``; n counts the rows that have a share (Cochran, Sampling Techniques, 3rd edition, section
    6.3).

    >>> state = Moments()
    >>> state.update(Scores(np.arange(3), np.array([1.0, 2.0, 3.0])))
    >>> figures = state.present()
    >>> figures.n, figures.mean, figures.std_error == (1 / 3) ** 0.5
    (3, 2.0, True)
    """

    def __init__(self) -> None:
        self.n = self.positive_infinite = self.negative_infinite = self.nan = 0
        # Rows with a share of one are counted, not summed: without weights v*d is v, and d*d is 1.
        self.single = self.weighted = 0
        self.single_values, self.weighted_values = ExactSum(), ExactSum()
        self.shares, self.shares_of_odd = ExactSum(), ExactSum()
        self.squares, self.products, self.share_squares = ExactProductSum(), ExactProductSum(), ExactProductSum()

    def update(self, scores: Scores) -> None:
        """Take more rows."""
        values, shares = scores.values, scores.shares
        self.n += values.size
        finite = np.isfinite(values)
        if not finite.all():
            self._count_odd(values, shares, ~finite)
            values = values[finite]
            shares = None if shares is None else shares[finite]
        self.squares.update_products(values, values)
        if shares is None:
            self.single += values.size
            self.single_values.update(values)
        else:
            # A row without a share is no evidence: it has no place in the standard error.
            self.weighted += int(np.count_nonzero(shares))
            self.weighted_values.update(values)
            self.shares.update(shares)
            self.products.update_products(values, shares)
            self.share_squares.update_products(shares, shares)

    def _count_odd(self, values: Doubles, shares: Doubles | None, odd: npt.NDArray[np.bool_]) -> None:
        self.nan += int(np.isnan(values).sum())
        self.positive_infinite += int((values == np.inf).sum())
        self.negative_infinite += int((values == -np.inf).sum())
        self.shares_of_odd.update(np.ones(int(odd.sum())) if shares is None else shares[odd])

    def merge(self, other: Moments) -> None:
        """Take what another part has kept."""
        for name, theirs in vars(other).items():
            if isinstance(theirs, int):
                setattr(self, name, getattr(self, name) + theirs)
            else:
                getattr(self, name).merge(theirs)

    def present(self) -> MomentFigures:
        """Counts, exact sums and the squared standard error."""
        share = self.shares.present() + self.single
        return MomentFigures(
            n=self.n,
            positive_infinite=self.positive_infinite,
            negative_infinite=self.negative_infinite,
            nan=self.nan,
            finite_sum=self.single_values.present() + self.weighted_values.present(),
            finite_share=share,
            share=share + self.shares_of_odd.present(),
            error_of_mean=self._error_of_mean(share),
        )

    def _error_of_mean(self, share: Fraction) -> Fraction | None:
        finite = self.single + self.weighted
        if finite < 2 or share == 0:
            return None
        single_sum = self.single_values.present()
        ratio = (single_sum + self.weighted_values.present()) / share
        products = single_sum + self.products.present()
        share_squares = self.single + self.share_squares.present()
        spread = self.squares.present() - 2 * ratio * products + ratio * ratio * share_squares
        return spread * Fraction(finite, finite - 1) / (share * share)

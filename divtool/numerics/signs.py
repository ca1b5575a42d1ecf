"""The sign test: whether one of two is higher more often than a fair coin would have it."""

from __future__ import annotations

from divtool.numerics.beta import incomplete_beta


def sign_p(above: int, below: int) -> float:
    """The exact two-sided p-value of the sign test; ties are left out, and without anything else it is 1.

    2 P(X <= k) for X binomial of n = above + below and 1/2, k the smaller of the two counts, 1 at the most: an
    incomplete beta function of any n (Conover, Practical Nonparametric Statistics, 3rd edition, section 3.4).

    >>> round(sign_p(9, 1), 12), sign_p(3, 3), sign_p(0, 0)
    (0.021484375, 1.0, 1.0)
    """
    fewer, more = sorted((above, below))
    if more - fewer <= 1:
        return 1.0
    return 2.0 * incomplete_beta(more, fewer + 1.0, 0.5)

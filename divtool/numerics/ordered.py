"""Distances of distributions over classes in an order, one unit apart, from the difference of their running sums.

The running sum keeps the rounding error of each addition and is taken from either end, which by the sums of both sides
being 1 is the same number: at each class from the end that has less before it, for that is what rounding can spoil.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from divtool.numerics.errorfree import Doubles, two_sum
from divtool.numerics.rowsum import row_sum

_QUIET: dict[str, Any] = {"invalid": "ignore", "over": "ignore", "under": "ignore", "divide": "ignore"}


def running_sum(x: Doubles) -> Doubles:
    """The sums of the first 1, 2, ..., C entries of each row (n, C), as if summed with twice the digits.

    >>> import numpy as np
    >>> running_sum(np.array([[1e16, 1.0, -1e16]]))
    array([[1.e+16, 1.e+16, 1.e+00]])
    """
    total = np.cumsum(x, axis=1)
    before = np.zeros_like(total)
    before[:, 1:] = total[:, :-1]
    _, error = two_sum(before, x)
    return np.asarray(total + np.cumsum(error, axis=1))


def cumulative_gap(delta: Doubles) -> Doubles:
    """P(X <= k) - Q(X <= k) of each class but the last, where it is 0: (n, C - 1) of ``delta`` (n, C).

    >>> import numpy as np
    >>> cumulative_gap(np.array([[0.25, -0.5, 0.25]]))
    array([[ 0.25, -0.25]])
    """
    with np.errstate(**_QUIET):
        back = np.ascontiguousarray(delta[:, ::-1])
        before, behind = np.cumsum(np.abs(delta), axis=1), np.cumsum(np.abs(back), axis=1)
        # the last classes but k of them, for k = 1, 2, ...: of a single class there are none
        first, last = running_sum(delta)[:, :-1], running_sum(back)[:, -2::-1]
        return np.where(before[:, :-1] <= behind[:, -2::-1], first, 0.0 - last)


def wasserstein_rows(p: Doubles, q: Doubles, delta: Doubles, power: float) -> Doubles:
    """The Wasserstein distance of a finite order of at least 1 (n,), between classes one unit apart.

    Order 1 is the sum of the absolute gaps. Beyond it, the mean of the power of the way d is a sum over j of second
    differences of j^power times the mean of max(d - j + 1, 0), which is what one running sum is above the other
    j - 1 classes further on: terms of one sign again.

    >>> import numpy as np
    >>> p, q = np.array([[1.0, 0.0, 0.0]]), np.array([[0.0, 0.0, 1.0]])
    >>> wasserstein_rows(p, q, p - q, 2.0)
    array([2.])
    """
    gap = cumulative_gap(delta)
    total = row_sum(np.abs(gap))
    if power == 1.0:
        return total
    with np.errstate(**_QUIET):
        upper, lower = gap.copy(), -gap
        for j in range(2, gap.shape[1] + 1):
            # P up to class k less Q up to class k + j - 1, and the other way round
            upper = upper[:, :-1] - q[:, j - 1 : -1]
            lower = lower[:, :-1] - p[:, j - 1 : -1]
            if not ((upper > 0.0).any() or (lower > 0.0).any()):
                break
            weight = float(j) ** power - 2.0 * float(j - 1) ** power + float(j - 2) ** power
            total = total + max(weight, 0.0) * row_sum(np.maximum(upper, 0.0) + np.maximum(lower, 0.0))
        root = total ** (1.0 / power)
        # one step of Newton's, for 1 / power was rounded
        step = root * ((root**power / total - 1.0) / power)
        return np.asarray(np.where(np.isfinite(step), root - step, root))

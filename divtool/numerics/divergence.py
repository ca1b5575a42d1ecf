"""Kullback-Leibler from the pair forms: a sum of terms that are at least 0.

Where the models agree, p g(t) with g(t) = e^t - 1 - t; an error of the normaliser then enters squared only, because
the derivative in it is sum q - 1 = 0. The same term stands in scipy.special.kl_div and, for counts, in Loader's bd0.
"""

from __future__ import annotations

import math

import numpy as np

from divtool.numerics.errorfree import Doubles
from divtool.numerics.pairs import Pair
from divtool.numerics.rowsum import row_sum

# e^t - 1 - t = t^2 (1/2! + t/3! + ...): for |t| <= 1 the first term left out is below 2^-54 of the whole
_NEAR = 1.0
_SERIES = tuple(1.0 / math.factorial(n) for n in range(19, 1, -1))


def g(t: Doubles) -> Doubles:
    """e^t - 1 - t to a few units in the last place, also where it cancels; never negative.

    >>> import numpy as np
    >>> g(np.array([0.0, 1e-9, 2.0]))
    array([0.0000000e+00, 5.0000000e-19, 4.3890561e+00])
    """
    with np.errstate(invalid="ignore", over="ignore", under="ignore"):
        far = np.abs(t) > _NEAR
        near = _near(np.where(far, 0.0, t))
        return np.where(far, np.expm1(t) - t, near) if far.any() else near


def _near(t: Doubles) -> Doubles:
    """The series of g, for |t| <= 1; NaN stays NaN."""
    total = np.full_like(t, _SERIES[0])
    for coefficient in _SERIES[1:]:
        total *= t
        total += coefficient
    total *= t
    total *= t
    return total


def kl_rows(p: Doubles, q: Doubles, t: Doubles) -> Doubles:
    """KL(p || q) of each row in nats (n,), from the pair forms (n, C).

    Exactly 0 on identical rows and never negative. A class with p = 0 contributes q, which keeps the sum of positive
    terms complete; one with q = 0 < p (t = -inf) makes the row +inf.

    >>> import numpy as np
    >>> p, q = np.array([[0.5, 0.5]]), np.array([[0.25, 0.75]])
    >>> kl_rows(p, q, np.log(q / p))
    array([0.14384104])
    """
    with np.errstate(invalid="ignore", over="ignore", under="ignore"):
        far = ~(np.abs(t) <= _NEAR)
        terms = p * _near(np.where(far, 0.0, t))
        if far.any():
            terms = np.where(far, np.maximum((q - p) - p * t, 0.0), terms)
            terms = np.where(p == 0.0, q, terms)
            terms = np.where(t == -np.inf, np.inf + q, terms)  # NaN stays NaN
    return row_sum(terms)


def kl(pair: Pair) -> Doubles:
    """KL(p || q) of each row of the pair, in nats (n,).

    >>> import numpy as np
    >>> from divtool.numerics.pairs import pair_of_tables
    >>> kl(pair_of_tables(np.array([[0.25, 0.75]]), np.array([[0.25 + 2.0**-30, 0.75 - 2.0**-30]]))).item()
    2.312964630806203e-18
    """
    return kl_rows(*pair)


def generalized_kl_rows(p: Doubles, q: Doubles) -> Doubles:
    """sum p log(p/q) - p + q of each row (n,), for (n, C) numbers of at least 0 with any sums.

    >>> import numpy as np
    >>> generalized_kl_rows(np.array([[0.0, 2.0]]), np.array([[3.0, 2.0]]))
    array([3.])
    """
    return kl_rows(p, q, _log_ratio(p, q))


def itakura_saito_rows(p: Doubles, q: Doubles) -> Doubles:
    """sum p/q - log(p/q) - 1 of each row (n,), for (n, C) numbers of at least 0; +inf where only one of two is 0.

    >>> import numpy as np
    >>> itakura_saito_rows(np.array([[2.0, 0.0]]), np.array([[1.0, 0.0]])) + np.log(2)
    array([1.])
    """
    t = _log_ratio(p, q)
    with np.errstate(invalid="ignore", over="ignore", under="ignore", divide="ignore"):
        terms = np.where(np.abs(t) <= _NEAR, g(0.0 - t), (p / q - 1.0) + t)
        terms = np.where(np.isinf(t), np.inf, terms)
    return row_sum(terms)


def _log_ratio(p: Doubles, q: Doubles) -> Doubles:
    """log(q/p) of numbers of at least 0; 0 where both are 0, NaN where one is NaN."""
    with np.errstate(invalid="ignore", over="ignore", under="ignore", divide="ignore"):
        large, small = np.maximum(p, q), np.minimum(p, q)
        less = (large - small) / large
        fall = np.where(less < 0.5, np.log1p(-less), np.log(small / large))
        fall = np.where(fall < -690.0, np.log(small) - np.log(large), fall)
        return np.where(large == 0.0, 0.0, np.copysign(fall, q - p))

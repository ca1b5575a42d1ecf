"""Logarithms of the probabilities of counts: binomial, Poisson, geometric, negative binomial, power law.

The way of C. Loader, "Fast and accurate computation of binomial probabilities" (2000): log k! is Stirling's formula and
a small rest, and what remains are deviances, k log(k/m) - k + m, which are 0 where a model is right. Nothing that is
large is subtracted, so that the logarithm has an error of a few units of 2^-53 (absolute where it is small, relative
where it is large), whatever the size of the counts.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from divtool.numerics.divergence import g
from divtool.numerics.errorfree import Doubles, two_product, two_sum
from divtool.numerics.rowsum import row_sum

_QUIET: dict[str, Any] = {"invalid": "ignore", "over": "ignore", "under": "ignore", "divide": "ignore"}
_TWO_PI = 2.0 * math.pi
_FAR = 10.0
_SMALL = 1e-290
_SLIGHT = 1e-60
# 1/12 x^-1 - 1/360 x^-3 + ...: Abramowitz and Stegun (1964), 6.1.40
_STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156, -3617 / 122400)


def stirling_rest(x: Doubles) -> Doubles:
    """log gamma(x + 1) less Stirling's (x + 1/2) log x - x + log(2 pi)/2, for x above 0: about 1/(12 x).

    >>> import numpy as np
    >>> round(float(stirling_rest(np.array([1.0]))[0]), 15)
    0.081061466795327
    """
    x = np.asarray(x, dtype=np.float64)
    rest = np.zeros_like(x)
    with np.errstate(**_QUIET):
        for _ in range(int(_FAR)):
            below = x < _FAR
            if not below.any():
                break
            at = np.where(below, x, 1.0)
            rest = rest + np.where(below, (at + 0.5) * np.log1p(1.0 / at) - 1.0, 0.0)
            x = np.where(below, x + 1.0, x)
        square = (1.0 / x) ** 2
        series = np.full_like(x, _STIRLING[-1])
        for coefficient in _STIRLING[-2::-1]:
            series = series * square + coefficient
        return np.asarray(rest + series / x)


def deviance(x: Doubles, m: Doubles, d: Doubles) -> Doubles:
    """x log(x/m) - x + m for x and m above 0, where d = (x - m)/m is known with every digit.

    >>> import numpy as np
    >>> deviance(np.array([1.0]), np.array([1.0 + 2.0**-30]), np.array([-(2.0**-30)])) * 2.0**61
    array([1.])
    """
    with np.errstate(**_QUIET):
        quotient = x / m
        plain = (quotient > _SMALL) & (quotient < np.inf)
        t = np.where(plain, np.log(np.where(plain, quotient, 1.0)), np.log(x) - np.log(m))
        t = np.where(np.abs(d) < 0.5, np.log1p(d), t)
        return np.where(np.abs(t) < 1.0, x * g(0.0 - t), (x * t - x) + m)


def binomial_logs(k: Doubles, n: float, p: float) -> Doubles:
    """log of C(n, k) p^k (1 - p)^(n - k), for whole numbers k from 0 to n.

    >>> import numpy as np
    >>> np.exp(binomial_logs(np.array([0.0, 1.0, 2.0]), 2.0, 0.5)).round(15).tolist()
    [0.25, 0.5, 0.25]
    """
    if p in (0.0, 1.0) or n == 0:
        return np.where(k == (n if p == 1.0 else 0.0), 0.0, -np.inf)
    with np.errstate(**_QUIET):
        high, low = two_product(np.array(n), np.array(p))
        away = (k - high) - low
        successes, failures = high, (n - high) - low
        inner = np.clip(k, 1.0, max(1.0, n - 1.0))
        rests = stirling_rest(np.array([n]))[0] - stirling_rest(inner) - stirling_rest(np.maximum(n - inner, 1.0))
        value = rests - deviance(k, successes, away / successes) - deviance(n - k, failures, -away / failures)
        value = value - 0.5 * np.log(_TWO_PI * inner * (np.maximum(n - inner, 1.0) / n))
        none, all_of_them = n * math.log1p(-p), n * math.log(p)
        return np.where(k == 0.0, none, np.where(k == n, all_of_them, value))


def poisson_logs(k: Doubles, rate: float) -> Doubles:
    """log of e^-rate rate^k / k!, for whole numbers k of at least 0.

    >>> import numpy as np
    >>> poisson_logs(np.array([0.0, 1.0]), 1.0).round(15).tolist()
    [-1.0, -1.0]
    """
    if rate == 0.0:
        return np.where(k == 0.0, 0.0, -np.inf)
    with np.errstate(**_QUIET):
        inner = np.maximum(k, 1.0)
        value = 0.0 - stirling_rest(inner) - deviance(inner, np.array(rate), (inner - rate) / rate)
        return np.where(k == 0.0, -rate, value - 0.5 * np.log(_TWO_PI * inner))


def geometric_logs(k: Doubles, p: float) -> Doubles:
    """log of p (1 - p)^k, for whole numbers k of at least 0.

    >>> import numpy as np
    >>> geometric_logs(np.array([0.0, 1.0]), 1.0).tolist()
    [0.0, -inf]
    """
    if p == 1.0:
        return np.where(k == 0.0, 0.0, -np.inf)
    return np.asarray(math.log(p) + k * math.log1p(-p))


def negative_binomial_logs(k: Doubles, r: float, mean: float) -> Doubles:
    """log of gamma(k + r) / (k! gamma(r)) p^r (1 - p)^k with p = r / (r + mean), for whole numbers k of at least 0.

    As the binomial of r successes among r + k trials, times r / (r + k).

    >>> import numpy as np
    >>> np.exp(negative_binomial_logs(np.array([0.0, 1.0]), 1.0, 1.0)).round(15).tolist()
    [0.5, 0.25]
    """
    if mean == 0.0:
        return np.where(k == 0.0, 0.0, -np.inf)
    with np.errstate(**_QUIET):
        inner = np.maximum(k, 1.0)
        trials = inner + r
        share, rest = r / (r + mean), mean / (r + mean)
        high, low = two_sum(inner, np.array(-mean))
        away = high + low
        value = stirling_rest(trials) - stirling_rest(np.array([r]))[0] - stirling_rest(inner)
        value = value - deviance(np.array(r), trials * share, -away / trials)
        value = value - deviance(inner, trials * rest, away * (r / mean) / trials)
        value = value - 0.5 * np.log(_TWO_PI * inner) + 0.5 * (math.log(r) - np.log(trials))
        return np.where(k == 0.0, -r * math.log1p(mean / r), value)


def negative_binomial_logs_at(k: Doubles, r: float, p: float) -> Doubles:
    """The same by p, above 0 and below 1, in place of the mean, which may be beyond every double.

    >>> import numpy as np
    >>> negative_binomial_logs_at(np.array([0.0, 1.0]), 1.0, 2.0**-1000) / np.log(2.0)
    array([-1000., -1000.])
    """
    if p > _SLIGHT:
        return negative_binomial_logs(k, r, r * (1.0 - p) / p)
    # So far out the logarithm of p outweighs all that the deviances would cancel.
    with np.errstate(**_QUIET):
        inner = np.maximum(k, 1.0)
        trials = inner + r
        value = r * np.log1p(inner / r) + inner * np.log1p(r / inner) + 0.5 * (math.log(r) - np.log(trials))
        value = value - 0.5 * np.log(_TWO_PI * inner)
        value = value + (stirling_rest(trials) - stirling_rest(np.array([r]))[0] - stirling_rest(inner))
        value = value + (r * math.log(p) + inner * math.log1p(-p))
        return np.where(k == 0.0, r * math.log(p), value)


def power_law_logs(ranks: Doubles, exponent: float, first: int, last: int) -> Doubles:
    """log of rank^-exponent over its sum from rank ``first`` to ``last``.

    >>> import numpy as np
    >>> np.exp(power_law_logs(np.array([1.0, 2.0]), 1.0, 1, 2)).round(15).tolist()
    [0.666666666666667, 0.333333333333333]
    """
    top = first if exponent >= 0.0 else last
    if math.isinf(exponent):
        return np.where(ranks == top, 0.0, -np.inf)
    others = np.arange(first, last + 1, dtype=np.float64)
    others = others[others != top]
    with np.errstate(**_QUIET):
        rest = total_of(np.exp(-exponent * log_ranks(others, top)))
    return np.asarray(-exponent * log_ranks(ranks, top) - math.log1p(rest))


def total_of(x: Doubles) -> float:
    """The sum of (m,) numbers in one fixed order, for there may be millions of ranks.

    >>> import numpy as np
    >>> total_of(np.array([1.0, 2.0])), total_of(np.array([]))
    (3.0, 0.0)
    """
    return float(row_sum(x[None, :])[0]) if x.size else 0.0


def log_ranks(ranks: Doubles, top: int) -> Doubles:
    """log(rank / top), also where the two are large and near to each other.

    >>> import numpy as np
    >>> log_ranks(np.array([1.0, 3.0]), 1).round(6).tolist()
    [0.0, 1.098612]
    """
    change = (ranks - top) / top
    near = np.abs(change) < 0.5
    return np.where(near, np.log1p(np.where(near, change, 0.0)), np.log(ranks / top))

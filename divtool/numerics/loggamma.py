"""The logarithm of the gamma function, which counts need: log t! of numbers that need not be whole.

From 8.5 on Stirling's series; below, the recurrence down to the neighbourhood of 2, where the function has a zero, and
its Taylor series there: sum over k of (zeta(k) - 1) (-h)^k / k. Source of both: Abramowitz and Stegun, Handbook of
Mathematical Functions (1964), 6.1.33 and 6.1.40.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from divtool.numerics.errorfree import Doubles

_QUIET: dict[str, Any] = {"invalid": "ignore", "over": "ignore", "under": "ignore", "divide": "ignore"}
_FAR = 8.5
_HALF_LOG_TWO_PI = 0.9189385332046728
# 1/12 x^-1 - 1/360 x^-3 + ...: Bernoulli numbers over 2k (2k - 1)
_STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156, -3617 / 122400)
_ONE_LESS_EULER = 0.42278433509846713
# zeta(k) - 1 for k = 2, 3, ...
_ZETA = (
    0.6449340668482264,
    0.2020569031595943,
    0.08232323371113819,
    0.03692775514336993,
    0.01734306198444914,
    0.008349277381922827,
    0.00407735619794434,
    0.0020083928260822143,
    0.0009945751278180853,
    0.0004941886041194645,
    0.0002460865533080483,
    0.00012271334757848915,
    6.124813505870483e-05,
    3.058823630702049e-05,
    1.528225940865187e-05,
    7.637197637899763e-06,
    3.81729326499984e-06,
    1.908212716553939e-06,
    9.539620338727962e-07,
    4.769329867878064e-07,
    2.38450502727733e-07,
    1.1921992596531106e-07,
    5.960818905125948e-08,
    2.980350351465228e-08,
    1.4901554828365043e-08,
    7.45071178983543e-09,
    3.725334024788457e-09,
    1.862659723513049e-09,
)


def log_factorial(t: Doubles) -> Doubles:
    """log(t!) = log gamma(t + 1), for t of at least 0: exactly 0 at 0 and 1, +inf at +inf, NaN below 0.

    >>> import numpy as np
    >>> log_factorial(np.array([0.0, 1.0, 5.0])).tolist()
    [0.0, 0.0, 4.787491742782046]
    """
    t = np.asarray(t, dtype=np.float64)
    with np.errstate(**_QUIET):
        near = t < _FAR
        value = np.where(near, _by_recurrence(np.where(near, t, 1.0)), _by_stirling(np.where(near, _FAR, t)))
        return np.where(t >= 0.0, np.where(t == np.inf, np.inf, value), np.nan)


def _by_stirling(t: Doubles) -> Doubles:
    """In x = t + 1, of which t is exact where x is not."""
    x = t + 1.0
    inverse = 1.0 / x
    square = inverse * inverse
    series = np.full_like(t, _STIRLING[-1])
    for coefficient in _STIRLING[-2::-1]:
        series = series * square + coefficient
    return np.asarray((t + 0.5) * (np.log(x) - 1.0) + ((series * inverse - 0.5) + _HALF_LOG_TWO_PI))


def _by_recurrence(t: Doubles) -> Doubles:
    """By log t! = log(t (t - 1) ... (2 + h)) + log (1 + h)!, h within 1/2 of 0."""
    steps = np.floor(t - 0.5)
    h = t - (1.0 + steps)
    product = np.ones_like(t)
    for down in range(int(_FAR)):
        product = product * np.where(down < steps, t - down, 1.0)
    below = np.where(steps < 0.0, 0.0 - np.log1p(np.minimum(t, 1.0)), np.log(product))
    return np.asarray(below + _around_two(h))


def _around_two(h: Doubles) -> Doubles:
    """log gamma(2 + h) for |h| of at most 1/2."""
    series = np.full_like(h, 0.0)
    for index in range(len(_ZETA) - 1, -1, -1):
        order = index + 2
        series = series * -h + _ZETA[index] / order
    return np.asarray(h * (_ONE_LESS_EULER + h * series))

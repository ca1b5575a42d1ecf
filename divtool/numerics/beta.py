"""The incomplete beta function ratio I_x(a, b), with relative accuracy as far out as doubles go, and its logarithm.

With y = 1 - x and r = x/y, for x up to about the mean a/(a + b), an integral of positive terms (t = x e^-v):

    I_x(a, b) = x^a y^b / (y B(a, b))  int_0^inf  exp(-a v + (b - 1) log(1 + w)) dv,    w = r (1 - e^-v)

whose exponent, for b >= 1, is taken as -(a - (b - 1) r) v - (b - 1) (w - log(1 + w)) - (b - 1) r (e^-v - 1 + v): no two
large parts of it cancel. Beyond, 1 - I_y(b, a). The factor in front is Loader's, from deviances and the errors of
Stirling's formula (Loader, 2000, Fast and accurate computation of binomial probabilities).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from divtool.numerics.divergence import g
from divtool.numerics.errorfree import Doubles
from divtool.numerics.gammas import stirling_error
from divtool.numerics.logdefect import log_defect
from divtool.numerics.trapezoid import SPAN, decaying_integral


def incomplete_beta(a: float, b: float, x: float, y: float | None = None) -> float:
    """I_x(a, b) for a, b > 0 and x from 0 to 1; ``y`` is 1 - x where that is known better than x tells.

    Relative error within (128 + 8 |log I|) u, u = 2^-53, for every I that is a normal double. NaN outside.

    >>> round(incomplete_beta(2.0, 3.0, 0.25), 12)
    0.26171875
    """
    logarithm, complement = _part(a, b, x, 1.0 - x if y is None else y)
    return math.exp(logarithm) if complement is None else 1.0 - complement


def log_incomplete_beta(a: float, b: float, x: float, y: float | None = None) -> float:
    """log I_x(a, b) in nats, within 32 u (1 + |log I|): where I itself is too small for a double.

    >>> round(log_incomplete_beta(1e4, 1.0, 0.5) / math.log(2), 9)
    -10000.0
    """
    logarithm, complement = _part(a, b, x, 1.0 - x if y is None else y)
    return logarithm if complement is None else math.log1p(-complement)


def _part(a: float, b: float, x: float, y: float) -> tuple[float, float | None]:
    """The logarithm of the part below x, or, where x is beyond the mean, what lies above it."""
    if not (0.0 < a < math.inf and 0.0 < b < math.inf and 0.0 <= x <= 1.0 and 0.0 <= y <= 1.0):
        return math.nan, None
    if x == 0.0 or y == 0.0:
        return (-math.inf, None) if x == 0.0 else (0.0, 0.0)
    if x * b <= y * a:
        return _log_lower(a, b, x, y), None
    return 0.0, math.exp(_log_lower(b, a, y, x))


def _log_lower(a: float, b: float, x: float, y: float) -> float:
    """log I_x(a, b) for x up to the mean."""
    r = x / y
    slope = (a * y - (b - 1.0) * x) / y

    def exponent(v: Doubles) -> Doubles:
        w = -r * np.expm1(-v)
        if b < 1.0:
            return a * v + (1.0 - b) * np.log1p(w)
        return slope * v + (b - 1.0) * log_defect(w) + (b - 1.0) * r * g(-v)

    bend = math.sqrt(max(b - 1.0, 0.0) * r * (1.0 + r))
    size = a if b < 1.0 else slope + bend
    integral = decaying_integral(exponent, 1.0 / size, _reach(exponent, SPAN / size))
    return _log_density(a, b, x, y) - math.log(y) + math.log(integral)


def _reach(exponent: Callable[[Doubles], Doubles], start: float) -> float:
    """Where the exponent has grown to SPAN."""
    while float(exponent(np.array([start]))[0]) < SPAN:
        start *= 2.0
    return start


def _log_density(a: float, b: float, x: float, y: float) -> float:
    """log of x^a y^b / B(a, b)."""
    gap = x * b - y * a
    deviance = a * _defect(gap / a, x, a / (a + b)) + b * _defect(-gap / b, y, b / (a + b))
    stirling = float(stirling_error(a)) + float(stirling_error(b)) - float(stirling_error(a + b))
    return -deviance - stirling + 0.5 * (math.log(a / (2.0 * math.pi)) + math.log(b / (a + b)))


def _defect(excess: float, part: float, mean: float) -> float:
    """z - log(1 + z), z = part/mean - 1."""
    return float(log_defect(np.array(excess))) if excess > -0.5 else excess - math.log(part / mean)

"""The upper tail of the chi-square distribution, with relative accuracy as far out as doubles go, and its logarithm.

With a = degrees/2, x = statistic/2 the tail is Q = Gamma(a, x)/Gamma(a). Two integrals of positive terms, without
cancellation for any a:

    Gamma(a, x) = x^a e^-x  int_0^inf  exp(-(x - a + 1) s - (a - 1)(s - log(1 + s))) ds     (t = x (1 + s);  x >= a)
    gamma(a, x) = x^a e^-x  int_0^inf  exp(-(a - x) v - x (e^-v - 1 + v)) dv                (t = x e^-v;  x < a)

Both are taken by the trapezoidal rule of :mod:`divtool.numerics.trapezoid`; the factor in front is Loader's, from
x^a e^-x / Gamma(a) = sqrt(a/2pi) exp(-a D - delta(a)), D = (x/a - 1) - log(x/a).
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


def chi_square_survival(statistic: float, degrees: float) -> float:
    """P(X >= statistic) for chi-square with ``degrees`` degrees of freedom (any number of at least 0).

    Relative error within (32 + 4 |log P|) u, u = 2^-53, for every P that is a normal double; smaller ones fade to 0,
    and :func:`log_chi_square_survival` has them. With 0 degrees all mass lies on 0: 1 there and 0 above.

    >>> chi_square_survival(0.0, 1), f"{chi_square_survival(100.0, 1):.12g}"
    (1.0, '1.52397060483e-23')
    """
    logarithm, complement = _tail(statistic, degrees)
    return math.exp(logarithm) if complement is None else 1.0 - complement


def log_chi_square_survival(statistic: float, degrees: float) -> float:
    """log P(X >= statistic) in nats, within 16 u (1 + |log P|): where P itself is too small for a double.

    >>> round(log_chi_square_survival(1e4, 1), 9)
    -5004.831061514
    """
    logarithm, complement = _tail(statistic, degrees)
    return logarithm if complement is None else math.log1p(-complement)


def _tail(statistic: float, degrees: float) -> tuple[float, float | None]:
    """The logarithm of the tail, or, where more than about half lies above, what lies below it."""
    if math.isnan(statistic) or math.isnan(degrees) or degrees < 0.0 or degrees == math.inf:
        return math.nan, None
    if statistic <= 0.0:
        return 0.0, 0.0
    if degrees == 0.0 or statistic == math.inf:
        return -math.inf, None
    a, x = degrees / 2.0, statistic / 2.0
    if x >= a:
        return _log_front(a, x) + math.log(_upper(a, x)), None
    return 0.0, math.exp(_log_front(a, x) + math.log(_lower(a, x)))


def _log_front(a: float, x: float) -> float:
    """log of x^a e^-x / Gamma(a)."""
    excess = (x - a) / a
    shortfall = float(log_defect(np.array(excess))) if excess > -0.5 else excess - math.log(x / a)
    return -a * shortfall - float(stirling_error(a)) + 0.5 * math.log(a / (2.0 * math.pi))


def _upper(a: float, x: float) -> float:
    def exponent(s: Doubles) -> Doubles:
        # below 1 both terms of the form for large a would grow together
        return (x - a + 1.0) * s + (a - 1.0) * log_defect(s) if a >= 1.0 else x * s + (1.0 - a) * np.log1p(s)

    return _integral(exponent, x - a + 1.0 if a >= 1.0 else x, a)


def _lower(a: float, x: float) -> float:
    return _integral(lambda v: (a - x) * v + x * g(-v), a - x, a)


def _integral(exponent: Callable[[Doubles], Doubles], slope: float, a: float) -> float:
    """The integral of exp(-exponent(s)) over s > 0, whose exponent grows at least as slope s and about as a s^2/2."""
    width = 1.0 / (slope + math.sqrt(a))
    # where the exponent bends away from its slope it reaches SPAN by the square, or else by a line of slope a
    reach = min(SPAN / slope, math.sqrt(4.0 * SPAN / a) + 4.0 * SPAN / a)
    return decaying_integral(exponent, width, reach)

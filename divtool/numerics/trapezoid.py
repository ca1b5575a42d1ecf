"""Integrals of falling exponentials by the trapezoidal rule in the logarithm of the variable, which converges
geometrically (Trefethen and Weideman, 2014, The exponentially convergent trapezoidal rule, SIAM Review 56)."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from divtool.numerics.errorfree import Doubles

# e^-SPAN is nothing beside 1; the step makes the rule's own error less than that.
SPAN = 42.0
_STEP = 0.11


def decaying_integral(exponent: Callable[[Doubles], Doubles], width: float, reach: float) -> float:
    """The integral of exp(-exponent(s)) over s > 0, of an exponent that is 0 at 0 and grows: by about 1 up to ``width``
    (or later), by SPAN or more up to ``reach``.

    >>> round(decaying_integral(lambda s: 2.0 * s, 0.5, 21.0), 14)
    0.5
    """
    low, high = math.log(width) - SPAN, math.log(reach) + 0.5
    s = np.exp(np.arange(math.floor(low / _STEP), math.ceil(high / _STEP) + 1) * _STEP)
    with np.errstate(under="ignore", over="ignore"):
        terms = s * np.exp(-exponent(s))
    return _STEP * math.fsum(terms.tolist())

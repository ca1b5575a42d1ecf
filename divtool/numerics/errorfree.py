"""Sums and products that keep what rounding drops: the result and its error, both doubles.

>>> import numpy as np
>>> total, error = two_sum(np.array([1e16]), np.array([1.0]))
>>> total, error
(array([1.e+16]), array([1.]))
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Doubles = npt.NDArray[np.float64]

_SPLITTER = 2.0**27 + 1.0


def two_sum(a: Doubles, b: Doubles) -> tuple[Doubles, Doubles]:
    """The rounded sum of ``a`` and ``b`` and its error, so that a + b = sum + error exactly (Knuth's algorithm).

    Shapes broadcast. Where the sum is infinite or NaN the error is NaN; the caller masks it and silences NumPy.

    >>> import numpy as np
    >>> two_sum(np.array([0.1]), np.array([0.2]))[1].item() == -(2.0**-55)
    True
    """
    total = np.asarray(a + b)
    shadow = total - a
    return total, (a - (total - shadow)) + (b - shadow)


def _split(a: Doubles) -> tuple[Doubles, Doubles]:
    """Two halves of at most 26 bits that add up to ``a`` (Veltkamp)."""
    carried = _SPLITTER * a
    high = carried - (carried - a)
    return high, a - high


def two_product(a: Doubles, b: Doubles) -> tuple[Doubles, Doubles]:
    """The rounded product of ``a`` and ``b`` and its error (Dekker's algorithm: no fused multiply-add is needed).

    Exact while the factors stay below 2**996 and the product above 2**-969; below that the error is off by at most
    a few 2**-1074.

    >>> import numpy as np
    >>> product, error = two_product(np.array([1.0 + 2.0**-30]), np.array([1.0 + 2.0**-30]))
    >>> error.item() == 2.0**-60
    True
    """
    product = np.asarray(a * b)
    a_high, a_low = _split(a)
    b_high, b_low = _split(b)
    error = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low
    return product, error

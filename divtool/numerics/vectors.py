"""The angle between two vectors, from products and sums that keep their rounding errors.

Each vector is first scaled by a power of two, which is exact, so that lengths of 1e+-200 neither overflow nor vanish.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from divtool.numerics.errorfree import Doubles, two_product
from divtool.numerics.rowsum import row_sum_twofold

_QUIET: dict[str, Any] = {"invalid": "ignore", "over": "ignore", "under": "ignore", "divide": "ignore"}


class Products(NamedTuple):
    """The dot product of two scaled vectors, and the squared product of their lengths, as two doubles each."""

    dot: tuple[Doubles, Doubles]
    lengths: tuple[Doubles, Doubles]


def _scaled(x: Doubles) -> Doubles:
    top = np.abs(x).max(axis=1, keepdims=True) if x.shape[1] else np.zeros((len(x), 1))
    return np.asarray(np.ldexp(x, -np.frexp(np.where(np.isfinite(top), top, 0.0))[1]))


def _dot(a: Doubles, b: Doubles) -> tuple[Doubles, Doubles]:
    product, error = two_product(a, b)
    return row_sum_twofold(np.concatenate([product, error], axis=1))


def _product(a: tuple[Doubles, Doubles], b: tuple[Doubles, Doubles]) -> tuple[Doubles, Doubles]:
    high, low = two_product(a[0], b[0])
    return high, low + (a[0] * b[1] + a[1] * b[0])


def products_of(a: Doubles, b: Doubles) -> Products:
    """What an angle is made of, for vectors ``a``, ``b`` (n, C).

    >>> import numpy as np
    >>> products_of(np.array([[0.5, 0.5]]), np.array([[0.5, 0.0]])).dot
    (array([0.25]), array([0.]))
    """
    with np.errstate(**_QUIET):
        a, b = _scaled(a), _scaled(b)
        return Products(_dot(a, b), _product(_dot(a, a), _dot(b, b)))


def cosine_rows(products: Products) -> Doubles:
    """The cosine of the angle (n,), NaN where a vector is 0; exactly 1 of a vector and itself.

    >>> import numpy as np
    >>> cosine_rows(products_of(np.array([[3e200, 4e200]]), np.array([[3e-200, 4e-200]])))
    array([1.])
    """
    with np.errstate(**_QUIET):
        cosine = products.dot[0] / np.sqrt(products.lengths[0])
        return np.asarray(np.clip(cosine, -1.0, 1.0))


def cosine_gap_rows(products: Products) -> Doubles:
    """1 - cosine (n,), with every digit down to about 1e-15 and an absolute error of 1e-31 below.

    The lengths' product squared less the dot product squared, both with twice the digits, over what is left of it.

    >>> import numpy as np
    >>> cosine_gap_rows(products_of(np.array([[1.0, 2.0**-20]]), np.array([[1.0, 0.0]]))).item() * 2.0**41
    0.9999999999993179
    """
    with np.errstate(**_QUIET):
        dot, length = products.dot[0], np.sqrt(products.lengths[0])
        high, low = _product(products.dot, products.dot)
        sine_squared = (products.lengths[0] - high) + (products.lengths[1] - low)
        return np.where(dot > 0.0, np.maximum(sine_squared, 0.0) / (length * (length + dot)), 1.0 - dot / length)

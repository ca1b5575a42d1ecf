"""The angle between two vectors, from products and sums that keep their rounding errors.

Each vector is first scaled by a power of two, which is exact, so that lengths of 1e+-200 neither overflow nor vanish.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from divtool.numerics.errorfree import Doubles, two_product
from divtool.numerics.rowsum import row_sum, row_sum_twofold

_QUIET: dict[str, Any] = {"invalid": "ignore", "over": "ignore", "under": "ignore", "divide": "ignore"}


_Twofold = tuple[Doubles, Doubles]


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


def cosine_gap_rows(a: Doubles, b: Doubles) -> Doubles:
    """1 - cosine (n,) of vectors ``a``, ``b`` (n, C), with every digit also where they are nearly parallel.

    What is left of one vector without its part along the other has the length of the sine, and 1 - cos is
    sin^2 / (1 + cos).
    Both vectors are asked, so that exchanging them changes no bit.

    >>> import numpy as np
    >>> cosine_gap_rows(np.array([[1.0, 2.0**-20]]), np.array([[1.0, 0.0]])).item() * 2.0**41
    0.9999999999993179
    """
    with np.errstate(**_QUIET):
        a, b = _scaled(a), _scaled(b)
        dot, of_a, of_b = _dot(a, b), _dot(a, a), _dot(b, b)
        cosine = dot[0] / np.sqrt(_product(of_a, of_b)[0])
        sine_squared = (_sine_squared(a, b, dot, of_a, of_b) + _sine_squared(b, a, dot, of_b, of_a)) / 2.0
        return np.where(cosine > 0.0, sine_squared / (1.0 + cosine), 1.0 - cosine)


def _sine_squared(a: Doubles, b: Doubles, dot: _Twofold, of_a: _Twofold, of_b: _Twofold) -> Doubles:
    """|a - s b|^2 / |a|^2 with s = a.b / b.b as two doubles, so that the difference has its digits."""
    s = dot[0] / of_b[0]
    high, low = two_product(s, of_b[0])
    rest = ((dot[0] - high) - low + (dot[1] - s * of_b[1])) / of_b[0]
    part, error = two_product(np.broadcast_to(s[:, None], b.shape), b)
    left = ((a - part) - error) - rest[:, None] * b
    return np.asarray(row_sum(left * left) / of_a[0])

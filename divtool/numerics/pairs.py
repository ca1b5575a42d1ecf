"""Two distributions at once, as p, q and t = log(q/p): what every divergence of a pair is written in.

The exactness is in the order: differences of the two raw rows first, normalisation afterwards. A side that has been
normalised alone has already lost the digits in which two similar models differ.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from divtool.numerics.errorfree import Doubles, two_product, two_sum
from divtool.numerics.logspace import Numbers, divided, logits_of, softmax, spread_of_logits
from divtool.numerics.rowsum import row_sum, row_sum_twofold

_QUIET: dict[str, Any] = {"invalid": "ignore", "over": "ignore", "under": "ignore", "divide": "ignore"}


class Pair(NamedTuple):
    """Normalised ``p`` and ``q``, and ``t`` = log(q/p), each (n, C).

    t is 0 where both are impossible, +inf where only p is, -inf where only q is. It is finite where p or q merely
    underflowed. Rows that are NaN (or empty of mass) on either side have NaN in p or q.
    """

    p: Doubles
    q: Doubles
    t: Doubles


def _settled(t: Doubles, p_out: Any, q_out: Any) -> Doubles:
    """``t`` with the rules for impossible classes."""
    if not (p_out.any() or q_out.any()):
        return t
    return np.where(p_out, np.where(q_out, 0.0, np.inf), np.where(q_out, -np.inf, t))


def _top(x: Doubles) -> Doubles:
    return np.asarray(x.max(axis=1, keepdims=True))


def pair_of_logits(a: Numbers, b: Numbers, temperature: float = 1.0) -> Pair:
    """The pair softmax(a / T), softmax(b / T), for logits (n, C) of any real type.

    u = (b - a) - (max b - max a) comes before any rounding that matters; the normalisers' ratio is 1 + sum p expm1(u),
    term by term. Identical rows, and rows that differ by an exact shift, give t = 0 exactly.

    >>> import numpy as np
    >>> pair_of_logits(np.array([[1.0, 2.0]]), np.array([[1.0, 2.0]])).t
    array([[0., 0.]])
    """
    a, b = logits_of(a), logits_of(b)
    in_p, in_q = spread_of_logits(a, temperature), spread_of_logits(b, temperature)
    with np.errstate(**_QUIET):
        change, change_error = two_sum(b, -a)
        shift, shift_error = two_sum(_top(b), -_top(a))
        u, u_error = two_sum(change, -shift)
        # one row may be shifted far from the other: the errors can then be as large as what is left of u
        u, u_error = two_sum(u, u_error + (change_error - shift_error))
        u, u_error = divided(u, u_error, temperature)
        # where u is NaN (an impossible class) the plain difference is right
        growth = np.where(np.abs(u) < 0.5, in_p.e * np.expm1(u), in_q.e - in_p.e)
        relative = row_sum(growth) / (1.0 + in_p.rest)
        ratio = (1.0 + in_q.rest) / (1.0 + in_p.rest)
        norm = np.where(np.abs(relative) <= 0.5, np.log1p(relative), np.log(ratio))
        t = (u - norm[:, None]) + u_error
    return Pair(softmax(in_p), softmax(in_q), _settled(t, a == -np.inf, b == -np.inf))


def _scaled(p: Numbers) -> Doubles:
    """``p`` as float64 in C order; rows of extreme size times a power of two, so that no sum or product overflows."""
    p = np.ascontiguousarray(p, dtype=np.float64)
    top = _top(p) if p.shape[1] else np.ones((len(p), 1))
    extreme = (top > 2.0**300) | ((top < 2.0**-300) & (top > 0.0))
    if not extreme.any():
        return p
    return np.asarray(np.ldexp(p, np.where(extreme, -np.frexp(top)[1], 0)))


def pair_of_tables(p: Numbers, q: Numbers) -> Pair:
    """The pair p / sum(p), q / sum(q), for rows (n, C) that are not negative; they need not sum to 1.

    d = p/q - 1 of the normalised rows is (p_j Q - q_j P) / (q_j P), with both products and both sums kept twofold;
    t = -log1p(d) where d is small, and the logarithm of the ratio elsewhere.

    >>> import numpy as np
    >>> pair_of_tables(np.array([[1, 0, 1]]), np.array([[0, 1, 1]])).t
    array([[-inf,  inf,   0.]])
    """
    p, q = _scaled(p), _scaled(q)
    with np.errstate(**_QUIET):
        p_sum, p_low = (part[:, None] for part in row_sum_twofold(p))
        q_sum, q_low = (part[:, None] for part in row_sum_twofold(q))
        high, high_error = two_product(p, q_sum)
        low, low_error = two_product(q, p_sum)
        d = ((high - low) + (high_error - low_error) + (p * q_low - q * p_low)) / (q * p_sum)
        scale = p_sum / q_sum
        ratio = q / p * scale
        t = np.where(np.abs(d) < 0.5, 0.0 - np.log1p(d), np.log(ratio))
        if (beyond := ((ratio < 1e-300) | (ratio > 1e300)) & (p > 0.0) & (q > 0.0)).any():
            t = np.where(beyond, np.log(q) - np.log(p) + np.log(scale), t)
        return Pair(p / p_sum, q / q_sum, _settled(t, p == 0.0, q == 0.0))


def d_of(pair: Pair) -> Doubles:
    """p/q - 1 of each class (n, C): -1 where only p is impossible, +inf where only q is, 0 where both are.

    >>> import numpy as np
    >>> d_of(pair_of_tables(np.array([[0.5, 0.5]]), np.array([[0.25, 0.75]])))
    array([[ 1.        , -0.33333333]])
    """
    with np.errstate(**_QUIET):
        return np.asarray(np.expm1(-pair.t))

"""The divergences of an order, all from one sum of terms that are at least 0.

A_a(p || q) = sum_k q_k phi_a(p_k / q_k), phi_a(r) = (r^a - 1 - a (r - 1)) / (a (a - 1)), is continuous through a = 0
and a = 1, where it is KL(q || p) and KL(p || q); with S_a = sum_k p_k^a q_k^(1-a) it is (S_a - 1) / (a (a - 1)). The
terms of first order, which cancel, are taken out of each class before anything is rounded.
Source: Liese, F. and Vajda, I., On Divergences and Informations in Statistics and Information Theory, IEEE Trans. Inf.
Theory 52(10) (2006); the mirror A_a(p || q) = A_(1-a)(q || p) leaves the orders from 1/2 on.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from divtool.numerics.divergence import kl_rows
from divtool.numerics.errorfree import Doubles
from divtool.numerics.geometry import pearson_rows, squared_hellinger_rows
from divtool.numerics.pairs import odds_of
from divtool.numerics.rowsum import row_sum

_QUIET: dict[str, Any] = {"invalid": "ignore", "over": "ignore", "under": "ignore", "divide": "ignore"}
_NORMAL = 2.0**-1022
_TERMS = 20


class Order(NamedTuple):
    """An order a and a - 1, each rounded once: a scalar, or one a row as (n, 1) strictly between 0 and 1."""

    value: Any
    excess: Any

    @property
    def mirrored(self) -> Order:
        """1 - a, for the sides exchanged."""
        return Order(-self.excess, -self.value)


def order(value: float) -> Order:
    """The order a with a - 1.

    >>> order(3.0).mirrored
    Order(value=-2.0, excess=-3.0)
    """
    return Order(value, value - 1.0)


def alpha_rows(p: Doubles, q: Doubles, t: Doubles, delta: Doubles, a: Order) -> Doubles:
    """A_a(p || q) of each row (n,), from the pair forms (n, C), for a finite order.

    Exactly 0 on identical rows and never negative. A class with p = 0 < q contributes q / a, +inf for a <= 0; one with
    q = 0 < p contributes p / (1 - a), +inf for a >= 1.

    >>> import numpy as np
    >>> p, q = np.array([[0.5, 0.5]]), np.array([[0.25, 0.75]])
    >>> alpha_rows(p, q, np.log(q / p), p - q, order(2.0)) * 6
    array([1.])
    """
    if np.ndim(a.value):
        back = a.value < 0.5
        p, q = np.where(back, q, p), np.where(back, p, q)
        t, delta = np.where(back, -t, t), np.where(back, -delta, delta)
        return row_sum(_terms(p, q, t, delta, *(np.where(back, m, v) for m, v in zip(a.mirrored, a, strict=True))))
    if a.value < 0.5:
        return alpha_rows(q, p, -t, -delta, a.mirrored)
    if a.value == 0.5:
        return 4.0 * squared_hellinger_rows(p, q, delta)
    if a.excess == 0.0:
        return kl_rows(p, q, t)
    if a.excess == 1.0:
        return pearson_rows(p, q, t, delta) / 2.0
    return row_sum(_terms(p, q, t, delta, a.value, a.excess))


def _terms(p: Doubles, q: Doubles, t: Doubles, delta: Doubles, a: Any, excess: Any) -> Doubles:
    """q phi_a(p / q), for a of at least 1/2 and not 1."""
    with np.errstate(**_QUIET):
        s = 0.0 - t
        far = ~(np.abs(s) * np.maximum(a, 1.0) <= 1.0)
        terms = q * _near(np.where(far, 0.0, s), a)
        if far.any():
            # p e^((a - 1) s), as p times a root twice, so that it overflows no sooner than it must
            faint = (p < _NORMAL) | (q < _NORMAL)
            root = np.where(faint, np.exp(excess * s / 2.0), odds_of(p, q, t) ** (excess / 2.0))
            steep = (np.abs(s) > 4.0) & (excess * s > 1.0)
            grown = np.where(steep, p * root * root - p, p * np.expm1(excess * s))
            terms = np.where(far, np.maximum((grown / excess - delta) / a, 0.0), terms)
            terms = np.where(p == 0.0, q / a, terms)
            terms = np.where((s == np.inf) & (a >= 1.0), np.inf + q, terms)  # NaN stays NaN
    return np.asarray(terms)


def _near(s: Doubles, a: Any) -> Doubles:
    """phi_a(e^s) = s^2 sum_n (1 + a + ... + a^(n-2)) s^(n-2) / n!, for max(a, 1) |s| <= 1."""
    x = s * np.maximum(a, 1.0)
    ratio = np.minimum(a, 1.0 / a)
    coefficients, geometric = [], 0.0
    for n in range(2, _TERMS + 1):
        geometric = 1.0 + ratio * geometric
        coefficients.append(geometric / math.factorial(n))
    total = np.zeros_like(x)
    for coefficient in reversed(coefficients):
        total *= x
        total += coefficient
    return np.asarray(total * s * s)


def log_affinity_rows(p: Doubles, q: Doubles, t: Doubles, delta: Doubles, a: Order) -> Doubles:
    """log S_a = log sum_k p_k^a q_k^(1-a) of each row (n,), for a finite order that is neither 0 nor 1.

    Exactly 0 on identical rows; for orders within 0 and 1 at most 0, -inf where no class is possible on both sides;
    beyond them at least 0, +inf where A_a is.

    >>> import numpy as np
    >>> p, q = np.array([[0.5, 0.5]]), np.array([[0.0, 1.0]])
    >>> log_affinity_rows(p, q, np.array([[-np.inf, np.log(2)]]), p - q, order(0.5)) / np.log(2)
    array([-0.5])
    """
    with np.errstate(**_QUIET):
        gain = np.reshape(a.value * a.excess, -1) * alpha_rows(p, q, t, delta, a)
        result = np.log1p(gain)
        # the sum itself where it is small, its logarithm where it overflows
        if (rows := np.flatnonzero((gain < -0.5) | (gain == np.inf))).size:
            some = a if not np.ndim(a.value) else Order(a.value[rows], a.excess[rows])
            result[rows] = _log_of_sum(p[rows], q[rows], t[rows], some)
        return result


def _log_of_sum(p: Doubles, q: Doubles, t: Doubles, a: Order) -> Doubles:
    if not np.ndim(a.value) and a.value < 0.0:
        return _log_of_sum(q, p, -t, a.mirrored)
    logs = log_terms(p, q, t, a)
    top = logs.max(axis=1, keepdims=True)
    total = np.log(row_sum(np.exp(logs - np.where(np.isinf(top), 0.0, top)))) + top[:, 0]
    return np.asarray(np.where(np.isinf(top[:, 0]), top[:, 0], total))


def log_terms(p: Doubles, q: Doubles, t: Doubles, a: Order) -> Doubles:
    """log(p^a q^(1-a)) of each class (n, C), for an order of at least 0, also where p or q underflows.

    -inf where either side is impossible; beyond order 1, +inf where only q is.

    >>> import numpy as np
    >>> log_terms(np.array([[1.0]]), np.array([[0.0]]), np.array([[-1000.0]]), order(0.5))
    array([[-500.]])
    """
    with np.errstate(**_QUIET):
        log_p, log_q = np.log(p), np.log(q)
        log_p, log_q = np.where(p < _NORMAL, log_q - t, log_p), np.where(q < _NORMAL, log_p + t, log_q)
        inside = a.value * log_p - a.excess * log_q
        logs = np.where(np.asarray(a.excess) <= 0.0, inside, log_p - a.excess * t)
        impossible = np.where((t == -np.inf) & (np.asarray(a.excess) > 0.0), np.inf, -np.inf)
        return np.where(np.isinf(t) | ((p == 0.0) & (q == 0.0)), impossible, logs)


def renyi_rows(p: Doubles, q: Doubles, t: Doubles, delta: Doubles, a: float) -> Doubles:
    """The Renyi divergence log(S_a) / (a - 1) of each row (n,), in nats; a may be +inf.

    >>> import numpy as np
    >>> p, q = np.array([[0.5, 0.5]]), np.array([[0.25, 0.75]])
    >>> np.exp(renyi_rows(p, q, np.log(q / p), p - q, np.inf))
    array([2.])
    """
    if a == 0.0:
        return missed_rows(q, t)
    if a == 1.0:
        return kl_rows(p, q, t)
    if a == math.inf:
        with np.errstate(**_QUIET):
            return np.asarray(np.maximum(np.where(np.isnan(p + q), np.nan, -t).max(axis=1), 0.0))
    chosen = order(a)
    with np.errstate(**_QUIET):
        logs = log_affinity_rows(p, q, t, delta, chosen)
        # where the logarithm is as good as linear it may underflow before it is divided
        flat = a * alpha_rows(p, q, t, delta, chosen) if (np.abs(logs) < 2.0**-60).any() else logs
        return np.asarray(np.where(np.abs(logs) < 2.0**-60, flat, logs / chosen.excess) + 0.0)


def missed_rows(q: Doubles, t: Doubles) -> Doubles:
    """-log of the mass that q has where p is possible (n,): the Renyi divergence of order 0.

    >>> import numpy as np
    >>> np.exp(missed_rows(np.array([[0.5, 0.5]]), np.array([[np.inf, -1.0]])))
    array([2.])
    """
    with np.errstate(**_QUIET):
        outside = row_sum(np.where(t == np.inf, q, 0.0 * q))
        inside = row_sum(np.where(t == np.inf, 0.0 * q, q))
        return 0.0 - np.where(outside < 0.5, np.log1p(-outside), np.log(np.minimum(inside, 1.0)))

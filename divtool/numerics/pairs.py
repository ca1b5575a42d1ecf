"""Two distributions at once, as p, q and t = log(q/p): what every divergence of a pair is written in.

The exactness is in the order: differences of the two raw rows first, normalisation afterwards. A side that has been
normalised alone has already lost the digits in which two similar models differ.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from divtool.numerics.errorfree import Doubles, two_product, two_sum
from divtool.numerics.logspace import Numbers, Spread, divided, logits_of, softmax, spread_of_logits
from divtool.numerics.rowsum import row_sum, row_sum_twofold

_QUIET: dict[str, Any] = {"invalid": "ignore", "over": "ignore", "under": "ignore", "divide": "ignore"}
# below it a double has fewer digits
_NORMAL = 2.0**-1022
_LOG_2 = math.log(2.0)


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

    u = (b - a) - (max b - max a) comes before any rounding that matters; the normalisers' ratio is had from their
    difference, term by term. Identical rows, and rows that differ by an exact shift, give t = 0 exactly; exchanging
    the sides changes the sign of t and no other bit.

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
        t = (u - _log_of_normalisers(in_p, in_q, u)[:, None]) + u_error
        p, q = softmax(in_p), softmax(in_q)
        return Pair(p, q, _balanced(p, q, _settled(t, a == -np.inf, b == -np.inf)))


def _log_of_normalisers(in_p: Spread, in_q: Spread, u: Doubles) -> Doubles:
    """The log of the ratio of the two sums of exponentials (n,), q's over p's; only its sign tells the sides apart."""
    of_p, of_q = 1.0 + in_p.rest, 1.0 + in_q.rest
    # where u is NaN (an impossible class) the plain difference is right
    growth = np.where(np.isnan(u), in_q.e - in_p.e, (in_p.e + in_q.e) * np.tanh(u / 2.0))
    relative = row_sum(growth) / (of_p + of_q)
    far = np.copysign(np.log(np.maximum(of_p, of_q) / np.minimum(of_p, of_q)), relative)
    return np.where(np.abs(relative) <= 0.5, 2.0 * np.arctanh(relative), far)


def _balanced(p: Doubles, q: Doubles, t: Doubles) -> Doubles:
    """``t`` less the error that its entries share, found as what sum (q - p) = 0 leaves over.

    The normalisers' ratio was rounded beside the largest change of a logit; a row whose probabilities changed much
    less than its logits would keep that error. Far rows have no such error, and too little in common to tell.
    """
    together = p + q
    common = np.where(together > 0.0, 2.0 * (p * q) / together, 0.0)
    overlap = row_sum(common)
    excess = row_sum(together * np.tanh(t / 2.0))
    step = np.where(overlap > 0.5, excess / overlap, 0.0)
    step = np.where(np.abs(step) < 2.0**-30, step, 0.0)[:, None]
    return np.where(together > 0.0, t - step, t)


def _scaled(p: Doubles) -> tuple[Doubles, Any]:
    """Rows of extreme size times a power of two, so that no sum or product overflows, and its exponent (n, 1)."""
    top = _top(p) if p.shape[1] else np.ones((len(p), 1))
    extreme = (top > 2.0**300) | ((top < 2.0**-300) & (top > 0.0))
    if not extreme.any():
        return p, 0
    exponent = np.where(extreme & np.isfinite(top), -np.frexp(top)[1], 0)
    return np.asarray(np.ldexp(p, exponent)), exponent


def pair_of_tables(p: Numbers, q: Numbers) -> Pair:
    """The pair p / sum(p), q / sum(q), for rows (n, C) that are not negative; they need not sum to 1.

    tau = (p - q)/(p + q) of the normalised rows is (p_j Q - q_j P) / (p_j Q + q_j P); t is -2 artanh of it where it is
    small, and the logarithm of the ratio elsewhere.

    >>> import numpy as np
    >>> pair_of_tables(np.array([[1, 0, 1]]), np.array([[0, 1, 1]])).t
    array([[-inf,  inf,   0.]])
    """
    cell_p, cell_q = (np.ascontiguousarray(side, dtype=np.float64) for side in (p, q))
    with np.errstate(**_QUIET):
        (p, shift_p), (q, shift_q) = _scaled(cell_p), _scaled(cell_q)
        p_sum, q_sum = (row_sum_twofold(side)[0][:, None] for side in (p, q))
        # differences of cells tell most where the sums are alike; always the smaller side grows, for either order
        apart = np.rint(np.log2(p_sum) - np.log2(q_sum))
        if apart.any():
            apart = np.where(np.isfinite(apart), apart, 0.0)
            grow_p, grow_q = 2.0 ** np.maximum(-apart, 0.0), 2.0 ** np.maximum(apart, 0.0)
            p, p_sum, q, q_sum = p * grow_p, p_sum * grow_p, q * grow_q, q_sum * grow_q
            shift_p, shift_q = shift_p + np.maximum(-apart, 0.0), shift_q + np.maximum(apart, 0.0)
        # a ratio is the same for tiny cells, but a product of them would lose its last digits
        tiny = (np.maximum(p, q) < 2.0**-400) & (p + q > 0.0)
        lift = np.where(tiny, 2.0**600, 1.0) if tiny.any() else 1.0
        p_up, q_up = p * lift, q * lift
        high, low = p_up * q_sum, q_up * p_sum
        tau = _crossed(p, q, p_up, q_up) / (high + low)
        larger, smaller = np.maximum(high, low), np.minimum(high, low)
        t = np.where(np.abs(tau) < 0.5, 0.0 - 2.0 * np.arctanh(tau), np.copysign(np.log(larger / smaller), -tau))
        # a cell of a row that was scaled down may have lost its digits, or be 0 there
        lost = ((shift_p < 0) & (p < 2.0**-900)) | ((shift_q < 0) & (q < 2.0**-900))
        if (beyond := (smaller < larger * 1e-300) | (smaller < 1e-290) | lost).any():
            of_sums = (np.log(p_sum) - np.log(q_sum)) - (shift_p - shift_q) * _LOG_2
            t = np.where(beyond, _log_of_quotient(cell_q, cell_p) + of_sums, t)
        p, q, t = p / p_sum, q / q_sum, _settled(t, cell_p == 0.0, cell_q == 0.0)
        # in proportion but for a rounding: the sums are not known well enough for cells so much alike
        if (close := row_sum((p + q) * np.minimum(np.abs(t), 1.0)) < 2.0**-40).any():
            t = np.where(close[:, None], _balanced(p, q, t), t)
        return Pair(p, q, t)


def _log_of_quotient(a: Doubles, b: Doubles) -> Doubles:
    """log(a / b), also where the quotient overflows or is subnormal; the other way round only its sign changes."""
    larger, smaller = np.maximum(a, b), np.minimum(a, b)
    quotient = larger / smaller
    size = np.where(quotient < np.inf, np.log(quotient), np.log(larger) - np.log(smaller))
    return np.where(a > b, size, -size)


def _crossed(p: Doubles, q: Doubles, p_up: Doubles, q_up: Doubles) -> Doubles:
    """p_up Q - q_up P, from the differences of cells: (p_up - q_up) (P + Q)/2 + (p_up + q_up) (Q - P)/2.

    Where most cells are equal, the sums differ by far less than their last digits, and only their difference tells.
    """
    p_sum, p_low = (part[:, None] for part in row_sum_twofold(p))
    q_sum, q_low = (part[:, None] for part in row_sum_twofold(q))
    growth, growth_low = _twofold_sum(*two_sum(q, -p))
    less, less_low = two_sum(p_up, -q_up)
    both, both_low = two_sum(p_up, q_up)
    half, half_low = two_sum(p_sum / 2.0, q_sum / 2.0)
    half_low = half_low + (p_low + q_low) / 2.0
    growth, growth_low = growth / 2.0, growth_low / 2.0
    first, first_low = two_product(less, half)
    second, second_low = two_product(both, growth)
    first_low = first_low + (less * half_low + less_low * half)
    second_low = second_low + (both * growth_low + both_low * growth)
    return np.asarray((first + second) + (first_low + second_low))


def _twofold_sum(a: Doubles, a_low: Doubles) -> tuple[Doubles, Doubles]:
    """The sum of each row of ``a`` + ``a_low``, twofold, as columns (n, 1)."""
    high, low = row_sum_twofold(a)
    high, low = two_sum(high, low + row_sum(a_low))
    return high[:, None], low[:, None]


def delta_of(p: Doubles, q: Doubles, t: Doubles) -> Doubles:
    """p - q of each class (n, C) with every digit, from the pair forms: -(p + q) tanh(t / 2).

    Exactly 0 where t is 0; exchanging the sides changes the sign and no other bit.

    >>> import numpy as np
    >>> delta_of(*pair_of_tables(np.array([[0.25, 0.75]]), np.array([[0.25 + 2.0**-40, 0.75 - 2.0**-40]]))) * 2**40
    array([[-1.,  1.]])
    """
    with np.errstate(**_QUIET):
        return 0.0 - (p + q) * np.tanh(t / 2.0)


def odds_of(p: Doubles, q: Doubles, t: Doubles) -> Doubles:
    """p / q of each class (n, C): 0 where only p is impossible, +inf where only q is, 1 where both are.

    The quotient where the logarithm is so large that its rounding would show, the exponential elsewhere.

    >>> import numpy as np
    >>> odds_of(np.array([[0.5, 0.5]]), np.array([[0.25, 0.75]]), np.log([[0.5, 1.5]]))
    array([[2.        , 0.66666667]])
    """
    with np.errstate(**_QUIET):
        quotient = (np.abs(t) > 4.0) & (p > _NORMAL) & (q > _NORMAL)
        return np.where(quotient, p / q, np.exp(-t))


def d_of(pair: Pair) -> Doubles:
    """p/q - 1 of each class (n, C): -1 where only p is impossible, +inf where only q is, 0 where both are.

    >>> import numpy as np
    >>> d_of(pair_of_tables(np.array([[0.5, 0.5]]), np.array([[0.25, 0.75]])))
    array([[ 1.        , -0.33333333]])
    """
    with np.errstate(**_QUIET):
        return np.asarray(np.expm1(-pair.t))

"""What counts say of several variables: entropies and mutual information as sums of terms that are at least 0.

Every ratio is formed of whole numbers, whose differences are exact, before anything is rounded: tables of independent
variables give exactly 0, and those nearly so keep their digits, at any number of cases. Terms are added without
rounding, so that no order of cells, rows or variables changes a bit.

Counts are arrays of int64 as long as products of two sums fit, of Python's integers otherwise (see
:func:`divtool.accumulators.joint_table.fitting`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from decimal import Context, Decimal
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from divtool.numerics.divergence import g
from divtool.numerics.exactsum import exact_sum

Integers: TypeAlias = npt.NDArray[Any]
Doubles: TypeAlias = npt.NDArray[np.float64]


def quotient(a: Any, b: Any) -> Doubles:
    """a / b of whole numbers as doubles: rounded once where they are Python's own, however large."""
    a, b = np.broadcast_arrays(a, b)
    if a.dtype != object and b.dtype != object:
        return np.asarray(a / b, np.float64)
    pairs = zip(a.reshape(-1).tolist(), b.reshape(-1).tolist(), strict=True)
    return np.array([x / y for x, y in pairs], np.float64).reshape(a.shape)


def entropy(counts: Integers, total: int) -> float:
    """-sum (n/N) log(n/N) in nats, for counts above 0 that sum to ``total``; 0 for a single outcome.

    >>> entropy(np.array([1, 1]), 2) == math.log(2)
    True
    """
    return conditional_entropy(counts, np.full_like(counts, total), total)


def conditional_entropy(cells: Integers, given: Integers, total: int) -> float:
    """-sum (n/N) log(n/m) in nats: ``cells`` are the counts n, ``given`` (same shape) the count m of the condition that
    each cell stands under.

    >>> conditional_entropy(np.array([2, 1, 1]), np.array([2, 2, 2]), 4) == 0.5 * math.log(2)
    True
    """
    if cells.size == 0:
        return 0.0
    # log(m/n) as log1p((m - n)/n) keeps its digits where a cell is nearly all of its condition.
    return exact_sum(quotient(cells, total) * _log1p_far(given - cells, cells))


def _log1p_far(part: Integers, whole: Integers) -> Doubles:
    return np.asarray(np.log1p(quotient(part, whole)))


def log_ratio(a: Integers, b: Integers) -> Doubles:
    """log(a/b) of whole numbers above 0, right to a few units also where they are nearly equal.

    >>> log_ratio(np.array([2**62 + 1], object), np.array([2**62], object)).item() == 2.0**-62
    True
    """
    excess = quotient(a - b, b)
    near = np.abs(excess) < 0.5
    with np.errstate(divide="ignore"):
        return np.where(near, np.log1p(np.where(near, excess, 0.0)), np.log(quotient(a, b)))


def relative_entropy(
    cells: Integers, total: int, actual: Integers, expected: Integers, elsewhere: Iterable[float]
) -> float:
    """KL(P || Q) in nats of P with P(cell) = n/N, where P/Q of each filled cell is ``actual/expected`` in whole numbers
    and ``elsewhere`` is Q's mass on cells that are not filled, in pieces.

    The term (n/N) (e^t - 1 - t), t = log(Q/P), is never negative, and its derivative in an error of Q is 0.
    """
    terms = quotient(cells, total) * g(log_ratio(expected, actual))
    return exact_sum(np.append(terms, [*elsewhere]))


def mutual_information(cells: Integers, rows: Integers, columns: Integers, total: int) -> float:
    """I(X; Y) in nats, from the filled cells and, for each of them, the sums of its row and column.

    Exactly 0 where every cell is what independence makes it, and the same bits with rows and columns exchanged.

    >>> mutual_information(np.array([2, 4, 3, 6]), np.array([6, 6, 9, 9]), np.array([5, 10, 5, 10]), 15)
    0.0
    """
    expected = rows * columns
    missing = total * total - _sum(expected)
    return relative_entropy(cells, total, cells * total, expected, [missing / (total * total)])


def lautum_information(cells: Integers, rows: Integers, columns: Integers, total: int) -> float:
    """L(X; Y) = KL(P(x) P(y) || P(x, y)) in nats; +inf where a combination of outcomes that occur does not.

    Palomar, D. P. and Verdu, S. (2008), Lautum information, IEEE Transactions on Information Theory 54.
    """
    expected = rows * columns
    if _sum(expected) != total * total:
        return math.inf
    terms = quotient(expected, total * total) * g(log_ratio(cells * total, expected))
    return exact_sum(terms)


def conditional_information(
    cells: Integers, with_x: Integers, with_y: Integers, given: Integers, strata: npt.NDArray[np.intp], total: int
) -> float:
    """I(X; Y | Z) in nats. For each filled cell (m,): its count, those of its (x, z), (y, z) and z, and the number of
    its z among the ``strata``.
    """
    expected = with_x * with_y
    sizes = np.zeros(int(strata.max()) + 1, given.dtype)
    sizes[strata] = given
    filled = np.zeros_like(sizes)
    np.add.at(filled, strata, expected)
    elsewhere = quotient(sizes * sizes - filled, sizes * total)
    return relative_entropy(cells, total, cells * given, expected, elsewhere.tolist())


def total_correlation(cells: Integers, margins: Iterable[Integers], total: int) -> float:
    """sum H(X_i) - H(X_1, ..., X_k) = KL(P || product of the margins) in nats; ``margins`` are for each variable the
    counts (m,) of its outcome in each cell.

    Watanabe, S. (1960), Information theoretical analysis of multivariate correlation, IBM Journal 4.
    """
    actual, expected, whole = cells.astype(object), np.ones(cells.shape, object), 1
    power = 0
    for margin in margins:
        expected = expected * margin.astype(object)
        whole *= total
        power += 1
    missing = whole - _sum(expected)
    actual = actual * total ** (power - 1)
    return relative_entropy(cells, total, actual, expected, [missing / whole])


# Digits of logarithms that cancel, and how small a sum is nothing beside what was added.
_DIGITS, _NOTHING = 45, 36


def weighted_logs(cells: Integers, total: int, numerator: Integers, denominator: Integers) -> float:
    """sum (n/N) log(a/b) in nats of whole numbers above 0, for terms of both signs that may cancel: taken to 45 digits,
    so that a sum of 10^-20 of what was added still has all of a double's; below 10^-36 of it, it is 0.

    Some 30 microseconds a cell, where most statistics take less than one.
    """
    context = Context(prec=_DIGITS)
    triples = zip(cells.tolist(), numerator.tolist(), denominator.tolist(), strict=True)
    terms = sorted(context.multiply(n, context.ln(context.divide(Decimal(a), Decimal(b)))) for n, a, b in triples)
    value, size = Decimal(0), Decimal(0)
    for term in terms:
        value, size = context.add(value, term), context.add(size, abs(term))
    return 0.0 if abs(value) <= size.scaleb(-_NOTHING) else float(context.divide(value, Decimal(total)))


def chi_square(cells: Integers, rows: Integers, columns: Integers, total: int) -> float:
    """Pearson's sum (n - e)^2 / e, e = row * column / N, over all cells: terms of one sign, differences in whole
    numbers; exactly 0 for independent tables.
    """
    expected = rows * columns
    gap = cells * total - expected
    missing = total * total - _sum(expected)
    return exact_sum(np.append(quotient(gap, expected) * quotient(gap, total), missing / total))


def _sum(counts: Integers) -> int:
    return sum(counts.tolist())

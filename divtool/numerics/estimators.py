"""Estimates of the entropy of a distribution from how often its outcomes were seen, in nats.

All take the counts of counts of a sample of at least one case. Those of this file add up, over the outcomes seen n
times of N, the share n/N times an estimate of -log p; the sums have terms of at least 0 wherever the formula has.
``support`` is the number K of outcomes that are possible, seen or not. Errors are stated against the formulas, in
units of u = 2^-53.
"""

from __future__ import annotations

import math

import numpy as np

from divtool.numerics.counts_of_counts import CountsOfCounts
from divtool.numerics.errorfree import Doubles
from divtool.numerics.exactsum import exact_sum
from divtool.numerics.gammas import digamma_difference, log_less_digamma


def plug_in(counted: CountsOfCounts, support: int) -> float:
    """sum (n/N) log(N/n), the maximum-likelihood estimate: within 8 u.

    >>> plug_in(CountsOfCounts.of([1, 1]), 2) == math.log(2)
    True
    """
    return exact_sum(counted.shares * _log_quotient(counted))


def _log_quotient(counted: CountsOfCounts) -> Doubles:
    """log(N/n) as log1p((N - n)/n), which keeps its digits where n is nearly all of N."""
    if counted.values.dtype != object:
        return np.log1p(counted.others / counted.doubles)
    total = counted.cases
    return np.array([_log_excess(total - value, value) for value in counted.values.tolist()])


def _log_excess(part: int, value: int) -> float:
    try:
        return math.log1p(part / value)
    except OverflowError:
        return math.log(part) - math.log(value)


def miller_madow(counted: CountsOfCounts, support: int) -> float:
    """The plug-in estimate + (occupied outcomes - 1)/(2N): within 8 u."""
    return plug_in(counted, support) + (counted.occupied - 1) / (2 * counted.cases)


def zhang(counted: CountsOfCounts, support: int) -> float:
    """psi(N) - sum (n/N) psi(n): within 32 u.

    >>> zhang(CountsOfCounts.of([3, 2, 1]), 3)
    1.2
    """
    return exact_sum(counted.shares * _digamma_gaps(counted))


def _digamma_gaps(counted: CountsOfCounts) -> Doubles:
    """psi(N) - psi(n) for each n."""
    return digamma_difference(counted.doubles, counted.others)


def _signs(counted: CountsOfCounts) -> Doubles:
    """(-1)^n."""
    return 1.0 - 2.0 * (counted.values % 2).astype(np.float64)


def _log_over_digamma(counted: CountsOfCounts) -> float:
    """log N - psi(N)."""
    return float(log_less_digamma(float(counted.cases)))


def grassberger_1988(counted: CountsOfCounts, support: int) -> float:
    """sum (n/N) (log N - psi(n) - (-1)^n/(n + 1)), which may fall below 0: within 32 u of the largest of its parts."""
    step = counted.shares * (_signs(counted) / (counted.doubles + 1.0))
    return exact_sum(np.concatenate([counted.shares * _digamma_gaps(counted), [_log_over_digamma(counted)], -step]))


def _grassberger_parts(counted: CountsOfCounts) -> list[Doubles]:
    """The terms of psi(N) - sum (n/N) G(n), G(n) = psi(n) + (-1)^n/2 [psi((n + 1)/2) - psi(n/2)]."""
    step = _signs(counted) * (0.5 * digamma_difference(counted.doubles / 2.0, 0.5))
    return [counted.shares * _digamma_gaps(counted), -counted.shares * step]


def grassberger(counted: CountsOfCounts, support: int) -> float:
    """psi(N) - sum (n/N) G(n), which may fall below 0: within 32 u of the largest of its parts.

    >>> round(grassberger(CountsOfCounts.of([3, 2, 1]), 3), 12)
    1.309813847227
    """
    return exact_sum(np.concatenate(_grassberger_parts(counted)))


def grassberger_ln(counted: CountsOfCounts, support: int) -> float:
    """log N - sum (n/N) G(n), as the paper has it: within 32 u of the largest of its parts."""
    return exact_sum(np.concatenate([*_grassberger_parts(counted), [_log_over_digamma(counted)]]))


def chao_shen(counted: CountsOfCounts, support: int) -> float:
    """sum over the outcomes seen of -c log c / (1 - (1 - c)^N), c = C n/N, with the coverage C = 1 - f1/N: within 64 u.

    f1 outcomes were seen once; if all were, f1 is taken as N - 1, so that C is not 0.
    """
    total = counted.cases
    once = counted.seen(1)
    once = once - 1 if once == total else once
    portion = counted.doubles / float(total)
    covered = portion * ((total - once) / total)
    uncovered = counted.others / float(total) + portion * (once / total)  # 1 - c, all of it positive
    with np.errstate(divide="ignore"):
        log_uncovered = np.where(covered > 0.5, np.log(uncovered), np.log1p(-covered))
    seen = -np.expm1(float(total) * log_uncovered)
    return exact_sum(counted.multiplicities * (covered * np.log1p(uncovered / covered) / seen))


def chao_wang_jost(counted: CountsOfCounts, support: int) -> float:
    """Zhang's estimate + (f1/N) sum over r >= N of (1 - A)^(r - N + 1)/r: within 64 u.

    A = 2 f2/((N - 1) f1 + 2 f2) from the f1 outcomes seen once and the f2 seen twice; 2/((N - 1)(f1 - 1) + 2) if no
    outcome was seen twice, and 1 (no correction) if none was seen once either. The sum is what the paper writes as
    (1 - A)^(1 - N) [-log A - sum over r < N of (1 - A)^r/r], a difference that would lose all digits.
    """
    once, twice, before = counted.seen(1), counted.seen(2), counted.cases - 1
    left = before * once if twice else before * (once - 1)
    if once == 0 or left == 0:
        return zhang(counted, support)
    part = 2 * twice if twice else 2
    unseen = _geometric_tail(counted.cases, part / (left + part), left / (left + part))
    return math.fsum([zhang(counted, support), once / counted.cases * unseen])


# The rule's own error is exp(-pi^2/step).
_STEP = 0.25


def _geometric_tail(total: int, least: float, ratio: float) -> float:
    """sum over j >= 1 of q^j/(N - 1 + j), q = ``ratio`` = 1 - A, as q int_0^inf e^-v / (N A + q N (1 - e^(-v/N))) dv,
    by the trapezoidal rule in log v: it converges geometrically, and all terms are positive.
    """
    n = float(total)
    low = math.log(min(n * least, 1.0)) - 42.0
    v = np.exp(np.arange(math.floor(low / _STEP), math.ceil(math.log(750.0) / _STEP)) * _STEP)
    terms = v * np.exp(-v) / (n * least - ratio * n * np.expm1(-v / n))
    return ratio * _STEP * exact_sum(terms)


def bonachela(counted: CountsOfCounts, support: int) -> float:
    """1/(N + 2) sum over all K outcomes of (n + 1) (1/(n + 2) + ... + 1/(N + 2)): within 32 u.

    Outcomes that are possible and were not seen have n = 0.
    """
    total = counted.cases
    seen = digamma_difference(counted.doubles + 2.0, counted.others + 1.0)
    terms = counted.multiplicities * ((counted.doubles + 1.0) * seen)
    unseen = (support - counted.occupied) * float(digamma_difference(2.0, float(total + 1)))
    return exact_sum(np.append(terms, unseen) / float(total + 2))

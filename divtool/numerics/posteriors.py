"""Estimates of entropy that start from a prior or a target over all K possible outcomes, in nats."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from divtool.numerics.counts_of_counts import CountsOfCounts
from divtool.numerics.errorfree import Doubles
from divtool.numerics.exactsum import exact_sum
from divtool.numerics.gammas import digamma_difference


def pseudo_counts(counted: CountsOfCounts, support: int, a: float) -> tuple[Doubles, Doubles, Doubles, float]:
    """Counts with ``a`` added to each of K outcomes: for each group of equal ones (the unseen are the last, if there
    are any) how many they are, the new count, what of the new total is left beside it; and the new total.
    """
    unseen = support - counted.occupied
    rest = (support - 1) * a
    many = counted.multiplicities.astype(np.float64)
    new, left = counted.doubles + a, counted.others + rest
    if unseen and a > 0.0:
        many, new = np.append(many, float(unseen)), np.append(new, a)
        left = np.append(left, float(counted.cases) + rest)
    return many, new, left, float(counted.cases) + support * a


def dirichlet(counted: CountsOfCounts, support: int, a: float) -> float:
    """The entropy of the posterior mean (n + a)/(N + K a) of each outcome's probability: within 16 u.

    With a = 0 this is the plug-in estimate.
    """
    many, new, left, total = pseudo_counts(counted, support, a)
    return exact_sum(many * (new / total) * np.log1p(left / new))


def wolpert_wolf(counted: CountsOfCounts, support: int, a: float) -> float:
    """The posterior mean of the entropy under a Dirichlet prior: psi(T + 1) - sum (w/T) psi(w + 1), w = n + a,
    T = N + K a. Within 32 u.

    >>> round(wolpert_wolf(CountsOfCounts.of([3, 2, 1]), 3, 1.0), 12)
    0.958597883598
    """
    many, new, left, total = pseudo_counts(counted, support, a)
    return exact_sum(many * (new / total) * digamma_difference(new + 1.0, left))


def shrink(counted: CountsOfCounts, support: int) -> float:
    """The entropy of lambda/K + (1 - lambda) n/N, which shrinks the shares towards uniform: within 16 u.

    lambda = (1 - sum p^2)/((N - 1) sum (1/K - p)^2), p = n/N, between 0 and 1, is formed in whole numbers; it is 1 for
    a single case and where all shares are equal already.
    """
    weight = _shrinkage(counted, support)
    even, own = float(weight / support), float(1 - weight)
    others = float(weight * (support - 1) / support)
    total = float(counted.cases)
    p = even + own * (counted.doubles / total)
    terms = counted.multiplicities * (p * np.log1p((others + own * (counted.others / total)) / p))
    unseen = support - counted.occupied
    if unseen and even > 0.0:
        terms = np.append(terms, unseen * even * np.log1p((others + own) / even))
    return exact_sum(terms)


def _shrinkage(counted: CountsOfCounts, support: int) -> Fraction:
    total, squares = counted.cases, counted.squares
    spread = (total - 1) * (support * squares - total * total)
    if spread == 0:
        return Fraction(1)
    return min(Fraction(support * (total * total - squares), spread), Fraction(1))

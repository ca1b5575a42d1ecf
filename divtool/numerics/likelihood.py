"""Negative log-likelihoods of plain numbers, cell by cell, as the mean over the columns of a row."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from divtool.numerics.errorfree import Doubles, two_sum
from divtool.numerics.loggamma import log_factorial
from divtool.numerics.rowsum import row_sum

_QUIET: dict[str, Any] = {"invalid": "ignore", "over": "ignore", "under": "ignore", "divide": "ignore"}


def _mean(terms: Doubles) -> Doubles:
    return np.asarray(row_sum(terms) / max(terms.shape[1], 1))


def gaussian_rows(mean: Doubles, observed: Doubles, variance: Doubles, full: bool) -> Doubles:
    """1/2 (log v + (x - m)^2 / v), in nats (n,); ``full`` adds 1/2 log 2 pi.

    >>> import numpy as np
    >>> gaussian_rows(np.array([[1e200]]), np.array([[0.0]]), np.array([[1e300]]), False) / 1e100
    array([0.5])
    """
    with np.errstate(**_QUIET):
        off = mean - observed
        # divided first: the square alone might overflow
        terms = 0.5 * (np.log(variance) + off * (off / variance))
        return _mean(terms + 0.5 * math.log(2.0 * math.pi) if full else terms)


def poisson_rows(rate: Doubles, count: Doubles, log_input: bool, full: str, eps: float) -> Doubles:
    """e^x - k x, or r - k log(r + eps), in nats (n,); ``full`` is none, stirling or exact, for the term log k!.

    >>> import numpy as np
    >>> poisson_rows(np.array([[1.0]]), np.array([[0.0]]), False, "exact", 1e-8)
    array([1.])
    """
    with np.errstate(**_QUIET):
        total, lost = two_sum(rate, np.asarray(eps))
        log = rate if log_input else np.log(total) + lost / total
        expected = np.exp(rate) if log_input else rate
        terms = expected - np.where((count == 0.0) | (expected == np.inf), 0.0, count * log)
        if full == "exact":
            terms = terms + log_factorial(count)
        if full == "stirling":
            stirling = count * (np.log(count) - 1.0) + 0.5 * np.log(2.0 * math.pi * count)
            terms = terms + np.where(count > 1.0, stirling, 0.0)
        return _mean(terms)

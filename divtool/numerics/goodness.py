"""Whether a fitted model describes counts: the G-test on what it loses, and what chance alone would make it lose.

2 N KL(observed || model) is the statistic of the likelihood-ratio test (Wilks, S. S., 1938, The large-sample
distribution of the likelihood ratio, Ann. Math. Statist. 9). Were the model true, it would be chi-square with
cells - 1 - free degrees of freedom, whose mean is that number: KL would be that over 2 N.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from divtool.numerics.chisquare import chi_square_survival, log_chi_square_survival
from divtool.numerics.model_loss import Shape, logs_of
from divtool.numerics.observed import Observed

# Cochran, W. G. (1954), Some methods for strengthening the common chi-square tests, Biometrics 10: not more than one
# cell in five should expect fewer than five cases.
_FEW_CASES, _CELLS_TO_ONE_FEW = 5, 5
# A table of more cells is not looked at cell by cell: it counts as rough.
_MOST_CELLS = 1 << 20


@dataclass(frozen=True)
class Goodness:
    """``expected`` nats are lost on average by chance, were the model true. The p-value of the G-test, with its base-10
    logarithm, is None where as many parameters were found as there is to describe: ``degrees`` is then 0. ``rough``:
    more than a fifth of the cells expect fewer than 5 cases, and chi-square is far from what chance does. With more
    cells than cases it says nothing at all, and these three are None."""

    expected: float | None
    degrees: int
    p_value: float | None
    log10_p_value: float | None
    rough: bool


def goodness(observed: Observed, shape: Shape, free: int, nats: float) -> Goodness | None:
    """The test of a model with ``free`` parameters found, that loses ``nats``; None where nothing was counted.

    The cells are the outcomes of the support that the model gives mass to, those observed, and, as one cell, all else
    that it gives mass to. A model that rules out what was observed has a p-value of 0.

    >>> from divtool.numerics.model_loss import loss
    >>> from divtool.numerics.observed import observe
    >>> even = Shape(0, 1, lambda k: 0.0 * k, lambda k: [1] * len(k), 2)
    >>> coin = observe([0, 1], [40, 60], cases=100)
    >>> found = goodness(coin, even, 0, loss(coin, even).nats)
    >>> found.expected, found.degrees, round(found.p_value, 6), found.rough
    (0.005, 1, 0.044775, False)
    """
    cases = observed.cases
    if cases is None:
        return None
    cells, elsewhere = _cells(observed, shape)
    degrees = max(0, cells + elsewhere - 1 - free)
    if cells + elsewhere > cases and nats < math.inf:
        return Goodness(None, degrees, None, None, rough=True)
    rough = _is_rough(observed, shape, cells, elsewhere=elsewhere)
    if nats == math.inf:
        return Goodness(degrees / (2.0 * cases), degrees, 0.0, -math.inf, rough)
    if degrees == 0:
        return Goodness(0.0, 0, None, None, rough)
    statistic = 2.0 * cases * nats
    log10 = log_chi_square_survival(statistic, degrees) / math.log(10.0)
    # Not -0.0 where the p-value is 1.
    return Goodness(degrees / (2.0 * cases), degrees, chi_square_survival(statistic, degrees), log10 + 0.0, rough)


def _ends(observed: Observed, shape: Shape) -> tuple[int, int]:
    """The least and the greatest outcome of the support that the model gives mass to."""
    low = observed.first if shape.low is None else max(shape.low, observed.first)
    high = observed.last if shape.high is None else min(shape.high, observed.last)
    return low, high


def _cells(observed: Observed, shape: Shape) -> tuple[int, bool]:
    """How many outcomes are cells, and whether there is a cell of all other outcomes."""
    low, high = _ends(observed, shape)
    outcomes = observed.outcomes
    if shape.among is not None:
        inside = shape.among[(shape.among >= low) & (shape.among <= high)]
        found = np.union1d(inside, outcomes)
        return len(found), shape.beyond or bool((~np.isin(shape.among, found)).any())
    size = max(0, high - low + 1)
    apart = outcomes[(outcomes < low) | (outcomes > high)]
    whole = None if shape.low is None or shape.high is None else shape.high - shape.low + 1
    return size + len(apart), whole is None or whole > size + int(shape.has(apart).sum())


def _is_rough(observed: Observed, shape: Shape, cells: int, *, elsewhere: bool) -> bool:
    cases = observed.cases or 0
    together = cells + elsewhere
    # Only so many cells can expect enough.
    if cases // _FEW_CASES * _CELLS_TO_ONE_FEW < (_CELLS_TO_ONE_FEW - 1) * together or together > _MOST_CELLS:
        return True
    low, high = _ends(observed, shape)
    inside = np.arange(low, high + 1) if shape.among is None else shape.among
    named = np.union1d(inside[(inside >= low) & (inside <= high)], observed.outcomes)
    masses = np.exp(logs_of(shape, named))
    rest = 1.0 - math.fsum(masses.tolist())
    # Counts may be beyond 64 bits.
    few = int((float(cases) * masses < _FEW_CASES).sum()) + (elsewhere and float(cases) * rest < _FEW_CASES)
    return few * _CELLS_TO_ONE_FEW > together

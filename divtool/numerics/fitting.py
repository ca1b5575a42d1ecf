"""Searches for the parameters that minimise KL(observed || model), where no formula gives them.

Each is a root of the derivative of the loss (whose minimum is flat, so that the root is known to more digits than the
minimum), kept between two bounds.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from divtool.numerics.count_models import log_ranks, total_of
from divtool.numerics.errorfree import Doubles
from divtool.numerics.normal_cells import Cells, cells
from divtool.numerics.observed import Observed, weighted_sum

_QUIET: dict[str, Any] = {"invalid": "ignore", "over": "ignore", "under": "ignore", "divide": "ignore"}
_STEPS = 200
_FEW = 16
# A standard deviation below which a rounded normal has all its mass in one or two cells, to the last digit.
LEAST_DEVIATION = 0.05


def root(f: Callable[[float], float], low: float, high: float) -> float:
    """Where a function that is above 0 at ``low`` and below at ``high`` crosses 0, to the last digit (Illinois rule,
    with a halving wherever that is slow).

    >>> root(lambda x: 2.0 - x * x, 0.0, 2.0)
    1.414213562373095
    """
    at_low, at_high = f(low), f(high)
    for step in range(_STEPS):
        middle = (low + high) / 2.0
        if step % 3 < 2 and math.isfinite(at_low) and math.isfinite(at_high) and at_low > at_high:
            guess = low + (high - low) * (at_low / (at_low - at_high))
            middle = guess if low < guess < high else middle
        if not low < middle < high:
            break
        value = f(middle)
        if value == 0.0:
            return middle
        if value > 0.0:
            low, at_low, at_high = middle, value, at_high / 2.0
        else:
            high, at_high, at_low = middle, value, at_low / 2.0
    return low


def bracketed(f: Callable[[float], float], low: float, high: float) -> tuple[float, float]:
    """Bounds on the logarithm of a place of a crossing from above to below, beginning with these and going outwards."""
    for _ in range(_STEPS):
        if f(math.exp(low)) > 0.0 or low < -700.0:
            break
        low, high = low - 4.0, low
    for _ in range(_STEPS):
        if f(math.exp(high)) < 0.0 or high > 700.0:
            break
        low, high = high, high + 4.0
    return low, high


def digamma_rise(k: Doubles, r: float) -> Doubles:
    """psi(r + k) - psi(r) = sum of 1/(r + j) over j from 0 to k - 1, for whole numbers k (m,).

    >>> import numpy as np
    >>> digamma_rise(np.array([0.0, 2.0, 40.0]), 1.0).round(12).tolist()
    [0.0, 1.5, 4.278543038936]
    """
    total = np.zeros_like(k)
    for j in range(_FEW):
        total = total + np.where(k > j, 1.0 / (r + j), 0.0)
    start = r + _FEW
    beyond = np.maximum(k - _FEW, 0.0)
    rest = _digamma_rest(start + beyond) - _digamma_rest(np.array(start))
    return np.asarray(total + np.where(beyond > 0.0, np.log1p(beyond / start) + rest, 0.0))


def _digamma_rest(x: Doubles) -> Doubles:
    """psi(x) - log x for x of at least 16: Abramowitz and Stegun (1964), 6.3.18."""
    square = 1.0 / (x * x)
    series = square * (1 / 12 - square * (1 / 120 - square * (1 / 252 - square * (1 / 240 - square / 132))))
    return np.asarray(-0.5 / x - series)


def negative_binomial_size(observed: Observed, chance: float | None = None) -> float:
    """The size r that loses least, with p = r/(r + mean) or with a given p; infinite where the variance is not above
    the mean."""
    k, p, mean = observed.outcomes.astype(np.float64), observed.p, float(observed.mean)
    if chance is None and observed.variance <= observed.mean:
        return math.inf

    def slope(r: float) -> float:
        # The derivative of the loss, but for its sign.
        rest = math.log(chance) if chance is not None else -math.log1p(mean / r)
        return math.fsum([weighted_sum(p, digamma_rise(k, r)), rest])

    low, high = bracketed(slope, -4.0, 4.0)
    return root(slope, math.exp(low), math.exp(high))


def power_law_exponent(observed: Observed, shift: int, first: int, last: int) -> float:
    """The exponent that loses least over the ranks ``first`` to ``last``, an outcome's rank being itself + ``shift``:
    where the mean logarithm of the rank is that of what was observed. Newton's steps, kept between bounds."""
    ranks = np.arange(first, last + 1, dtype=np.float64)
    logs = log_ranks(ranks, first)
    seen = log_ranks((observed.outcomes + shift).astype(np.float64), first)
    if len(observed.outcomes) == 1 and int(observed.outcomes[0]) + shift in (first, last):
        return 0.0 if first == last else math.copysign(math.inf, 1.0 if seen[0] == 0.0 else -1.0)
    wanted = weighted_sum(observed.p, seen)
    low, high, exponent = -math.inf, math.inf, 1.0
    for _ in range(_STEPS):
        mean, variance = _moments_of_logs(logs, exponent)
        if mean == wanted:
            break
        low, high = (exponent, high) if mean > wanted else (low, exponent)
        moved = exponent + (mean - wanted) / variance if variance > 0.0 else math.nan
        moved = min(max(moved, exponent - 8.0), exponent + 8.0)
        moved = moved if low < moved < high else (low + high) / 2.0
        if not math.isfinite(moved) or not low < moved < high or abs(moved - exponent) <= 2.0**-53 * abs(exponent):
            break
        exponent = moved
    return exponent


def _moments_of_logs(logs: Doubles, exponent: float) -> tuple[float, float]:
    """Mean and variance of the logarithm of the rank."""
    top = 0.0 if exponent >= 0.0 else float(logs[-1])
    masses = np.exp(-exponent * (logs - top))
    total = total_of(masses)
    mean = total_of(masses * logs) / total
    return mean, total_of(masses * (logs - mean) ** 2) / total


def normal_parameters(observed: Observed, mean: float | None, deviation: float | None) -> tuple[float, float]:
    """Mean and standard deviation of the rounded normal that loses least, one of which may be given.

    In alpha = mean/deviation and beta = 1/deviation the loss is convex (the mass of a cell is log-concave in them), so
    that Newton's steps, halved where they overshoot, end in its one minimum. It may lie at deviation 0.
    """
    if mean is not None and deviation is not None:
        return mean, deviation
    centre = round(observed.mean)
    k, p = (observed.outcomes - centre).astype(np.float64), observed.p
    away = observed.variance if mean is None else observed.variance + (observed.mean - Fraction(mean)) ** 2
    beta = 1.0 / (deviation or max(math.sqrt(float(away)), LEAST_DEVIATION))
    start = float(observed.mean - centre) if mean is None else mean - centre
    # The directions in which the search may go: both, or along a given mean or a given deviation.
    ways = np.array([[1.0, 0.0]] if deviation is not None else [[start, 1.0]] if mean is not None else np.eye(2))
    place = _minimum(k, p, np.array([start * beta, beta]), ways)
    return centre + float(place[0] / place[1]), float(1.0 / place[1]) if deviation is None else deviation


def _minimum(k: Doubles, p: Doubles, place: Doubles, ways: Doubles) -> Doubles:
    most = 1.0 / LEAST_DEVIATION
    value, slope, bend = _value_and_slopes(k, p, place)
    for _ in range(_STEPS):
        along, curve = ways @ slope, ways @ bend @ ways.T
        with np.errstate(**_QUIET):
            try:
                step = ways.T @ np.linalg.solve(curve, -along)
            except np.linalg.LinAlgError:
                step = ways.T @ -along
        if ways.shape[0] > 1 or ways[0][1]:
            # The deviation stays above 0 and above the least.
            longest = (most - place[1]) / step[1] if step[1] > 0.0 else -0.9 * place[1] / step[1] if step[1] else 1.0
            step = step * min(1.0, longest)
        taken = _taken(k, p, place, step, value)
        if taken is None:
            break
        # Newton's steps square their error: behind one as small as this, the next is nothing.
        moved = bool((np.abs(taken[0] - place) > 2.0**-30 * np.maximum(np.abs(place), place[1])).any())
        place, (value, slope, bend) = taken
        if not moved:
            break
    return place


def _taken(k: Doubles, p: Doubles, place: Doubles, step: Doubles, value: float) -> Any:
    """The first of the step and its halves that does not lose more, with what is there; None if there is none."""
    for _ in range(40):
        new = place + step
        found = _value_and_slopes(k, p, new)
        if found[0] <= value:
            return None if (new == place).all() else (new, found)
        step = step / 2.0
    return None


def _value_and_slopes(k: Doubles, p: Doubles, place: Doubles) -> tuple[float, Doubles, npt.NDArray[np.float64]]:
    """The loss but for the entropy, its gradient and its second derivatives in alpha and beta."""
    alpha, beta = float(place[0]), float(place[1])
    found: Cells = cells(k, alpha, beta)
    value = weighted_sum(p, 0.0 - found.log_mass)
    slope = np.array([-weighted_sum(p, found.z), -weighted_sum(p, 1.0 / beta - found.zy)])
    bend_alpha = weighted_sum(p, 1.0 - found.z_z)
    mixed = -weighted_sum(p, found.y - found.z_zy)
    bend_beta = weighted_sum(p, 1.0 / beta**2 + found.y_y - found.zy_zy)
    return value, slope, np.array([[bend_alpha, mixed], [mixed, bend_beta]])


def best_cut(observed: Observed) -> int:
    """The least of the cuts from which a step with two levels loses least; cuts lie above ``first`` and up to
    ``last``."""
    outcomes, first, last = observed.outcomes, observed.first, observed.last
    # Between two outcomes that were observed the loss is concave in the cut: the best lie next to one of them.
    cuts = np.unique(np.concatenate([outcomes, outcomes + 1]))
    cuts = cuts[(cuts > first) & (cuts <= last)]
    below = np.array([0, *_running(observed)], dtype=np.float64)[np.searchsorted(outcomes, cuts)]
    above = 1.0 - below
    with np.errstate(**_QUIET):
        low = np.where(below > 0.0, below * np.log((cuts - first) / below), 0.0)
        high = np.where(above > 0.0, above * np.log((last + 1.0 - cuts) / above), 0.0)
    return int(cuts[np.argmin(low + high)])


def _running(observed: Observed) -> list[float]:
    """The share of the weight up to each outcome, each rounded once."""
    running, total, shares = 0, observed.total, []
    for weight in observed.weights:
        running += weight
        shares.append(running / total)
    return shares

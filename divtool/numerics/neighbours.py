"""Mutual information of numbers from the distances to their nearest neighbours, without intervals.

Two columns of numbers: estimator 1 of Kraskov, A., Stoegbauer, H. and Grassberger, P. (2004), Physical Review E 69,
066138. Numbers and classes: Ross, B. C. (2014), PLoS ONE 9, e87357. Both are in nats, of either sign, and 0 on average
where nothing is shared.

Their theory knows no equal numbers, and rounded ones mislead it: to take what coincides as it is finds 0.4 nats between
independent numbers rounded to one decimal. So equal numbers are set apart by less than 1/2000 of the gap to the next
number, by amounts that look random but depend on nothing except how the numbers are ranked: the same table gives the
same bits, in any order of its rows. Columns without equal numbers stay as they are.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from divtool.errors import ResourceError
from divtool.numerics.errorfree import Doubles
from divtool.numerics.gammas import digamma

Codes = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]

_APART = 2.0**-10
# Neighbours are asked for so many rows at once, which bounds what the answers take.
_AT_ONCE = 1 << 16
_ROUNDING = 2.0**-50
_MIX = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))


@dataclass(frozen=True)
class Numbers:
    """Numbers (n,) made ready: in standard deviations, with their places among the distinct ones.

    ``gaps`` is the distance of each to the nearest other number, None where all differ (or none does); ``mark`` tells
    columns apart by their ranks alone.
    """

    values: Doubles
    ranks: Codes
    gaps: Doubles | None
    mark: np.uint64

    @property
    def constant(self) -> bool:
        """Whether no two differ."""
        return not self.ranks.any()

    def taken(self, order: Codes) -> Numbers:
        """The same numbers in another order."""
        gaps = None if self.gaps is None else self.gaps[order]
        return Numbers(self.values[order], self.ranks[order], gaps, self.mark)


def numbers(values: Doubles) -> Numbers:
    """Finite numbers (n,) made ready.

    >>> numbers(np.array([1.0, 3.0, 3.0, 1.0])).values.tolist()
    [1.0, 3.0, 3.0, 1.0]
    """
    distinct, ranks = np.unique(values + 0.0, return_inverse=True)
    ranks = ranks.reshape(-1).astype(np.int64)
    # Numbers near the largest double have no sum of squares.
    distinct = np.ldexp(distinct, -math.frexp(float(np.abs(values).max(initial=0.0)))[1])
    spread = _standard_deviation(distinct[ranks]) if len(distinct) > 1 else 0.0
    distinct = distinct / spread if spread else distinct
    mark = _mixed(ranks.astype(np.uint64)).sum(dtype=np.uint64)
    if len(distinct) <= 1 or len(distinct) == ranks.size:
        return Numbers(distinct[ranks], ranks, None, mark)
    steps = np.concatenate([[np.inf], np.diff(distinct), [np.inf]])
    return Numbers(distinct[ranks], ranks, np.minimum(steps[:-1], steps[1:])[ranks], mark)


def _standard_deviation(x: Doubles) -> float:
    away = x - math.fsum(x.tolist()) / x.size
    return math.sqrt(math.fsum((away * away).tolist()) / x.size)


def ksg(x: Numbers, y: Numbers, neighbours: int = 3, threads: int = 1) -> float:
    """Mutual information in nats of two columns of n numbers, by the distance to the k-th nearest neighbour.

    psi(k) + psi(n) - mean(psi(a + 1) + psi(b + 1)), where a and b count the other numbers of x and of y that lie
    nearer than the k-th neighbour of the point (the larger of the two distances counts, in standard deviations).
    Points that still coincide with k others are counted as they are: psi of the number of points there takes the place
    of psi(k), as in Gao, W., Kannan, S., Oh, S. and Viswanath, P. (2017), NIPS 30.

    NaN for n <= k. The same bits for any order of the rows, and for x and y exchanged.

    >>> steps = numbers(np.array([0.0, 0.5, 1.5, 3.5, 7.0]))
    >>> round(ksg(steps, steps, neighbours=1), 12)  # psi(5) - psi(1)
    2.083333333333
    """
    n = x.values.size
    if n <= neighbours:
        return math.nan
    if x.constant or y.constant:
        return 0.0
    copies = _copies(x.ranks, y.ranks) if x.gaps is not None and y.gaps is not None else None
    a, b = _apart(x, y.ranks, copies), _apart(y, x.ranks, copies)
    points = np.stack([a, b], axis=1)
    tree = _tree(points)
    reach = np.concatenate([
        tree.query(points[i : i + _AT_ONCE], k=[neighbours + 1], p=np.inf, workers=threads)[0][:, 0]
        for i in range(0, n, _AT_ONCE)
    ])  # fmt: skip
    wide, high = _slack(a, reach), _slack(b, reach)
    same = reach <= np.maximum(wide, high)
    counts = np.full(n, neighbours, np.int64)
    if same.any():
        about = reach + np.maximum(wide, high)
        counts[same] = tree.query_ball_point(points[same], about[same], p=np.inf, return_length=True)
    inside = (_within(np.sort(each), each, np.where(same, reach + slack, reach - slack))
              for each, slack in ((a, wide), (b, high)))  # fmt: skip
    return _mean_psi(n, (counts,), tuple(inside))


def ross(x: Numbers, classes: Codes, neighbours: int = 3) -> float:
    """Mutual information in nats of n numbers and their classes 0, 1, ..., by the distance to the k-th nearest number
    of the same class.

    psi(n) + mean(psi(k) - psi(c) - psi(m)), where c is the size of the class and m counts the number itself and all
    those of any class that lie nearer. Classes of at most k cases take all their other numbers for neighbours; every
    class must have 2 cases at least (:func:`repeated`). NaN for n = 0.

    >>> x = numbers(np.array([0.0, 1.0, 3.0, 10.0, 12.0, 15.0]))
    >>> round(ross(x, np.array([0, 0, 0, 1, 1, 1]), neighbours=1), 12)  # psi(6) - psi(3)
    0.783333333333
    """
    n = x.values.size
    if not n or x.constant:
        return 0.0 if n else math.nan
    a = _apart(x, classes, None if x.gaps is None else _copies(x.ranks, classes))
    sizes = np.bincount(classes)
    inside, nearest = np.empty(n), np.empty(n, np.int64)
    for places in np.split(np.lexsort((a, classes)), np.cumsum(sizes)[:-1]):
        if places.size:
            mine, k = a[places], min(neighbours, places.size - 1)
            reach = _kth(mine, k)
            slack = _slack(mine, reach)
            same = reach <= slack
            inside[places] = np.where(same, reach + slack, reach - slack)
            nearest[places] = np.where(same, _within(mine, mine, reach + slack), k)
    return _mean_psi(n, (nearest,), (sizes[classes], _within(np.sort(a), a, inside)))


def repeated(classes: Codes) -> npt.NDArray[np.bool_]:
    """The cases (n,) whose class has another case: of the others no neighbour is known.

    >>> repeated(np.array([0, 1, 0])).tolist()
    [True, False, True]
    """
    return np.asarray(np.bincount(classes)[classes] > 1) if classes.size else np.zeros(0, np.bool_)


def shuffled(estimate: Callable[[Codes], float], cases: int, permutations: int, rng: np.random.Generator) -> Doubles:
    """What an estimate makes of random orders of one of the columns (permutations,)."""
    return np.array([estimate(rng.permutation(cases)) for _ in range(permutations)])


def _tree(points: Doubles) -> Any:
    """What finds neighbours in the plane."""
    try:
        from scipy.spatial import cKDTree
    except ImportError:
        raise ResourceError(
            "nearest neighbours of pairs of numbers are found by scipy, which is not installed",
            hint="pip install 'divtool[ksg]'",
        ) from None
    return cKDTree(points)


def _kth(rising: Doubles, k: int) -> Doubles:
    """The distance of each of some rising numbers to its k-th nearest other one."""
    n = rising.size
    found = np.full(n, np.inf)
    for below in range(k + 1):
        # So many of the neighbours lie below, the others above.
        here = slice(below, n - (k - below))
        middle = rising[here]
        reach = np.maximum(middle - rising[: n - k], rising[k:] - middle)
        found[here] = np.minimum(found[here], reach)
    return found


def _slack(values: Doubles, reach: Doubles) -> Doubles:
    """What rounding may add to the ends of an interval: the neighbour at its very end must not be counted."""
    return np.asarray(_ROUNDING * (np.abs(values) + reach))


def _within(rising: Doubles, values: Doubles, reach: Doubles) -> Codes:
    """How many numbers lie within reach of each, itself among them."""
    first = np.searchsorted(rising, values - reach, side="left")
    return np.asarray(np.searchsorted(rising, values + reach, side="right") - first, np.int64)


def _mean_psi(n: int, added: tuple[Codes, ...], taken: tuple[Codes, ...]) -> float:
    """psi(n) + the mean over n points of psi of some counts, less psi of others: every psi is weighed by an exact whole
    number, so that neither order nor side changes a bit, and what cancels is 0."""
    weights = np.zeros(n + 1, np.int64)
    weights[n] = n
    for sign, columns in ((1, added), (-1, taken)):
        for counts in columns:
            weights += sign * np.bincount(counts, minlength=n + 1)
    used = np.flatnonzero(weights)
    return math.fsum((weights[used] * _psi(n)[used]).tolist()) / n


@lru_cache(maxsize=1)
def _psi(n: int) -> Doubles:
    """psi of 0 (taken as 0, for it is not used) to n."""
    return np.concatenate([[0.0], digamma(np.arange(1.0, n + 1.0))])


def _apart(x: Numbers, others: Codes, copies: Codes | None) -> Doubles:
    """The numbers with equal ones set apart; ``others`` are the ranks of what they are paired with."""
    if x.gaps is None:
        return x.values
    word = _mixed(_mixed(x.ranks.astype(np.uint64)) + x.mark)
    word = _mixed(word + _mixed(others.astype(np.uint64)))
    if copies is not None:
        word = _mixed(word + copies.astype(np.uint64))
    part = (word >> np.uint64(11)).astype(np.float64) * 2.0**-53 - 0.5
    return np.asarray(x.values + _APART * x.gaps * part)


def _copies(x: Codes, y: Codes) -> Codes:
    """For each pair of ranks how many of the rows before it hold the same pair."""
    pairs = x * (int(y.max(initial=0)) + 1) + y
    order = np.argsort(pairs, kind="stable")
    found = pairs[order]
    begins = np.concatenate([[True], found[1:] != found[:-1]]) if found.size else np.zeros(0, np.bool_)
    starts = np.maximum.accumulate(np.where(begins, np.arange(found.size), 0))
    copies = np.empty(found.size, np.int64)
    copies[order] = np.arange(found.size) - starts
    return copies


def _mixed(words: Words) -> Words:
    """Steele, Lea and Flood's (2014) splitmix64: neighbouring words become unrelated ones."""
    with np.errstate(over="ignore"):
        mixed = words + _MIX[0]
        mixed = (mixed ^ (mixed >> np.uint64(30))) * _MIX[1]
        mixed = (mixed ^ (mixed >> np.uint64(27))) * _MIX[2]
    return np.asarray(mixed ^ (mixed >> np.uint64(31)))

"""How many outcomes were seen once, twice, ...: all that an estimator of entropy needs of a sample."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from divtool.errors import InputError
from divtool.numerics.errorfree import Doubles

Integers = npt.NDArray[Any]

_MOST_PLAIN = 1 << 62


@dataclass(frozen=True, eq=False)
class CountsOfCounts:
    """``multiplicities`` (g,) outcomes were seen ``values`` (g,) times each; values rise and are above 0.

    Both are whole numbers: int64 while the number of cases fits, else Python's own (dtype object).

    >>> counted = CountsOfCounts.of([3, 0, 1, 1])
    >>> counted.values.tolist(), counted.multiplicities.tolist(), counted.cases, counted.occupied
    ([1, 3], [2, 1], 5, 3)
    """

    values: Integers
    multiplicities: Integers

    @classmethod
    def of(cls, counts: Any) -> CountsOfCounts:
        """From the counts of the outcomes, in any order and shape; those of 0 are left out."""
        whole = _whole(counts)
        values, multiplicities = np.unique(whole[whole != 0], return_counts=True)
        kind = np.int64 if sum(whole.tolist()) < _MOST_PLAIN else object
        return cls(values.astype(kind), multiplicities.astype(np.int64))

    @cached_property
    def cases(self) -> int:
        """N, the number of cases: the sum of all counts."""
        return sum(v * m for v, m in zip(self.values.tolist(), self.multiplicities.tolist(), strict=True))

    @cached_property
    def occupied(self) -> int:
        """The number of outcomes that were seen."""
        return sum(self.multiplicities.tolist())

    def seen(self, times: int) -> int:
        """How many outcomes were seen exactly so many times."""
        return int(self.multiplicities[self.values == times].sum())

    @cached_property
    def squares(self) -> int:
        """The sum of the squared counts, exactly."""
        return sum(v * v * m for v, m in zip(self.values.tolist(), self.multiplicities.tolist(), strict=True))

    @cached_property
    def doubles(self) -> Doubles:
        """The values n (g,) as doubles."""
        return _doubles(self.values)

    @cached_property
    def others(self) -> Doubles:
        """N - n (g,) as doubles, rounded only once."""
        return _doubles(self.cases - self.values)

    @cached_property
    def shares(self) -> Doubles:
        """The share n m / N (g,) of the cases that fell on the m outcomes seen n times."""
        if self.values.dtype != object:
            return np.asarray(self.doubles * self.multiplicities / float(self.cases))
        pairs = zip(self.values.tolist(), self.multiplicities.tolist(), strict=True)
        return np.array([v * m / self.cases for v, m in pairs], np.float64)


def _whole(counts: Any) -> Integers:
    array = np.asarray(counts).reshape(-1)
    if array.size == 0:
        return np.zeros(0, np.int64)
    if array.dtype.kind == "f" and not isinstance(counts, np.ndarray):
        array = np.array(counts, object).reshape(-1)  # a list of integers of which some are beyond int64
    if array.dtype.kind not in "iuO" or not all(isinstance(each, int | np.integer) for each in _objects(array)):
        raise InputError("the counts hold what is no whole number", hint="counts say how often each outcome was seen")
    if (array < 0).any():
        raise InputError("the counts hold a number below 0", hint="counts say how often each outcome was seen")
    return array if array.dtype.kind == "i" else np.array([int(each) for each in array.tolist()], object)


def _objects(array: Integers) -> list[Any]:
    return array.tolist() if array.dtype == object else []


def _doubles(whole: Integers) -> Doubles:
    try:
        return np.asarray(whole, np.float64)
    except OverflowError:
        return np.array([_double(each) for each in whole.tolist()])


def _double(whole: int) -> float:
    try:
        return float(whole)
    except OverflowError:
        return math.inf

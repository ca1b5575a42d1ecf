"""A distribution over whole numbers as it was observed: exact weights, and what follows from them with one rounding."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from divtool.errors import InputError
from divtool.numerics.errorfree import Doubles

Integers = npt.NDArray[np.int64]

# Differences and halves of outcomes stay exact doubles.
MOST_OUTCOME = 1 << 52
# The logarithm of a smaller quotient is a difference of logarithms: the quotient has lost its digits.
_SMALL = 1e-290


@dataclass(frozen=True)
class Observed:
    """``outcomes`` (m,) in rising order, each with a weight above 0, as whole multiples of a unit that does not matter;
    the support goes from ``first`` to ``last``. ``cases``: how many cases were counted, None where the weights are
    probabilities.

    >>> observed = observe([3, 0], [1, 3], cases=4)
    >>> observed.mean, observed.p.tolist(), (observed.first, observed.last)
    (Fraction(3, 4), [0.75, 0.25], (0, 3))
    """

    outcomes: Integers
    weights: tuple[int, ...]
    first: int
    last: int
    cases: int | None = None

    @cached_property
    def total(self) -> int:
        """The sum of the weights."""
        return sum(self.weights)

    @cached_property
    def mean(self) -> Fraction:
        """The mean, exactly."""
        pairs = zip(self.outcomes.tolist(), self.weights, strict=True)
        return Fraction(sum(outcome * weight for outcome, weight in pairs), self.total)

    @cached_property
    def variance(self) -> Fraction:
        """The mean square distance from the mean, exactly."""
        pairs = zip(self.outcomes.tolist(), self.weights, strict=True)
        square = sum(outcome * outcome * weight for outcome, weight in pairs)
        return Fraction(square, self.total) - self.mean**2

    @cached_property
    def p(self) -> Doubles:
        """The probabilities (m,), each rounded once."""
        total = self.total
        return np.array([weight / total for weight in self.weights])

    @cached_property
    def log_p(self) -> Doubles:
        """Their logarithms (m,), to a few units in the last place, also where a probability is nearly 1."""
        return np.array([log_of_quotient(weight, self.total) for weight in self.weights])

    @cached_property
    def entropy(self) -> float:
        """The entropy in nats."""
        return math.fsum((self.p * (0.0 - self.log_p)).tolist())

    def widened(self, first: int, last: int) -> Observed:
        """The same over another support."""
        return Observed(self.outcomes, self.weights, first, last, self.cases)


def observe(outcomes: Sequence[int], weights: Sequence[int], *, cases: int | None = None) -> Observed:
    """Different outcomes in any order with their weights, of which those of 0 belong to the support alone.

    Raises :class:`InputError` where there is no weight at all, or an outcome beyond 2**52.
    """
    pairs = sorted(zip(outcomes, weights, strict=True))
    filled = [(outcome, weight) for outcome, weight in pairs if weight]
    if not filled:
        raise InputError("nothing was observed: all weights are 0; expected some that are above 0")
    first, last = pairs[0][0], pairs[-1][0]
    if max(abs(first), abs(last)) > MOST_OUTCOME:
        far = first if abs(first) > MOST_OUTCOME else last
        raise InputError(f"the outcome {far} is out of range; expected -2^52 to 2^52")
    found, held = zip(*filled, strict=True)
    return Observed(np.array(found, np.int64), held, first, last, cases)


def whole_multiples(values: Iterable[float | int]) -> list[int]:
    """Finite numbers as whole multiples of one unit, a power of two.

    >>> whole_multiples([0.5, 0.25, 3.0])
    [2, 1, 12]
    """
    ratios = [value.as_integer_ratio() for value in values]
    unit = max((below for _, below in ratios), default=1)
    return [above * (unit // below) for above, below in ratios]


def log_of_quotient(above: int, below: int) -> float:
    """log(above / below) of whole numbers of any size, with a small relative error also where they are nearly equal.

    >>> log_of_quotient(10**400, 10**400 - 1) > 0.0, log_of_quotient(0, 3)
    (False, -inf)
    """
    if above == 0:
        return -math.inf
    if 2 * above > below and above < 2 * below:
        return math.log1p((above - below) / below)
    if above > below:
        return 0.0 - log_of_quotient(below, above)
    quotient = above / below
    return math.log(quotient) if quotient > _SMALL else math.log(above) - math.log(below)


def weighted_sum(p: Doubles, x: Any) -> float:
    """The sum of p x (m,), of which only the products are rounded and the sum once more; 0 where p is 0."""
    return math.fsum(np.where(p > 0.0, p * x, 0.0).tolist())

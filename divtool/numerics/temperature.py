"""The slope of the negative log-likelihood in the inverse temperature, row by row, and its root.

With b = 1/T, the cost of a row is log sum_j exp(b d_j), where d_j is the logit of class j less that of the label. It is
convex in b; its slope is the mean of d under softmax(b x), its curvature the variance.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from divtool.numerics.exactsum import Doubles
from divtool.numerics.rowsum import row_sum


class Slopes(NamedTuple):
    """For each row (n,): the slope and the curvature of its cost."""

    slope: Doubles
    curvature: Doubles


def leads(logits: Doubles, codes: npt.NDArray[np.int64]) -> Doubles:
    """The logit of each class less that of the label (n, C): -inf for an impossible class, +inf where the label itself
    is impossible beside it.

    >>> leads(np.array([[2.0, 1.0, -np.inf], [np.inf, 0.0, np.inf]]), np.array([1, 0])).tolist()
    [[1.0, 0.0, -inf], [0.0, -inf, 0.0]]
    """
    own = logits[np.arange(len(codes)), codes][:, None]
    with np.errstate(invalid="ignore", over="ignore"):
        # Two infinite logits share the mass; two impossible ones are as far apart as the label is from any other.
        return np.where(logits == own, np.where(own == -np.inf, np.inf, 0.0), logits - own)


def slopes(lead: Doubles, inverse: float) -> Slopes:
    """Slope and curvature of log sum_j exp(inverse * lead_j) in ``inverse``, for leads without +inf (n, C).

    ``inverse`` 0 is the limit from above: impossible classes have no mass there either.

    >>> slopes(np.array([[0.0, 1.0]]), 0.0)
    Slopes(slope=array([0.5]), curvature=array([0.25]))
    """
    finite = np.where(lead == -np.inf, 0.0, lead)
    scaled = inverse * finite
    top = np.where(lead == -np.inf, -np.inf, scaled).max(axis=1, keepdims=True)
    mass = np.where(lead == -np.inf, 0.0, np.exp(scaled - top))
    mass = mass / row_sum(mass)[:, None]
    slope = row_sum(mass * finite)
    off = finite - slope[:, None]
    return Slopes(slope, row_sum(mass * off * off))


# A step of Newton's method that is so small beside its place squares to nothing.
_SETTLED = 2.0**-30
# A step may not change the temperature by more than this factor.
_STRIDE = 16.0


class Search:
    """Safeguarded Newton steps to the root of an increasing function of a number above 0.

    >>> search = Search(1.0)
    >>> while not search.done:
    ...     search.take(search.at**3 - 2.0, 3.0 * search.at**2)
    >>> search.at == 2.0 ** (1 / 3)
    True
    """

    def __init__(self, start: float) -> None:
        self.at, self.low, self.high = start, 0.0, math.inf
        self.done = False

    def take(self, value: float, slope: float) -> None:
        """What was found at ``at``; moves on, or is done."""
        if value < 0.0:
            self.low = self.at
        else:
            self.high = self.at
        step = value / slope if slope > 0.0 else math.copysign(math.inf, value)
        found = min(max(self.at - step, self.at / _STRIDE), self.at * _STRIDE)
        self.done = abs(found - self.at) <= _SETTLED * self.at
        if not self.done and not self.low < found < self.high:
            # The step leads out of what is known to hold the root; both ends are known, or it would have been cut.
            found = math.sqrt(self.low) * math.sqrt(self.high)
        self.at = found

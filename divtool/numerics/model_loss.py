"""What a model of an observed distribution loses: KL(observed || model), KL(model || observed) and the log-likelihood.

KL is the sum of p g(log(q/p)), g(t) = e^t - 1 - t, over what was observed and of the model's mass elsewhere: terms that
are at least 0, so that a model that is nearly right loses a small number with digits of its own. Where the masses are
ratios of whole numbers, log(q/p) is exact but for one rounding.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from divtool.numerics.divergence import g
from divtool.numerics.errorfree import Doubles
from divtool.numerics.observed import Observed, log_of_quotient, weighted_sum

Integers = npt.NDArray[np.int64]
# Above it the plain sum of p log(p/q) is as good.
_FAR = 0.5
# So many masses are looked at to find what lies outside of what was observed.
_MOST_WALKED = 1 << 22
_FIRST_STEP = 1 << 10
_NEGLIGIBLE = 2.0**-58


@dataclass(frozen=True)
class Shape:
    """A distribution over whole numbers from ``low`` to ``high`` (None: without end there), all of which have mass.

    ``logs`` gives the logarithms of the masses of outcomes (m,); where the masses are ratios of whole numbers,
    ``whole`` gives their numerators, over the sum ``of``. ``among`` are the outcomes that alone have mass, if not all
    between the ends have; ``beyond``: the rest up to 1 lies on other outcomes, nobody knows which.
    """

    low: int | None
    high: int | None
    logs: Callable[[Doubles], Doubles]
    whole: Callable[[Sequence[int]], list[int]] | None = None
    of: int = 1
    among: Integers | None = None
    beyond: bool = False

    def has(self, outcomes: Integers) -> npt.NDArray[np.bool_]:
        """Which outcomes (m,) have mass."""
        inside = np.ones(len(outcomes), np.bool_) if self.low is None else outcomes >= self.low
        if self.high is not None:
            inside &= outcomes <= self.high
        return inside if self.among is None else np.isin(outcomes, self.among)


class Loss(NamedTuple):
    """A number in nats, the outcome that makes it infinite, and what it may be off by where a small mass had to be
    found by a subtraction (0.0: a few units in the last place)."""

    nats: float
    at: int | None = None
    bound: float = 0.0


def loss(observed: Observed, shape: Shape) -> Loss:
    """KL(observed || model) in nats: infinite where the model gives no mass to something observed.

    >>> from divtool.numerics.observed import observe
    >>> even = Shape(0, 1, lambda k: 0.0 * k, lambda k: [1] * len(k), 2)
    >>> loss(observe([0, 1], [1, 1]), even).nats, round(loss(observe([0, 1], [1, 3]), even).nats, 15)
    (0.0, 0.130812035941137)
    """
    has = shape.has(observed.outcomes)
    if not has.all():
        return Loss(math.inf, int(observed.outcomes[np.argmin(has)]))
    p, q, t = pair(observed, shape)
    if not (t > -math.inf).all():
        # A mass whose logarithm is no double.
        return Loss(math.inf, int(observed.outcomes[np.argmin(t)]))
    plain = weighted_sum(p, 0.0 - t)
    if shape.whole is None and plain > _FAR:
        return Loss(plain)
    inside = math.fsum(_terms(p, q, t).tolist())
    outside, bound = _outside(observed, shape, q, inside)
    return Loss(math.fsum((inside, outside)), None, bound)


def reverse_loss(observed: Observed, shape: Shape) -> Loss:
    """KL(model || observed) in nats: infinite where the model gives mass to something that was not observed."""
    if shape.beyond:
        return Loss(math.inf)
    gap = first_unobserved(observed, shape)
    if gap is not None:
        return Loss(math.inf, gap)
    p, q, t = pair(observed, shape)
    return Loss(math.fsum(_terms(q, p, 0.0 - t).tolist()))


def log_likelihood(observed: Observed, shape: Shape) -> float:
    """The logarithm of the chance to see these cases in their order: sum of n log q; -inf where there is none."""
    if not shape.has(observed.outcomes).all():
        return -math.inf
    logs = logs_of(shape, observed.outcomes)
    return math.fsum(count * log for count, log in zip(observed.weights, logs.tolist(), strict=True))


def logs_of(shape: Shape, outcomes: Integers) -> Doubles:
    """The logarithms of the masses of some outcomes (m,), -inf where there is none."""
    has = shape.has(outcomes)
    logs = np.full(len(outcomes), -math.inf)
    inside = outcomes[has]
    if shape.whole is not None:
        logs[has] = [log_of_quotient(mass, shape.of) for mass in shape.whole(inside.tolist())]
    else:
        logs[has] = shape.logs(inside.astype(np.float64))
    return logs


def pair(observed: Observed, shape: Shape) -> tuple[Doubles, Doubles, Doubles]:
    """p, q and t = log(q/p), each (m,), of what was observed."""
    if shape.whole is None:
        log_q = logs_of(shape, observed.outcomes)
        return observed.p, np.exp(log_q), log_q - observed.log_p
    held, total = observed.weights, observed.total
    has = shape.has(observed.outcomes)
    some = iter(shape.whole(observed.outcomes[has].tolist()))
    masses = [next(some) if each else 0 for each in has.tolist()]
    q = np.array([mass / shape.of for mass in masses])
    pairs = zip(masses, held, strict=True)
    t = np.array([log_of_quotient(mass * total, weight * shape.of) for mass, weight in pairs])
    return observed.p, q, t


def _terms(p: Doubles, q: Doubles, t: Doubles) -> Doubles:
    """p g(t) = q - p - p t of each outcome (m,), never below 0; q where p is 0."""
    near = np.abs(t) <= 1.0
    with np.errstate(invalid="ignore"):
        far = np.maximum((q - p) - p * np.where(p > 0.0, t, 0.0), 0.0)
    return np.where(near, p * g(np.where(near, t, 0.0)), far)


def first_unobserved(observed: Observed, shape: Shape) -> int | None:
    """The least outcome that the model gives mass to and that was not observed; of one without end below, the greatest
    below all that was."""
    if shape.low is None:
        return int(observed.outcomes[0]) - 1
    if shape.among is not None:
        missing = shape.among[~np.isin(shape.among, observed.outcomes)]
        return int(missing[0]) if missing.size else None
    inside = observed.outcomes[shape.has(observed.outcomes)]
    odd = np.flatnonzero(inside != shape.low + np.arange(len(inside)))
    gap = shape.low + (int(odd[0]) if odd.size else len(inside))
    return gap if shape.high is None or gap <= shape.high else None


def _outside(observed: Observed, shape: Shape, q: Doubles, inside: float) -> tuple[float, float]:
    """The model's mass where nothing was observed, and what it may be off by."""
    if shape.whole is not None:
        return (shape.of - sum(shape.whole(observed.outcomes.tolist()))) / shape.of, 0.0
    found = _walked(observed, shape, inside)
    if found is not None:
        return found, 0.0
    observed_mass = math.fsum(q.tolist())
    return max(0.0, 1.0 - observed_mass), 2.0**-48 * observed_mass


def _walked(observed: Observed, shape: Shape, inside: float) -> float | None:
    """The same as a sum of masses, None where there are too many of them."""
    outcomes = observed.outcomes
    least, greatest = int(outcomes[0]), int(outcomes[-1])
    if greatest - least + 1 - len(outcomes) > _MOST_WALKED:
        return None
    steps = np.diff(outcomes)
    wide = np.flatnonzero(steps > 1)
    gaps = [np.arange(outcomes[i] + 1, outcomes[i + 1]) for i in wide.tolist()]
    sums = [_mass(shape, np.concatenate(gaps))] if gaps else []
    for side in (_tail(shape, greatest, 1, inside), _tail(shape, least, -1, inside)):
        if side is None:
            return None
        sums.append(side)
    return math.fsum(sums)


def _mass(shape: Shape, outcomes: Integers) -> float:
    return math.fsum(np.exp(logs_of(shape, outcomes)).tolist())


def _tail(shape: Shape, start: int, step: int, scale: float) -> float | None:
    """The mass beyond an outcome, up or down, until the rest is nothing beside it."""
    end = shape.high if step > 0 else shape.low
    sums: list[float] = []
    done, size = 0, _FIRST_STEP
    while done < _MOST_WALKED:
        left = size if end is None else min(size, abs(end - start) - done)
        if left <= 0:
            return math.fsum(sums)
        outcomes = start + step * np.arange(done + 1, done + left + 1)
        masses = np.exp(logs_of(shape, outcomes))
        sums.append(math.fsum(masses.tolist()))
        done, size = done + left, 2 * size
        before, last = (float(masses[-2]), float(masses[-1])) if left > 1 else (1.0, float(masses[-1]))
        # Masses that fall faster and faster, as these do, end below this.
        if last == 0.0 or (last < before and last * last / (before - last) <= _NEGLIGIBLE * (scale + math.fsum(sums))):
            return math.fsum(sums)
    return None

"""The laws that a measure may declare, each a predicate that tests run on every measure, declared or not.

A declared law must hold on every sample; an undeclared one must have a counter-example among them. So a declaration
can neither promise too much nor too little.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

Doubles: TypeAlias = npt.NDArray[np.float64]
Kept: TypeAlias = npt.NDArray[np.bool_]
U = 2.0**-53


@dataclass(frozen=True)
class Sample:
    """Logits of a reference and of a model, (n, C) each, and a label a row."""

    p: Doubles
    q: Doubles
    labels: npt.NDArray[np.int64]

    def changed(self, **parts: npt.NDArray[np.float64] | npt.NDArray[np.int64]) -> Sample:
        """The same sample with other parts."""
        return Sample(**{**vars(self), **parts})


class Score(Protocol):
    """A measure applied to a sample: one number a row."""

    def __call__(self, sample: Sample) -> Doubles: ...


@dataclass(frozen=True)
class Law:
    """``kept`` tells for each row whether the law holds; it applies to measures that have all of ``roles`` and, where
    it is a law ``of_logits``, take logits."""

    name: str
    statement: str
    roles: frozenset[str]
    kept: Callable[[Score, Sample], Kept]
    of_logits: bool = False

    def holds(self, score: Score, sample: Sample) -> Kept:
        """For each row whether the law holds; a row that has no number (NaN) keeps it."""
        kept: Kept = self.kept(score, sample) | np.isnan(score(sample))
        return kept

    def applies_to(self, roles: tuple[str, ...]) -> bool:
        """Whether the law can be asked of a measure with these operands."""
        return self.roles <= set(roles)


PAIR = frozenset({"p", "q"})
ANY: frozenset[str] = frozenset()


def _near(a: Doubles, b: Doubles, units: float) -> Kept:
    with np.errstate(invalid="ignore"):
        close: Kept = (a == b) | (np.abs(a - b) <= units * U * np.maximum(np.abs(a), np.abs(b)))
        return close


def _non_negative(score: Score, sample: Sample) -> Kept:
    return np.greater_equal(score(sample), 0.0)


def _zero_on_identical(score: Score, sample: Sample) -> Kept:
    return np.equal(score(sample.changed(q=sample.p)), 0.0)


def _symmetric(score: Score, sample: Sample) -> Kept:
    return np.equal(score(sample), score(sample.changed(p=sample.q, q=sample.p)))


def _permutation(score: Score, sample: Sample) -> Kept:
    classes = sample.p.shape[1]
    # Even classes, then odd: neighbours part, which a rotation would leave together.
    order = np.argsort(np.arange(classes) % 2 * classes + np.arange(classes)[::-1], kind="stable")
    moved = Sample(sample.p[:, order], sample.q[:, order], np.argsort(order)[sample.labels])
    return _near(score(sample), score(moved), 64.0)


def _below_log_classes(score: Score, sample: Sample) -> Kept:
    bound = float(np.log(sample.p.shape[1])) * (1.0 + 8.0 * U)
    return np.less_equal(score(sample), bound)


def _shift(score: Score, sample: Sample) -> Kept:
    # Half-integers below 2**20 and a shift of 2**20: every sum is exact, so every difference of logits is unchanged.
    p, q = np.round(sample.p * 2.0) / 2.0, np.round(sample.q * 2.0) / 2.0
    coarse, moved = sample.changed(p=p, q=q), sample.changed(p=p + 2.0**20, q=q + 2.0**20)
    return np.equal(score(coarse), score(moved))


def _power_of_two_temperature(score: Score, sample: Sample) -> Kept:
    hotter = sample.changed(p=sample.p / 2.0, q=sample.q / 2.0)
    return np.less_equal(score(sample), score(hotter) * (1.0 + 8.0 * U))


def _at_most_one(score: Score, sample: Sample) -> Kept:
    return np.less_equal(score(sample), 1.0 + 8.0 * U)


def _triangle(score: Score, sample: Sample) -> Kept:
    # The third corner is another row of the reference, so that it may be near or far from both.
    third = np.roll(sample.p, 1, axis=0)
    straight = score(sample)
    around = score(sample.changed(q=third)) + score(sample.changed(p=third))
    return np.less_equal(straight, around * (1.0 + 64.0 * U) + 1e-300)


LAWS: dict[str, Law] = {
    law.name: law
    for law in (
        Law("non-negative", "never below 0", ANY, _non_negative),
        Law("zero-on-identical", "exactly 0 where both sides are the same", PAIR, _zero_on_identical),
        Law("symmetric", "the same bits with the sides exchanged", PAIR, _symmetric),
        Law("class-permutation", "the same number in any order of the classes", ANY, _permutation),
        Law("shift-invariant", "the same bits when a constant is added to every logit", ANY, _shift, True),
        Law("at-most-log-classes", "never above the logarithm of the number of classes", ANY, _below_log_classes),
        Law("at-most-one", "never above 1", ANY, _at_most_one),
        Law("triangle-inequality", "never more than the way over a third distribution", PAIR, _triangle),
        Law("grows-with-temperature", "never falls when all logits are halved", ANY, _power_of_two_temperature, True),
    )
}

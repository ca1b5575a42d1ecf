"""What a column tells of the target, from the joint table of both: the gain, what chance would give, a p-value."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from divtool.accumulators.joint_table import Integers, JointTable
from divtool.findings import Gain, PairGain
from divtool.measures.information import Estimate, information_of
from divtool.measures.joint_chance import few_expected
from divtool.measures.joint_information import share
from divtool.measures.joint_several import conditional_mutual_information
from divtool.numerics import association
from divtool.numerics.chisquare import chi_square_survival, log_chi_square_survival
from divtool.numerics.errorfree import Doubles
from divtool.numerics.resampling import permutation_p, permuted_information
from divtool.units import Unit

_LOG_TEN = math.log(10.0)
_HIGH = 0.99


@dataclass(frozen=True)
class Null:
    """How the gain of a column that tells nothing is known: by chi-square, or from so many random permutations."""

    permutations: int = 0
    seed: int = 0

    def random(self, column: str) -> np.random.Generator:
        """The random numbers of a column: they follow from its name, wherever it stands."""
        return np.random.default_rng([self.seed, *column.encode("utf-8", "surrogatepass")])

    def __str__(self) -> str:
        if self.permutations:
            return f"{self.permutations:,} random permutations, seed {self.seed}"
        return "chi-square, (|X| - 1)(|Y| - 1) degrees of freedom"


def gain_of(
    table: JointTable, name: str, estimate: Estimate | None, null: Null, unit: Unit,
    *, missing: int = 0, rule: str = "",
) -> Gain:  # fmt: skip
    """What the first variable of a table, a column of that name, tells of the second, given all others.

    The gain is as estimated; what chance gives, the excess and the p-value are those of the observed frequencies.
    """
    if not table.counts.size:
        return Gain(name, math.nan, math.nan, math.nan, math.nan, None, None, 0, missing, 0, rule)
    given = tuple(range(2, table.width))
    strata = table.per_stratum(*given)
    plain = conditional_mutual_information(table, 0, 1, given) if given else information_of(table).mutual
    gain = plain if estimate is None else _estimated(table, given, estimate)
    whole = target_entropy(table.margin(1, *given), estimate)
    degrees = sum((rows.size - 1) * (columns.size - 1) for rows, columns in strata)
    tested = _permuted(strata, table.total, plain, null, name) if null.permutations else _by_chi_square(
        plain, table.total, degrees
    )  # fmt: skip
    expected, p, log10_p, high = tested
    return Gain(
        name=name, gain=unit.of_nats(gain), expected=unit.of_nats(expected), excess=unit.of_nats(plain - expected),
        share=share(gain, whole, nothing=0.0), p_value=p, log10_p_value=log10_p,
        outcomes=table.margin(0).counts.size, missing=missing, cases=table.total, rule=rule,
        rough=not null.permutations and is_rough(table), null_high=None if high is None else unit.of_nats(high),
    )  # fmt: skip


def target_entropy(table: JointTable, estimate: Estimate | None) -> float:
    """H(Y | Z) in nats of the first variable of a table given all others, H(Y) where there are none."""
    others = tuple(range(1, table.width))
    if estimate is None:
        given = table.sums(*others) if others else np.full_like(table.counts, table.total)
        return association.conditional_entropy(table.counts, given, table.total)
    return _entropy(table, (0, *others), estimate) - (_entropy(table, others, estimate) if others else 0.0)


def _entropy(table: JointTable, places: tuple[int, ...], estimate: Estimate) -> float:
    """An estimated entropy; all combinations of the outcomes that occur are possible."""
    sizes = (table.margin(each).counts.size for each in places)
    return estimate(table.margin(*places).counts, math.prod(sizes))


def _estimated(table: JointTable, given: tuple[int, ...], estimate: Estimate) -> float:
    """I(X; Y | Z) as a sum of estimated entropies, which need not be positive."""
    if not given:
        return information_of(table, estimate).mutual
    whole, alone = _entropy(table, (0, 1, *given), estimate), _entropy(table, given, estimate)
    return math.fsum((_entropy(table, (0, *given), estimate), _entropy(table, (1, *given), estimate), -whole, -alone))


_Tested = tuple[float, float | None, float | None, float | None]


def _by_chi_square(plain: float, total: int, degrees: int) -> _Tested:
    """2 N I is about chi-square: its mean over 2N is what chance gives."""
    g = 2.0 * total * plain
    log10_p = 0.0 + log_chi_square_survival(g, degrees) / _LOG_TEN
    return degrees / (2 * total), chi_square_survival(g, degrees), log10_p, None


def _permuted(strata: Sequence[tuple[Integers, Integers]], total: int, plain: float, null: Null, name: str) -> _Tested:
    """The outcomes of X shuffled over the cases of each outcome of Z."""
    rng = null.random(name)
    values = np.zeros(null.permutations)
    for rows, columns in strata:
        cases = int(rows.sum())
        weight = cases / total
        values += weight * permuted_information(rows, columns, cases, null.permutations, rng)
    return permuted_figures(values, plain)


def permuted_figures(values: Doubles, plain: float) -> _Tested:
    """What random permutations give on average, the p-value, its base-10 logarithm, and their 99th percentile."""
    p = permutation_p(values, plain)
    return math.fsum(values.tolist()) / values.size, p, math.log10(p), float(np.quantile(values, _HIGH))


def is_rough(table: JointTable) -> bool:
    """Whether more than a fifth of the cells expect fewer than five cases, so that a test by chi-square is no good
    (Cochran 1954)."""
    few, cells = few_expected(table)
    return 5 * few > cells > 1


def pair_gain(table: JointTable, names: tuple[str, str], estimate: Estimate | None, unit: Unit) -> PairGain:
    """Mutual information of two columns, and its share of their mean entropy."""
    if not table.counts.size:
        return PairGain(*names, math.nan, math.nan, 0, math.nan, math.nan)
    information = information_of(table, estimate)
    plain = information.mutual if estimate is None else information_of(table).mutual
    nmi = share(information.mutual, (information.x + information.y) / 2.0)
    degrees = (table.margin(0).counts.size - 1) * (table.margin(1).counts.size - 1)
    expected, p, log10_p, _ = _by_chi_square(plain, table.total, degrees)
    return PairGain(
        *names, unit.of_nats(information.mutual), nmi, table.total, unit.of_nats(expected),
        unit.of_nats(plain - expected), p, log10_p, is_rough(table),
    )  # fmt: skip


def own_entropy(table: JointTable, name: str, estimate: Estimate | None, unit: Unit) -> PairGain:
    """What a column tells of itself: its entropy."""
    if not table.counts.size:
        return PairGain(name, name, math.nan, math.nan, 0)
    counts: Any = table.counts
    plain = association.entropy(counts, table.total) if estimate is None else estimate(counts, counts.size)
    return PairGain(name, name, unit.of_nats(plain), 1.0, table.total)
